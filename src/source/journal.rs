//! The systemd journal into batches, read through `journalctl`.
//!
//! Reading goes in rounds of two passes. The first asks for everything there is, without `--follow`:
//! its end is the only sign that a journal has been read to its end (on a cold disk, seconds may pass
//! between two records, so silence means nothing). The second follows from the last record on.
//!
//! A pass begins *at* the record that was read last, not behind it. `--after-cursor` passes over one
//! record too many when its own is gone; and seeing the same record again is how we know that the
//! journal lost nothing in between. Rotation is journalctl's business.

mod child;
mod follower;
mod join;
mod record;
mod trouble;

use crate::source::batch::{FromSource, Stopped};
use crate::source::notice::Notice;
use crate::source::wake::Stop;
use child::Leash;
use follower::Follower;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// The first pause before journalctl is started again, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// How far back the first start reads.
const FIRST_START: &str = "--since=-7d";
/// All that [`record`] looks at; every record has its cursor and its time as well.
const FIELDS: &str = "--output-fields=MESSAGE,_LINE_BREAK,_STREAM_ID,_PID,\
    CONTAINER_ID,CONTAINER_PARTIAL_MESSAGE,CONTAINER_PARTIAL_ID";
const MACHINE_ID: &str = "/etc/machine-id";
/// What a unit's name ends in; one that ends in none of these is that of a service.
const SUFFIXES: [&str; 11] = [
    ".service",
    ".scope",
    ".slice",
    ".socket",
    ".target",
    ".mount",
    ".automount",
    ".swap",
    ".timer",
    ".path",
    ".device",
];

/// Records of the journal to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSource {
    /// Name of the source.
    pub name: Arc<str>,
    /// Which records.
    pub matching: Matching,
    /// Where the journal files are; `None` is the journal of this machine.
    pub directory: Option<PathBuf>,
    /// The program that reads them.
    pub program: PathBuf,
}

/// Whose records are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matching {
    /// What a unit wrote, by its full name. Not what systemd says about the unit.
    Unit(String),
    /// What a container wrote through Docker's `journald` driver or Podman.
    Container(String),
}

/// Where a follower of the journal stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPosition {
    /// The last record that no unfinished line began at or before; `None` when there was none.
    pub cursor: Option<String>,
    /// Lines behind it that were handed over already: they ended between the pieces of an
    /// unfinished one.
    #[serde(default)]
    pub ahead: u64,
    /// How many lines were handed over, all in all.
    #[serde(default)]
    pub line: u64,
    /// Texts of the lines behind it that were handed over while another was still open.
    #[serde(default)]
    pub texts: u64,
}

impl Matching {
    /// Reads what people write: the name of a unit, or `CONTAINER_NAME=NAME` as journalctl takes it.
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("CONTAINER_NAME=") {
            return Self::Container(name.to_owned());
        }
        let is_whole = SUFFIXES.iter().any(|suffix| text.ends_with(suffix));
        Self::Unit(format!("{text}{}", if is_whole { "" } else { ".service" }))
    }

    /// As [`Self::parse`] reads it.
    pub fn shown(&self) -> String {
        match self {
            Self::Unit(unit) => unit.clone(),
            Self::Container(name) => format!("CONTAINER_NAME={name}"),
        }
    }

    /// The field of a record and its value.
    fn field(&self) -> String {
        match self {
            Self::Unit(unit) => format!("_SYSTEMD_UNIT={unit}"),
            Self::Container(name) => format!("CONTAINER_NAME={name}"),
        }
    }
}

impl JournalSource {
    /// The records of the journal of this machine.
    pub fn new(name: Arc<str>, matching: Matching) -> Self {
        Self {
            name,
            matching,
            directory: None,
            program: PathBuf::from("journalctl"),
        }
    }

    /// Looks once whether the records can be read: whether there are any, or what is wrong.
    pub fn try_once(&self) -> Result<bool, Notice> {
        trouble::try_once(self)
    }

