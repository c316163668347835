//! The contract of `--format json`: every field, its type, and the words it may hold.

use crate::program::{fixture, run};
use crate::rows::{of_type, rows};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every field of an alert row: its name, and what it may be.
const ALERT: [(&str, &str); 31] = [
    ("type", "alert"),
    ("schema", "number"),
    ("id", "id"),
    ("incident", "id"),
    ("rule", "text"),
    ("scope", "certificate|source"),
    ("severity", "info|warning|critical"),
    ("status", "firing|resolved"),
    ("reason", "opened|worsened|repeated|closed"),
    ("instance", "text"),
    ("certificate", "text"),
    ("at", "time"),
    ("opened_at", "time"),
    ("not_after", "time?"),
    ("not_after_source", "log|disk|wire?"),
    ("next_retry", "time?"),
    ("next_retry_source", "announced|predicted?"),
    ("tries_left", "number?"),
    ("attempt", "number?"),
    ("attempts_total", "number"),
    ("failing_since", "time?"),
    ("due_since", "time?"),
    ("due_since_source", "ari|ratio|seen?"),
    ("cause", "text?"),
    ("seen_by", "caddy|ca|provider?"),
    ("ca", "production|staging|internal|other?"),
    ("closed_by", "renewed|condition|forgotten?"),
    ("title", "text"),
    ("summary", "text"),
    ("remedy", "text"),
    ("evidence", "quotes"),
];

fn logs() -> [String; 3] {
    [
        "incident-2026-05-03/caddy.log",
        "captures/2.6.2/expiry/caddy.log",
        "captures/2.11.7/expiry/caddy.log",
    ]
    .map(|path| fixture(path).display().to_string())
}

fn alerts_of(log: &str) -> Vec<Value> {
    let ran = run(&["replay", log, "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    of_type(&rows(&ran.stdout), "alert")
}

fn is_time(text: &str) -> bool {
    text.len() == 20 && text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_quote(quote: &Value) -> bool {
    quote["source"].is_string()
        && quote["line"].as_u64() > Some(0)
        && quote["text"].as_str().is_some_and(|text| !text.is_empty())
}

fn fits(value: &Value, kind: &str) -> bool {
    let (kind, may_be_null) = kind
        .strip_suffix('?')
        .map_or((kind, false), |kind| (kind, true));
    let text = value.as_str();
    if value.is_null() {
        return may_be_null;
    }
    match kind {
        "number" => value.is_u64(),
        "time" => text.is_some_and(is_time),
        "text" => text.is_some_and(|text| !text.trim().is_empty()),
        "id" => text.is_some_and(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())),
        "quotes" => value
            .as_array()
            .is_some_and(|quotes| !quotes.is_empty() && quotes.iter().all(is_quote)),
        words => text.is_some_and(|text| words.split('|').any(|word| word == text)),
    }
}

#[test]
fn every_alert_row_has_every_field_and_no_other() {
    for log in logs() {
        let rows = alerts_of(&log);
        assert!(rows.len() > 10, "{log}");
        for row in rows {
            let fields: BTreeSet<&str> = row
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let wanted = ALERT.iter();
            let wanted: BTreeSet<&str> = wanted.map(|(field, _)| *field).collect();
            assert_eq!(fields, wanted);
            for (field, kind) in ALERT {
                assert!(
                    fits(&row[field], kind),
                    "{field} is {}, not {kind}",
                    row[field]
                );
            }
        }
    }
}

#[test]
fn an_alert_opens_once_grows_only_louder_and_closes_once() {
    for log in logs() {
        let mut lives: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in alerts_of(&log) {
            let key = format!("{} {}", row["rule"], row["certificate"]);
            lives.entry(key).or_default().push(row);
        }
        for (key, life) in lives {
            let reasons: Vec<&str> = life
                .iter()
                .map(|row| row["reason"].as_str().unwrap())
                .collect();
            let (first, last) = (reasons[0], reasons[reasons.len() - 1]);
            assert_eq!((first, last), ("opened", "closed"), "{log}: {key}");
            let between = &reasons[1..reasons.len() - 1];
            assert!(
                between
                    .iter()
                    .all(|reason| ["worsened", "repeated"].contains(reason)),
                "{log}: {key}: {reasons:?}"
            );
            let ids: BTreeSet<&str> = life.iter().map(|row| row["id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), 1, "{log}: {key}");
            assert!(life.iter().all(|row| row["opened_at"] == life[0]["at"]));
        }
    }
}

#[test]
fn rows_come_in_the_order_of_their_moments() {
    for log in logs() {
        let rows = alerts_of(&log);
        let moments: Vec<&str> = rows.iter().map(|row| row["at"].as_str().unwrap()).collect();
        assert!(moments.is_sorted(), "{log}: {moments:?}");
    }
}

#[test]
fn no_row_leaves_a_hole_in_its_words() {
    for log in logs() {
        for row in alerts_of(&log) {
            for field in ["title", "summary", "remedy"] {
                let text = row[field].as_str().unwrap();
                for hole in ["none", " null", "undefined", "{{", "}}", "{%", "  "] {
                    assert!(!text.contains(hole), "{field}: {hole:?} in {text}");
                }
            }
        }
    }
}

#[test]
fn reminders_fall_due_as_the_configuration_says() {
    let log = fixture("incident-2026-05-03/caddy.log");
    let log = log.display().to_string();
    let place = tempfile::tempdir().unwrap();
    let reminders = |repeat: &str| {
        let config = place.path().join("notafter.toml");
        std::fs::write(&config, format!("[alerts]\nrepeat = \"{repeat}\"\n")).unwrap();
        let config = config.display().to_string();
        let ran = run(&["replay", &log, "--format", "json", "--config", &config]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let alerts = of_type(&rows(&ran.stdout), "alert");
        let repeated = alerts.iter().filter(|row| row["reason"] == "repeated");
        repeated.count()
    };
    assert_eq!(reminders("never"), 0);
    assert!(reminders("3h") > reminders("6h"));
}
