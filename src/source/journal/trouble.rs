//! What can be wrong with a journal, and what to do about it.

use super::JournalSource;
use super::child::Ending;
use crate::source::notice::{JOURNAL_REMEDY, Notice, NoticeKind};
use std::io;
use std::process::{Output, Stdio};
use std::sync::Arc;

/// Why the journal is not read; each is said once until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// journalctl cannot be started.
    Missing,
    /// We may not read the journal, or not all of it.
    NotAllowed,
    /// There is no record that fits.
    Empty,
    /// The position is none that journalctl takes.
    BadCursor,
    /// journalctl failed for another reason.
    Failed,
    /// journalctl ended although it was to follow.
    Ended,
}

impl Trouble {
    /// What is wrong when a pass to the end of the journal ended like this.
    pub(super) fn of_ending(ending: &Ending) -> Option<Self> {
        if ending.status.is_some_and(|status| status.success()) {
            return None;
        }
        let complaints = &ending.complaints;
        Some(if is_not_allowed(complaints) {
            Self::NotAllowed
        } else if complaints.contains("Failed to seek to cursor") {
            Self::BadCursor
        } else {
            Self::Failed
        })
    }

    /// It in words; `detail` is what journalctl or the system said.
    pub(super) fn notice(self, source: &JournalSource, detail: &str) -> Notice {
        let shown = source.matching.shown();
        let last = last_line(detail);
        let (kind, text, remedy) = match self {
            Self::Missing => (
                NoticeKind::Unreadable,
                format!("{} cannot be started: {last}", source.program.display()),
                Some("The journal is read with `journalctl`, a part of systemd. Install it, or let Caddy log to a file and watch that."),
            ),
            Self::NotAllowed => (
                NoticeKind::PermissionDenied,
                "the journal cannot be read: permission denied".to_owned(),
                Some(JOURNAL_REMEDY),
            ),
            Self::Empty => (
                NoticeKind::Waiting,
                format!("the journal holds nothing of {shown}; waiting for it"),
                Some("`systemctl list-units` shows how units are called. In a container, mount /var/log/journal and /etc/machine-id of the host."),
            ),
            Self::BadCursor => (
                NoticeKind::Lost,
                "the journal does not know the place that was read last; reading the last 7 days again. Lines of that time that were read before count twice, older ones that were not are missed".to_owned(),
                None,
            ),
            Self::Failed => (
                NoticeKind::Unreadable,
                format!("the journal cannot be read: {last}"),
                None,
            ),
            Self::Ended => (
                NoticeKind::Unreadable,
                format!("journalctl ended ({last}); starting it again, nothing is lost by that"),
                None,
            ),
        };
        Notice {
            source: Arc::clone(&source.name),
            kind,
            text,
            remedy: remedy.map(str::to_owned),
        }
    }
}

/// Whether others may see more of this journal. `-o json` makes journalctl keep that to itself, and
/// show an empty journal instead; so it is asked again in its own words.
pub(super) fn is_kept_from_us(source: &JournalSource) -> bool {
    ask(source).is_ok_and(|said| is_not_allowed(&String::from_utf8_lossy(&said.stderr)))
}

/// See [`JournalSource::try_once`].
pub(super) fn try_once(source: &JournalSource) -> Result<bool, Notice> {
    let said = ask(source).map_err(|error| Trouble::Missing.notice(source, &error.to_string()))?;
    let ending = Ending {
        status: Some(said.status),
        complaints: String::from_utf8_lossy(&said.stderr).into_owned(),
    };
    let has_record = said
        .stdout
        .split(|byte| *byte == b'\n')
        .any(|line| !line.is_empty() && !line.starts_with(b"-- "));
    match Trouble::of_ending(&ending) {
        Some(trouble) => Err(trouble.notice(source, &of_ending(&ending))),
        None if !has_record && is_not_allowed(&ending.complaints) => {
            Err(Trouble::NotAllowed.notice(source, ""))
        }
        None => Ok(has_record),
    }
}

fn ask(source: &JournalSource) -> io::Result<Output> {
    let mut command = source.command(&["--output=short", "--lines=1"]);
    command.stdin(Stdio::null()).output()
}

fn is_not_allowed(complaints: &str) -> bool {
    complaints.contains("insufficient permissions")
        || complaints.contains("not seeing messages from other users")
        || complaints.contains("not seeing messages from the system")
}

/// How a child ended, in words.
pub(super) fn of_ending(ending: &Ending) -> String {
    let last = last_line(&ending.complaints);
    match (last.is_empty(), ending.status) {
        (false, _) => last,
        (true, Some(status)) => status.to_string(),
        (true, None) => "it closed its output".to_owned(),
    }
}

/// The last line that says something, cut to what a person reads.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().chars().take(200).collect()
}