    /// `journalctl` with these arguments, for our records.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--no-pager", "--all"]).args(arguments);
        if let Some(directory) = &self.directory {
            let mut option = OsString::from("--directory=");
            option.push(directory);
            command.arg(option);
        }
        command.arg(self.matching.field());
        command
    }

    /// The command of one pass, from the record with this cursor on.
    fn pass(&self, from: Option<&str>, follow: bool) -> Command {
        let from = from.map_or_else(
            || FIRST_START.to_owned(),
            |cursor| format!("--cursor={cursor}"),
        );
        let mut arguments = vec!["--output=json", "--lines=all", FIELDS, &from];
        if follow {
            // Without `--merge` it shows only what has the boot id of /proc/sys/kernel/random/boot_id
            // (systemd 252). In a sandbox without /proc/sys there is none, and in a container's it is
            // another one than that of the container's journal.
            arguments.extend(["--follow", "--merge"]);
        }
        let mut command = self.command(&arguments);
        // `--merge` also shows the journals of other machines that are kept here.
        if follow
            && self.directory.is_none()
            && let Ok(machine) = fs::read_to_string(MACHINE_ID)
        {
            command.arg(format!("_MACHINE_ID={}", machine.trim()));
        }
        command
    }
}

/// Follows the journal on the calling thread until `stop` is asked for or `to` answers [`Stopped`].
///
/// Without a position the last seven days are read first; with one, everything behind it. Faults are
/// said and waited out.
pub fn follow(
    source: JournalSource,
    resume: Option<JournalPosition>,
    stop: &Stop,
    mut to: impl FnMut(FromSource) -> Result<(), Stopped> + Send,
) {
    let (bell, rung) = sync_channel(1);
    stop.tell(bell);
    let leash = Leash::new(stop);
    let mut follower = Follower::new(source, &resume.unwrap_or_default(), stop.clone());
    let mut pause = PAUSE;
    while !stop.is_stopped() {
        let began = Instant::now();
        if follower.round(&leash, &mut to).is_err() {
            return;
        }
        if began.elapsed() >= PAUSE_MAX {
            pause = PAUSE;
        }
        // A timeout is the usual case: time to start again.
        let _rung = rung.recv_timeout(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_without_a_suffix_is_a_service() {
        let field = |text| Matching::parse(text).field();
        assert_eq!(field("caddy"), "_SYSTEMD_UNIT=caddy.service");
        assert_eq!(field("caddy.service"), "_SYSTEMD_UNIT=caddy.service");
        assert_eq!(field("my.caddy@1"), "_SYSTEMD_UNIT=my.caddy@1.service");
        assert_eq!(field("caddy.scope"), "_SYSTEMD_UNIT=caddy.scope");
        assert_eq!(field("CONTAINER_NAME=web"), "CONTAINER_NAME=web");
    }

    #[test]
    fn journalctl_follows_whatever_the_boot_id_of_a_sandbox_is() {
        let source = JournalSource::new("caddy".into(), Matching::parse("caddy"));
        let arguments = |follow| {
            let command = source.pass(Some("s=1;i=2"), follow);
            let all = command.get_args().map(|one| one.to_string_lossy());
            all.map(String::from).collect::<Vec<_>>()
        };
        let [looking, following] = [false, true].map(arguments);
        assert!(!looking.contains(&"--merge".to_owned()), "{looking:?}");
        assert!(following.contains(&"--merge".to_owned()), "{following:?}");
        if let Ok(machine) = fs::read_to_string(MACHINE_ID) {
            let ours = format!("_MACHINE_ID={}", machine.trim());
            assert!(following.contains(&ours), "{following:?}");
        }
    }

    #[test]
    fn a_position_survives_json() {
        let position = JournalPosition {
            cursor: Some("s=1;i=2".to_owned()),
            ahead: 3,
            line: 4,
            texts: 2,
        };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(
            serde_json::from_str::<JournalPosition>(&text).unwrap(),
            position
        );
    }
}
