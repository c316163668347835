//! One Caddy wrote each line in every way its encoders know: all of them say the same.

use crate::program::{fixture, run};
use crate::rows::rows;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What has to be equal.
const SAID: [&str; 14] = [
    "type",
    "rule",
    "severity",
    "reason",
    "certificate",
    "name",
    "state",
    "next_retry_source",
    "attempt",
    "attempts_total",
    "cause",
    "seen_by",
    "ca",
    "due_since_source",
];
/// Moments: encoders that cut them to seconds make them a second earlier at most.
const MOMENTS: [&str; 5] = [
    "at",
    "not_after",
    "next_retry",
    "failing_since",
    "due_since",
];

/// `format journald` around `console` leaves the time to the journal.
const TIMELESS: &str = "journald-console";

/// The logs of a recording that have times.
fn logs_of(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let logs = files.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
    logs.filter(|log| !log.ends_with(format!("{TIMELESS}.log")))
        .collect()
}

/// The alerts and certificates of each log, in an order that does not hang on a second.
fn replayed(logs: &[PathBuf]) -> BTreeMap<String, Vec<Value>> {
    let mut arguments = vec![
        "replay".to_owned(),
        "--format".to_owned(),
        "json".to_owned(),
    ];
    arguments.extend(logs.iter().map(|log| log.display().to_string()));
    let ran = run(&arguments);
    assert_eq!(ran.code, 0, "{logs:?}: {}", ran.stderr);
    let mut logs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows(&ran.stdout) {
        // By time alone, and only `caddy.log` has the last lines of a process.
        let counts = row["type"] == "alert" && row["rule"] != "expiring";
        if counts || row["type"] == "certificate" {
            let instance = row["instance"].as_str().unwrap().to_owned();
            logs.entry(instance).or_default().push(row);
        }
    }
    for rows in logs.values_mut() {
        rows.sort_by_cached_key(|row| {
            let told = ["type", "certificate", "name", "rule", "reason", "at"];
            told.map(|key| row[key].to_string())
        });
    }
    logs
}

fn seconds(row: &Value, key: &str) -> Option<i64> {
    let time = chrono::DateTime::parse_from_rfc3339(row[key].as_str()?);
    Some(time.unwrap().timestamp())
}

fn is_the_same(place: &str, plain: &Value, other: &Value) {
    for key in SAID {
        assert_eq!(plain[key], other[key], "{place}: {key} of {plain}");
    }
    for key in MOMENTS {
        let (plain, other) = (seconds(plain, key), seconds(other, key));
        let off = plain.zip(other).map(|(plain, other)| plain - other);
        let equal = plain == other || off.is_some_and(|off| off.abs() <= 1);
        assert!(equal, "{place}: {key} is {other:?} instead of {plain:?}");
    }
}

fn are_the_same(place: &str, plain: &[Value], other: &[Value]) {
    assert!(plain.iter().any(|row| row["type"] == "alert"), "{place}");
    assert_eq!(plain.len(), other.len(), "{place}");
    for (plain, other) in plain.iter().zip(other) {
        is_the_same(place, plain, other);
    }
}

fn recordings() -> Vec<PathBuf> {
    let versions = fs::read_dir(fixture("captures")).unwrap();
    versions
        .map(|version| version.unwrap().path().join("encoders"))
        .collect()
}

#[test]
fn every_encoder_says_the_same() {
    let mut compared = 0;
    for directory in recordings() {
        let files = logs_of(&directory);
        let mut logs = replayed(&files);
        let plain = logs.remove("caddy").unwrap();
        for file in files.iter().filter(|file| !file.ends_with("caddy.log")) {
            let encoder = file.file_stem().unwrap().to_str().unwrap();
            let place = file.display().to_string();
            let other = logs.get(encoder);
            are_the_same(&place, &plain, other.unwrap_or_else(|| panic!("{place}")));
            compared += 1;
        }
    }
    assert!(compared >= 92, "{compared}");
}

/// What systemd does with the lines: it takes the level off, and adds the time.
fn journal(timeless: &str, timed: &str) -> String {
    let mut journal = String::new();
    assert_eq!(timeless.lines().count(), timed.lines().count());
    for (line, same) in timeless.lines().zip(timed.lines()) {
        let (_, message) = line.split_once('>').unwrap();
        let (_, entry) = same.split_once('>').unwrap();
        let entry: Value = serde_json::from_str(entry).unwrap();
        assert!(message.contains(entry["msg"].as_str().unwrap()), "{line}");
        #[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
        let micros = (entry["ts"].as_f64().unwrap() * 1e6) as i64;
        // An escape makes journalctl print the bytes.
        let wrapped =
            json!({"__REALTIME_TIMESTAMP": micros.to_string(), "MESSAGE": message.as_bytes()});
        journal.push_str(&format!("{wrapped}\n"));
    }
    journal
}

#[test]
fn console_lines_for_the_journal_say_the_same_once_they_were_there() {
    let mut compared = 0;
    for directory in recordings() {
        let Ok(timeless) = fs::read_to_string(directory.join(format!("{TIMELESS}.log"))) else {
            continue;
        };
        let timed = fs::read_to_string(directory.join("journald-json.log")).unwrap();
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("journal.log");
        fs::write(&file, journal(&timeless, &timed)).unwrap();
        let logs = replayed(&[directory.join("caddy.log"), file]);
        let place = directory.display().to_string();
        are_the_same(&place, &logs["caddy"], &logs["journal"]);
        compared += 1;
    }
    assert!(compared >= 2, "{compared}");
}

#[test]
fn console_lines_for_the_journal_that_never_were_there_are_told_of() {
    let log = fixture(&format!("captures/2.11.7/encoders/{TIMELESS}.log"));
    let ran = run(&["replay", log.to_str().unwrap()]);
    let told = " lines about certificates have no time that can be read, and were not judged";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}
