//! What strangers write into a log through requests opens nothing and changes nothing.

use crate::forged::{NAME, forged};
use crate::program::{fixture, run};
use crate::rows::{alerts, of_type, rows};
use crate::stranger::Stranger;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::process::{Command, Stdio};

/// A healthy Caddy before the strangers come: what they speak of is managed, and has 60 days.
fn healthy() -> String {
    let lines = [
        json!({"level": "info", "ts": T - 9.0, "logger": "tls.cache.maintenance",
            "msg": "started background certificate maintenance", "cache": "0xc000"}),
        json!({"level": "info", "ts": T - 8.0, "logger": "http",
            "msg": "enabling automatic TLS certificate management", "domains": [NAME]}),
        json!({"level": "info", "ts": T - 7.0, "msg": "serving initial configuration"}),
        json!({"level": "info", "ts": T - 6.0, "logger": "tls",
            "msg": "updated and stored ACME renewal information", "identifiers": [NAME],
            "cert_expiry": NOT_AFTER, "selected_time": T + 30.0 * 86_400.0}),
    ];
    lines.map(|line| line.to_string() + "\n").concat()
}

const T: f64 = 1_795_434_000.0;
const NOT_AFTER: f64 = T + 60.0 * 86_400.0;

/// How many lines, and from which seed: what `just strangers` asks for, or few and always the same.
fn asked(variable: &str, otherwise: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(otherwise, |value| value.parse().unwrap())
}

/// What `replay` makes of a healthy Caddy and this many lines of strangers, with a line of ours planted
/// in the middle of them.
fn flooded(lines: u64, seed: u64, planted: &str) -> Vec<Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_notafter"))
        .args(["replay", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufWriter::new(child.stdin.take().unwrap());
    log.write_all(healthy().as_bytes()).unwrap();
    let mut stranger = Stranger::new(seed);
    let mut at = T;
    for number in 0..lines {
        at += 0.05;
        writeln!(log, "{}", stranger.line(at)).unwrap();
        if number == lines / 2 {
            log.write_all(planted.as_bytes()).unwrap();
        }
    }
    drop(log);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    rows(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn whatever_strangers_send_opens_nothing() {
    let (lines, seed) = (
        asked("NOTAFTER_STRANGERS", 20_000),
        asked("NOTAFTER_SEED", 1),
    );
    let rows = flooded(lines, seed, "");
    let of = |kind: &str| of_type(&rows, kind);
    assert_eq!(of("alert"), Vec::<Value>::new(), "seed {seed}");
    assert_eq!(of("unknown"), Vec::<Value>::new(), "seed {seed}");
    let certificates = of("certificate");
    let found: Vec<_> = certificates
        .iter()
        .map(|row| {
            [
                &row["name"],
                &row["state"],
                &row["not_after"],
                &row["attempts_total"],
                &row["cause"],
            ]
        })
        .collect();
    let expected = [
        json!(NAME),
        json!("healthy"),
        json!("2027-01-22T11:40:00Z"),
        json!(0),
        Value::Null,
    ];
    assert_eq!(found, [expected.each_ref()], "seed {seed}");
    let summary = &of("summary")[0];
    assert!(summary["lines"].as_u64() >= Some(lines), "{summary}");
    println!("{lines} lines of seed {seed}: {summary}");
}

#[test]
fn one_true_line_among_them_opens() {
    for line in forged() {
        let rows = flooded(200, 1, &(line.clone() + "\n"));
        let row = &of_type(&rows, "certificate")[0];
        let is_changed = row["state"] != "healthy" || row["not_after"] != "2027-01-22T11:40:00Z";
        let is_told = !of_type(&rows, "alert").is_empty();
        assert!(is_changed || is_told, "{line}");
    }
}

#[test]
fn hostile_lines_among_real_ones_change_no_row() {
    let room = tempfile::tempdir().unwrap();
    let real = fixture("captures/2.11.7/expiry/caddy.log");
    let path = room.path().join("caddy.log");
    let mut text = String::new();
    let mut stranger = Stranger::new(7);
    for line in fs::read_to_string(&real).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        writeln!(text, "{line}").unwrap();
        for _ in 0..7 {
            let ts = entry["ts"].as_f64().unwrap();
            writeln!(text, "{}", stranger.line(ts)).unwrap();
        }
    }
    fs::write(&path, text).unwrap();
    let told = |path: String| {
        let ran = run(&["replay", &path, "--format", "json"]);
        assert_eq!(ran.code, 0);
        let mut rows = alerts(&ran.stdout);
        for row in &mut rows {
            row["evidence"] = Value::Null;
        }
        rows
    };
    let expected = told(real.display().to_string());
    assert_eq!(expected.len(), 26);
    assert_eq!(told(path.display().to_string()), expected);
}

#[test]
fn steering_characters_of_a_log_reach_neither_terminal_nor_rows() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[31m\u{202e}txt\u{9b}2J";
    let lines = [
        json!({"level": "info", "ts": 1_777_599_996.0, "logger": "tls.renew", "msg": "renewing certificate", "identifier": "a.example.com", "remaining": 3600}),
        json!({"level": "error", "ts": 1_777_600_000.0, "logger": "tls.renew", "msg": "will retry", "error": format!("[a.example.com] Renew: {evil}"), "attempt": 1, "retrying_in": 21_600, "elapsed": 4.1}),
    ];
    fs::write(&path, lines.map(|line| line.to_string() + "\n").concat()).unwrap();
    let path = path.display().to_string();
    for format in ["text", "json"] {
        let ran = run(&["replay", &path, "--format", format]);
        assert!(ran.stdout.contains("retry-after-expiry"));
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.stdout.contains(steers), "{format}: {:?}", ran.stdout);
    }
}
