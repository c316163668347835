//! What real Caddys logged on their way into an expiry: the rows, and whether they were right.

use crate::program::{fixture, run};
use crate::rows::alerts;
use serde_json::Value;
use std::fs;

const VERSIONS: [&str; 6] = ["2.6.2", "2.8.4", "2.9.1", "2.10.2", "2.11.4", "2.11.7"];
const DOOMED: [&str; 2] = ["start.example.test", "later.example.test"];

fn path(version: &str) -> String {
    let path = fixture(&format!("captures/{version}/expiry/caddy.log"));
    path.display().to_string()
}

fn replayed(version: &str) -> Vec<Value> {
    let ran = run(&["replay", &path(version), "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    alerts(&ran.stdout)
}

fn seconds(time: &Value) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap());
    time.unwrap().timestamp()
}

/// One line per row: what a person would compare.
fn table(rows: &[Value]) -> String {
    const COLUMNS: [&str; 11] = [
        "at",
        "certificate",
        "rule",
        "severity",
        "reason",
        "next_retry",
        "next_retry_source",
        "tries_left",
        "attempt",
        "cause",
        "ca",
    ];
    let cell = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = |row: &Value| COLUMNS.map(|column| cell(&row[column])).join(" ") + "\n";
    rows.iter().map(line).collect()
}

/// When attempts for a name really began, by Caddy's own word.
fn attempts(version: &str, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(path(version)).unwrap();
    let entries = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let began = entries
        .filter(|entry| entry["msg"] == "renewing certificate" && entry["identifier"] == name);
    began.map(|entry| entry["ts"].as_f64().unwrap()).collect()
}

fn the_alarm(rows: &[Value], name: &str) -> Value {
    let mut opened = rows.iter().filter(|row| {
        row["rule"] == "retry-after-expiry"
            && row["certificate"] == name
            && row["reason"] == "opened"
    });
    let row = opened
        .next()
        .unwrap_or_else(|| panic!("no alarm for {name}"));
    assert!(opened.next().is_none(), "a second alarm for {name}");
    row.clone()
}

#[test]
fn the_rows_of_each_version_are_these() {
    for version in VERSIONS {
        insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true}, {
            insta::assert_snapshot!(format!("capture-{version}-expiry"), table(&replayed(version)));
        });
    }
}

#[test]
fn the_alarm_rings_before_the_end_of_both_doomed_names() {
    for version in VERSIONS {
        let timeline = fixture(&format!("captures/{version}/expiry/timeline.json"));
        let timeline: Value = serde_json::from_slice(&fs::read(timeline).unwrap()).unwrap();
        let rows = replayed(version);
        for name in DOOMED {
            let row = the_alarm(&rows, name);
            let end = timeline["names"][name]["not_after"].as_i64().unwrap();
            assert_eq!(seconds(&row["not_after"]), end, "{version} {name}");
            assert!(seconds(&row["at"]) < end, "{version} {name}");
            assert!(seconds(&row["next_retry"]) >= end, "{version} {name}");
        }
    }
}

#[test]
fn what_caddy_does_not_announce_is_predicted_and_marked_so() {
    for version in VERSIONS {
        let rows = replayed(version);
        for name in DOOMED {
            let silent = version == "2.11.7" && name == "later.example.test";
            let source = if silent { "predicted" } else { "announced" };
            let row = the_alarm(&rows, name);
            assert_eq!(row["next_retry_source"], source, "{version} {name}");
        }
    }
}

#[test]
fn the_next_attempt_really_came_when_it_was_said_to() {
    for version in VERSIONS {
        let rows = replayed(version);
        let first_words = rows
            .iter()
            .filter(|row| row["rule"] == "renewal-failing" && row["reason"] == "opened");
        for row in first_words {
            let name = row["certificate"].as_str().unwrap();
            let said = row["next_retry"].as_str().unwrap();
            let predicted = row["next_retry_source"] == "predicted";
            let tolerance = if predicted { 10.0 } else { 1.5 };
            let mut all = attempts(version, name).into_iter();
            let at = all.nth(1).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
            let off = at - seconds(&row["next_retry"]) as f64;
            assert!(
                off.abs() <= tolerance,
                "{version} {name}: said {said}, {off} s off"
            );
        }
    }
}

#[test]
fn a_blip_that_the_second_attempt_cures_wakes_nobody() {
    for version in VERSIONS {
        let rows = replayed(version);
        let blips: Vec<&Value> = rows
            .iter()
            .filter(|row| row["certificate"].as_str().unwrap().starts_with("blip"))
            .collect();
        assert_eq!(blips.len(), 4, "{version}: opened and closed, twice");
        assert!(blips.iter().all(|row| row["severity"] == "info"));
    }
}

#[test]
fn each_doomed_name_expires_in_its_second_and_closes_after_its_renewal() {
    for version in VERSIONS {
        let rows = replayed(version);
        for name in DOOMED {
            let of = |reason: &str| -> Vec<&Value> {
                let wanted = rows.iter().filter(|row| {
                    row["certificate"] == name
                        && row["rule"] == "expired"
                        && row["reason"] == reason
                });
                wanted.collect()
            };
            let (opened, closed) = (of("opened"), of("closed"));
            assert_eq!((opened.len(), closed.len()), (1, 1), "{version} {name}");
            assert_eq!(opened[0]["at"], opened[0]["not_after"]);
            assert_eq!(closed[0]["closed_by"], "renewed");
            assert!(seconds(&closed[0]["not_after"]) > seconds(&opened[0]["not_after"]));
        }
    }
}
