//! The same lives through the two verbs: a tape that is watched in pieces, over restarts, gives what
//! its replay gives.

use crate::caddy::{self, TAPED};
use crate::random::Random;
use crate::seeds::number;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// As many as a debug build takes in a few seconds; `NOTAFTER_TAPES` wants others.
const TAPES: u64 = 30;

/// Tapes that one process watches.
const AT_ONCE: usize = 100;

const PIECES: usize = 4;

struct Tape {
    name: String,
    bytes: Vec<u8>,
    /// Where its pieces end: anywhere, also within a line.
    ends: [usize; PIECES],
}

impl Tape {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let script = caddy::live(&mut random, (TAPED, caddy::LINES_AT_MOST));
        let lines = script.lines.iter().map(|line| line.text.clone() + "\n");
        let bytes = lines.collect::<String>().into_bytes();
        let whole = i64::try_from(bytes.len()).unwrap();
        let mut ends = [(); PIECES].map(|()| usize::try_from(random.between(0, whole)).unwrap());
        ends.sort_unstable();
        ends[PIECES - 1] = bytes.len();
        Self {
            name: format!("tape{seed}"),
            bytes,
            ends,
        }
    }

    fn piece(&self, index: usize) -> &[u8] {
        let from = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[from..self.ends[index]]
    }
}

fn notafter(place: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notafter"));
    command
        .args(arguments)
        .current_dir(place)
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// A watch that reads every tape to its end, and is told to stop.
fn watch(place: &Path, tapes: usize) {
    let arguments = ["watch", "--config", "watch.toml", "--state", "state"];
    let mut watch = notafter(place, &arguments)
        .args(["--record", "record.jsonl"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(watch.stderr.take().unwrap()).lines();
    let mut read = 0;
    let pid = watch.id().to_string();
    for line in said.map_while(Result::ok) {
        read += usize::from(line.contains("read to the end"));
        if read == tapes {
            read = 0;
            let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
            assert!(sent.unwrap().success());
        }
    }
    assert!(watch.wait().unwrap().success());
}

/// What changed of the alerts about certificates, and how each certificate stands.
fn essence(rows: &str) -> BTreeSet<String> {
    let rows = rows.lines();
    let rows = rows.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fields = [
        "instance",
        "certificate",
        "rule",
        "at",
        "reason",
        "severity",
    ];
    let alert = |row: &Value| row["type"] == "alert" && !row["certificate"].is_null();
    rows.filter(alert)
        .map(|row| fields.map(|field| row[field].to_string()).join(" "))
        .collect()
}

fn states(rows: &str) -> BTreeSet<String> {
    let rows = rows.lines();
    let rows = rows.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fields = ["instance", "name", "state", "not_after", "attempts_total"];
    rows.filter(|row| row["type"] == "certificate")
        .map(|row| fields.map(|field| row[field].to_string()).join(" "))
        .collect()
}

fn output(place: &Path, arguments: &[&str]) -> String {
    let output = notafter(place, arguments).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn compare(tapes: &[Tape]) {
    let place = TempDir::new().unwrap();
    let place = place.path();
    let source = |tape: &Tape| {
        let name = &tape.name;
        format!("[[source]]\nname = \"{name}\"\nfile = \"tapes/{name}.log\"\n")
    };
    let settings: String = tapes.iter().map(source).collect();
    fs::write(place.join("watch.toml"), settings).unwrap();
    fs::create_dir(place.join("tapes")).unwrap();
    for piece in 0..PIECES {
        for tape in tapes {
            let path = place.join("tapes").join(format!("{}.log", tape.name));
            let log = OpenOptions::new().create(true).append(true).open(path);
            log.unwrap().write_all(tape.piece(piece)).unwrap();
        }
        watch(place, tapes.len());
    }
    let replayed = output(place, &["replay", "tapes", "--format", "json"]);
    let recorded = fs::read_to_string(place.join("record.jsonl")).unwrap();
    assert!(essence(&replayed).len() > tapes.len(), "much happens");
    assert_eq!(essence(&recorded), essence(&replayed));
    let status = output(place, &["status", "--json", "--state", "state"]);
    assert_eq!(states(&status), states(&replayed));
}

#[test]
fn a_tape_watched_in_pieces_gives_what_its_replay_gives() {
    let count = number("NOTAFTER_TAPES").unwrap_or(TAPES);
    let tapes: Vec<Tape> = (0..count).map(Tape::new).collect();
    tapes.chunks(AT_ONCE).for_each(compare);
}
