//! What a source says about itself, in words for people.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// A change in the state of a source; each is said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Name of the source.
    pub source: Arc<str>,
    /// What happened.
    pub kind: NoticeKind,
    /// What happened, in one sentence.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// The kinds of [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The log is not there; we wait for it.
    Waiting,
    /// We may not read the log.
    PermissionDenied,
    /// The log cannot be read for another reason; we try again.
    Unreadable,
    /// The system tells us no changes of this directory; we look every few seconds.
    Polling,
    /// The log is open.
    Opened,
    /// The log was rotated; everything of the old file has been read.
    Rotated,
    /// The log was cut to a smaller size.
    Truncated,
    /// Lines may have been missed.
    Lost,
    /// What was said last is over.
    Recovered,
}

/// What to do when a log may not be read. Caddy 2.6 and 2.8 ignore `mode` in `output file`.
pub const PERMISSION_REMEDY: &str = "Caddy creates its log files with mode 0600 (2.8 and later; \
    2.6 with 0644). With Caddy 2.9 or later add `mode 0640` to `output file` and \
    put notafter's user into the group `caddy`; otherwise run notafter with `User=caddy`, or let Caddy log to \
    the journal and watch that: `notafter watch journal:caddy.service`.";

/// What to do when the journal may not be read.
pub const JOURNAL_REMEDY: &str = "Put notafter's user into the group `systemd-journal`. Of a unit: \
    `systemctl edit notafter`, and there `[Service]` with `SupplementaryGroups=systemd-journal`. Of a \
    person: `usermod -aG systemd-journal USER`, and a new login.";

/// What to do when Docker's socket may not be used.
pub const DOCKER_REMEDY: &str = "Put notafter's user into the group `docker`. Of the unit: copy \
    /usr/share/doc/notafter/examples/10-docker.conf to /etc/systemd/system/notafter.service.d/. Of a \
    person: `usermod -aG docker USER`, and a new login. Whoever may use that socket can become root: a \
    proxy that lets only GET requests for containers through is safer, with its address in DOCKER_HOST.";

/// What to say when opening or reading the log failed: kind, sentence, remedy.
pub(super) fn of_error(path: &Path, error: &io::Error) -> (NoticeKind, String, Option<String>) {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => (
            NoticeKind::Waiting,
            format!("{shown} does not exist; waiting for it"),
            None,
        ),
        io::ErrorKind::PermissionDenied => (
            NoticeKind::PermissionDenied,
            format!("{shown} cannot be read: permission denied"),
            Some(PERMISSION_REMEDY.to_owned()),
        ),
        _ => (
            NoticeKind::Unreadable,
            format!("{shown} cannot be read: {error}"),
            None,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_denied_comes_with_the_way_out() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        let (kind, text, remedy) = of_error(Path::new("/var/log/caddy/caddy.log"), &error);
        assert_eq!(kind, NoticeKind::PermissionDenied);
        assert_eq!(
            text,
            "/var/log/caddy/caddy.log cannot be read: permission denied"
        );
        assert!(remedy.is_some_and(|remedy| remedy.contains("mode 0640")));
    }

    #[test]
    fn other_errors_are_told_apart() {
        let kind = |error| of_error(Path::new("x"), &io::Error::from(error)).0;
        assert_eq!(kind(io::ErrorKind::NotFound), NoticeKind::Waiting);
        assert_eq!(kind(io::ErrorKind::IsADirectory), NoticeKind::Unreadable);
    }
}
