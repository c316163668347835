//! The journal as a source: every fault that a stand-in for journalctl can have, and the real
//! journalctl on real journal files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that cannot go on fails the test; a test that cannot be run says so"
)]

#[path = "support/journal.rs"]
mod support;

use notafter::source::journal::{JournalPosition, JournalSource};
use notafter::source::notice::NoticeKind;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use support::{Following, Seen, source};
use tempfile::TempDir;

/// A journal that the stand-in replays.
struct Recorded {
    directory: TempDir,
    records: usize,
}

impl Recorded {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("records.json"), "").unwrap();
        Self {
            directory,
            records: 0,
        }
    }

    fn source(&self) -> JournalSource {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/journalctl");
        source(self.directory.path(), program)
    }

    fn set(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn unset(&self, name: &str) {
        fs::remove_file(self.directory.path().join(name)).unwrap();
    }

    fn raw(&self, text: &str) {
        let path = self.directory.path().join("records.json");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Appends a record with this message and these further fields, both as JSON.
    fn record(&mut self, message: &str, fields: &str) {
        self.records += 1;
        let number = self.records;
        self.raw(&format!(
            "{{\"__CURSOR\":\"s=1;i={number}\",\"__REALTIME_TIMESTAMP\":\"{number}\",\"MESSAGE\":{message},\"_PID\":\"7\"{fields}}}\n"
        ));
    }

    fn line(&mut self, text: &str) {
        self.record(&format!("\"{text}\""), "");
    }
}

fn at(cursor: &str, ahead: u64, line: u64) -> JournalPosition {
    JournalPosition {
        cursor: Some(cursor.to_owned()),
        ahead,
        line,
        texts: 0,
    }
}

#[test]
fn what_is_there_and_what_comes_is_read_once() {
    let mut journal = Recorded::new();
    journal.line("one");
    journal.record("[116,119,111]", "");
    journal.record("null", "");
    journal.raw("no record\n");
    let mut following = Following::start(journal.source(), None);
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(seen.lines, ["one", "two"]);
    assert_eq!((seen.counts.lines, seen.counts.overlong), (4, 2));
    assert_eq!(seen.kinds(), [NoticeKind::Lost], "said once");
    assert_eq!(seen.position, Some(at("s=1;i=3", 0, 2)));

    journal.line("three");
    following.until(|seen| seen.lines.len() == 3);
    let position = following.stop().position;
    journal.line("four");
    let mut following = Following::start(journal.source(), position);
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(
        (seen.lines.as_slice(), seen.kinds().len()),
        (&["four".to_owned()][..], 0)
    );
    assert_eq!(following.stop().position, Some(at("s=1;i=5", 0, 4)));
}

#[test]
fn pieces_are_joined_over_a_restart() {
    let mut journal = Recorded::new();
    let piece = ",\"_STREAM_ID\":\"a\",\"_LINE_BREAK\":\"line-max\"";
    journal.line("before");
    journal.record("\"one, \"", piece);
    journal.line("in between");
    let mut following = Following::start(journal.source(), None);
    following.until(|seen| seen.lines.len() == 2);
    let seen = following.stop();
    assert_eq!(seen.lines, ["before", "in between"]);
    assert_eq!(seen.position, Some(at("s=1;i=1", 1, 2)));

    journal.record("\"two, \"", piece);
    journal.record("\"three\"", ",\"_STREAM_ID\":\"a\",\"_LINE_BREAK\":\"eof\"");
    let docker = ",\"CONTAINER_ID\":\"f\",\"CONTAINER_PARTIAL_MESSAGE\":\"true\"";
    journal.record("\"from \"", docker);
    journal.record("\"docker\"", ",\"CONTAINER_ID\":\"f\"");
    let mut following = Following::start(journal.source(), seen.position);
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(seen.lines, ["one, two, three", "from docker"]);
    assert_eq!(seen.position, Some(at("s=1;i=7", 0, 4)));
}

#[test]
fn access_lines_are_only_counted_and_long_ones_cut() {
    let mut journal = Recorded::new();
    let access = r#"{\"level\":\"info\",\"ts\":1777845841.5,\"logger\":\"http.log.access.log0\"}"#;
    for _ in 0..2_000 {
        journal.line(access);
    }
    for number in 0..=24 {
        let goes_on = if number < 24 {
            ",\"_LINE_BREAK\":\"line-max\""
        } else {
            ""
        };
        journal.record(&format!("\"{}\"", "x".repeat(49_152)), goes_on);
    }
    let mut following = Following::start(journal.source(), None);
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!((seen.lines.len(), seen.overlong), (1, 1));
    assert_eq!((seen.counts.lines, seen.counts.overlong), (2_001, 1));
}

#[test]
fn a_child_that_ends_is_started_again_where_it_was() {
    let mut journal = Recorded::new();
    journal.set("ends", "");
    journal.line("one");
    journal.raw("{\"__CURSOR\":\"half");
    let mut following = Following::start(journal.source(), None);
    let ended = |kinds: &[NoticeKind]| kinds.contains(&NoticeKind::Unreadable);
    following.until(|seen| ended(&seen.kinds()));
    journal.raw("\",\"MESSAGE\":\"two\"}\n");
    following.until(|seen| seen.lines.len() == 2);
    journal.unset("ends");
    journal.line("three");
    following.until(|seen| seen.lines.len() == 3);
    let seen = following.stop();
    assert_eq!(seen.lines, ["one", "two", "three"]);
    assert_eq!(seen.kinds(), [NoticeKind::Unreadable], "said once");
}

#[test]
fn a_journal_that_is_back_without_a_new_record_is_read_to_its_end() {
    let mut journal = Recorded::new();
    journal.set("ends", "");
    journal.line("one");
    let mut following = Following::start(journal.source(), None);
    following.until(|seen| seen.kinds().contains(&NoticeKind::Unreadable));
    journal.set("fails", "it is broken\n");
    following.until(|seen| seen.kinds().len() == 2);
    journal.unset("fails");
    journal.unset("ends");
    let recovered = |seen: &Seen| seen.kinds().contains(&NoticeKind::Recovered);
    let seen = following.until(|seen| recovered(seen) && seen.caught_up);
    assert_eq!(seen.lines, ["one"]);
}

#[test]
fn a_cursor_that_is_none_is_said_and_the_last_days_are_read_again() {
    let mut journal = Recorded::new();
    journal.line("one");
    let mut following = Following::start(journal.source(), Some(at("rubbish", 1, 9)));
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(seen.lines, ["one"]);
    assert_eq!(seen.kinds(), [NoticeKind::Lost]);
    assert_eq!(seen.position, Some(at("s=1;i=1", 0, 10)));
    let calls = fs::read_to_string(journal.directory.path().join("calls")).unwrap();
    let calls: Vec<_> = calls.lines().collect();
    assert!(
        calls[0].contains("--cursor=rubbish") && calls[1].contains("--since=-7d"),
        "{calls:?}"
    );
    assert!(calls[1].contains("--all") && calls[1].ends_with(" _SYSTEMD_UNIT=caddy.service"));
}

#[test]
fn a_journal_that_forgot_the_last_record_is_said_and_read_on() {
    let mut journal = Recorded::new();
    journal.set("forgets", "");
    journal.line("one");
    journal.line("two");
    let mut following = Following::start(journal.source(), Some(at("s=0;i=7", 2, 9)));
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(seen.lines, ["one", "two"]);
    assert_eq!(seen.kinds(), [NoticeKind::Lost]);
}

#[test]
fn a_journal_that_may_not_be_read_is_said_once_with_the_way_out() {
    for (file, text) in [
        (
            "fails",
            "No journal files were opened due to insufficient permissions.\n",
        ),
        (
            "hint",
            "Hint: You are currently not seeing messages from other users and the system.\n",
        ),
    ] {
        let mut journal = Recorded::new();
        journal.set(file, text);
        let mut following = Following::start(journal.source(), None);
        let seen = following.until(|seen| !seen.notices.is_empty());
        assert_eq!(seen.notices[0].kind, NoticeKind::PermissionDenied);
        let remedy = seen.notices[0].remedy.clone().unwrap();
        assert!(
            remedy.contains("SupplementaryGroups=systemd-journal"),
            "{remedy}"
        );
        assert!(journal.source().try_once().is_err(), "{file}");
        assert!(!seen.caught_up);
        journal.unset(file);
        journal.line("at last");
        following.until(|seen| seen.caught_up);
        let kinds = following.stop().kinds();
        assert_eq!(kinds, [NoticeKind::PermissionDenied, NoticeKind::Recovered]);
    }
}

#[test]
fn no_journalctl_and_no_records_are_said() {
    let mut journal = Recorded::new();
    let mut missing = journal.source();
    missing.program = PathBuf::from("/nowhere/journalctl");
    let mut following = Following::start(missing.clone(), None);
    let seen = following.until(|seen| !seen.notices.is_empty());
    assert_eq!(seen.kinds(), [NoticeKind::Unreadable]);
    assert!(
        seen.notices[0]
            .remedy
            .as_ref()
            .unwrap()
            .contains("a part of systemd")
    );
    assert_eq!(following.stop().notices.len(), 1);
    assert!(missing.try_once().is_err());

    let mut following = Following::start(journal.source(), None);
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(seen.kinds(), [NoticeKind::Waiting]);
    assert_eq!(journal.source().try_once(), Ok(false));
    journal.line("first");
    let seen = following.until(|seen| seen.lines.len() == 1);
    assert_eq!(seen.kinds(), [NoticeKind::Waiting, NoticeKind::Recovered]);
}

/// Real journal files, written as journald would.
struct Written {
    directory: TempDir,
    remote: PathBuf,
    records: u64,
    began: u128,
}

impl Written {
    /// `None` where the programs are not installed.
    fn new() -> Option<Self> {
        let remote = ["/usr/lib/systemd", "/lib/systemd"]
            .iter()
            .map(|directory| Path::new(directory).join("systemd-journal-remote"))
            .find(|path| path.exists());
        let reads = Command::new("journalctl").arg("--version").output().is_ok();
        let (Some(remote), true) = (remote, reads) else {
            eprintln!("skipped: systemd-journal-remote or journalctl is not installed");
            return None;
        };
        Some(Self {
            directory: tempfile::tempdir().unwrap(),
            remote,
            records: 0,
            began: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_micros(),
        })
    }

    fn source(&self) -> JournalSource {
        source(self.directory.path(), PathBuf::from("journalctl"))
    }

    /// Appends as many lines, each with one of another unit behind it; gives their texts.
    fn lines(&mut self, count: u64) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let text = format!("\u{1b}[1mline {}", self.records);
            self.append(&text, "");
            texts.push(text);
        }
        texts
    }

    fn append(&mut self, text: &str, fields: &str) {
        let mut export = Vec::new();
        for (unit, text) in [("caddy", text), ("other", "not ours")] {
            self.records += 1;
            let at = self.began + u128::from(self.records);
            let head = format!(
                "__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={:032x}\n_SYSTEMD_UNIT={unit}.service\n_STREAM_ID=a\n{fields}MESSAGE\n",
                self.records, 17
            );
            export.extend(head.as_bytes());
            export.extend(u64::try_from(text.len()).unwrap().to_le_bytes());
            export.extend(text.as_bytes());
            export.extend(b"\n\n");
        }
        let input = self.directory.path().join("input");
        fs::write(&input, export).unwrap();
        let output = self.directory.path().join("caddy.journal");
        let mut command = Command::new(&self.remote);
        let done = command.arg("-o").arg(output).arg(input).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// Gives the file the name of an archived one, as journald does; the next line begins a new one.
    fn rotate(&self) {
        let archived = format!(
            "caddy@{:032x}-{:016x}-{:016x}.journal",
            7, self.records, self.records
        );
        let directory = self.directory.path();
        fs::rename(directory.join("caddy.journal"), directory.join(archived)).unwrap();
    }

    fn vacuum(&self) {
        let mut command = Command::new("journalctl");
        command.arg("--vacuum-files=1").arg("-D");
        let done = command.arg(self.directory.path()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("Deleted archived journal"), "{said}");
    }
}

