//! The rows that programs read, and their schema: what is printed is taken, and nothing else.

use crate::program::{fixture, run};
use crate::row_schema::RowSchema;
use crate::{Changed, changed};
use serde_json::{Value, json};

const INCIDENT: &str = "incident-2026-05-03/caddy.log";

/// What a replay prints.
fn replayed(log: &str) -> String {
    let log = fixture(log).display().to_string();
    let ran = run(&["replay", "--format", "json", &log]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

#[test]
fn the_schema_is_printed() {
    let ran = run(&["schema", "replay"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed, notafter::report::schema::schema());
    let draft = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(printed["$schema"], draft);
}

#[test]
fn every_row_of_a_replay_is_taken() {
    let schema = RowSchema::new();
    for log in [
        INCIDENT,
        "captures/2.6.2/dns01-refused",
        "captures/2.6.2/nonsense",
        "captures/2.9.1/expiry",
        "captures/2.10.2/obtain-dead",
        "captures/2.11.4/test-ca-recovers",
        "captures/2.11.7/rate-limited",
        "captures/2.11.7/two-instances",
        "captures/2.11.7/internal",
        "captures/2.11.7/on-demand",
    ] {
        let rows = schema.rows(&replayed(log));
        let last = rows.last().unwrap();
        assert_eq!(last["type"], "summary", "{log}");
    }
}

/// Whether a row may be so, too: other free text, another count, fewer in a list.
fn is_fine(row: &Value, one: &Changed) -> bool {
    const FREE: [&str; 9] = [
        "rule",
        "instance",
        "certificate",
        "name",
        "title",
        "summary",
        "remedy",
        "source",
        "text",
    ];
    let pointer = one.what.split(' ').next().unwrap();
    let key = pointer.rsplit('/').next().unwrap();
    let pair = (row.pointer(pointer), one.value.pointer(pointer));
    let (Some(was), Some(is)) = pair else {
        return false;
    };
    match (was, is) {
        (Value::String(_), Value::String(_)) => FREE.contains(&key),
        (Value::Number(_), Value::Number(_)) => is.is_u64() && key != "schema",
        (Value::Null, Value::Number(_)) => is.is_u64() && ["attempt", "tries_left"].contains(&key),
        (Value::Array(_), Value::Array(_)) => true,
        (Value::Object(_), Value::Object(_)) => key == "messages",
        _ => false,
    }
}

#[test]
fn a_row_with_one_thing_changed_is_refused() {
    let schema = RowSchema::new();
    let told = schema.rows(&replayed(INCIDENT));
    let first = |kind: &str| told.iter().find(|row| row["type"] == kind).unwrap().clone();
    let told = ["alert", "certificate", "summary"].map(first);
    let unknown = json!({"type": "unknown", "schema": 1, "instance": "caddy", "lines": 2, "errors": 1, "messages": {}});
    let left_out = json!({"type": "left_out", "schema": 1, "instance": "caddy", "watched": 100_000, "lines": 1_000});
    for row in told.into_iter().chain([unknown, left_out]) {
        assert_eq!(schema.refusal(&row), None);
        let mut invented = row.clone();
        invented["severety"] = json!("info");
        assert!(schema.refusal(&invented).is_some(), "an invented key");
        for one in changed(&row) {
            let takes = schema.refusal(&one.value).is_none();
            assert_eq!(takes, is_fine(&row, &one), "{}: {}", row["type"], one.what);
        }
    }
}
