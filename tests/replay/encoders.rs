//! One Caddy wrote each line in every way its encoders know: all of them say the same.

use crate::program::{fixture, run};
use crate::rows::rows;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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

/// The alerts and certificates of each log of a recording, in an order that does not hang on a second.
fn replayed(directory: &Path) -> BTreeMap<String, Vec<Value>> {
    let files = fs::read_dir(directory).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let logs = files.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
    let mut arguments = vec![
        "replay".to_owned(),
        "--format".to_owned(),
        "json".to_owned(),
    ];
    arguments.extend(logs.map(|log| log.display().to_string()));
    let ran = run(&arguments);
    assert_eq!(ran.code, 0, "{}: {}", directory.display(), ran.stderr);
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

#[test]
fn every_encoder_says_the_same() {
    let mut compared = 0;
    for version in fs::read_dir(fixture("captures")).unwrap() {
        let directory = version.unwrap().path().join("encoders");
        let mut logs = replayed(&directory);
        let plain = logs.remove("caddy").unwrap();
        assert!(plain.iter().any(|row| row["type"] == "alert"));
        for (encoder, other) in logs {
            let place = format!("{} {encoder}", directory.display());
            assert_eq!(plain.len(), other.len(), "{place}");
            for (plain, other) in plain.iter().zip(&other) {
                is_the_same(&place, plain, other);
            }
            compared += 1;
        }
    }
    assert!(compared >= 90, "{compared}");
}