#[test]
fn nothing_is_lost_or_doubled_over_rotation_vacuum_and_restarts() {
    let Some(mut journal) = Written::new() else {
        return;
    };
    let mut written = journal.lines(3);
    let mut position = None;
    let mut lines = Vec::new();
    for round in 0..3 {
        let mut following = Following::start(journal.source(), position);
        following.until(|seen| seen.caught_up);
        for _ in 0..2 {
            written.extend(journal.lines(2));
            journal.rotate();
            written.extend(journal.lines(2));
            let until = written.len() - lines.len();
            following.until(|seen| seen.lines.len() >= until);
            journal.vacuum();
        }
        let seen = following.stop();
        assert!(seen.notices.is_empty(), "{:?}", seen.notices);
        position = seen.position;
        lines.extend(seen.lines);
        assert_eq!(lines, written, "round {round}");
        journal.rotate();
        written.extend(journal.lines(1));
    }
}

#[test]
fn a_vacuumed_position_is_said_and_costs_nothing_that_is_still_there() {
    let Some(mut journal) = Written::new() else {
        return;
    };
    journal.lines(2);
    let mut following = Following::start(journal.source(), None);
    following.until(|seen| seen.caught_up);
    let position = following.stop().position;
    fs::remove_file(journal.directory.path().join("caddy.journal")).unwrap();
    let written = journal.lines(2);
    let mut following = Following::start(journal.source(), position);
    let seen = following.until(|seen| seen.caught_up);
    assert_eq!(seen.lines, written);
    assert_eq!(seen.kinds(), [NoticeKind::Lost]);
}

#[test]
fn a_line_of_many_records_comes_whole_from_the_real_one() {
    let Some(mut journal) = Written::new() else {
        return;
    };
    let piece = "é".repeat(24_576);
    journal.append(&piece, "_LINE_BREAK=line-max\n");
    journal.append(&piece, "_LINE_BREAK=line-max\n");
    journal.append("end", "");
    assert_eq!(journal.source().try_once(), Ok(true));
    let mut following = Following::start(journal.source(), None);
    let seen = following.until(|seen| seen.caught_up);
    assert!(seen.notices.is_empty(), "{:?}", seen.notices);
    assert_eq!(seen.lines, [format!("{piece}{piece}end")]);
}
