//! What strangers write into a log through requests opens nothing and changes nothing.

use crate::program::{fixture, run};
use crate::rows::{alerts, rows};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;

/// Whole entries that would open alerts if they were believed.
fn forged() -> Vec<String> {
    let name = "start.example.test";
    let entries = [
        json!({"level": "error", "ts": 1_795_434_180.5, "logger": "tls.renew", "msg": "will retry",
            "error": format!("[{name}] Renew: unexpected response code 'SERVFAIL' for _acme-challenge.{name}."),
            "attempt": 29, "retrying_in": 21_600, "elapsed": 151_329.1, "max_duration": 2_592_000}),
        json!({"level": "info", "ts": 1_795_434_180.5, "logger": "tls.renew", "msg": "renewing certificate",
            "identifier": name, "remaining": -5}),
        json!({"level": "error", "ts": 1_795_434_180.5, "logger": "tls", "msg": "job failed",
            "error": format!("[{name}] [{name}] Renew: HTTP 429 urn:ietf:params:acme:error:rateLimited - no")}),
        json!({"level": "info", "ts": 1_795_434_180.5, "logger": "tls.cache", "msg": "replaced certificate in cache",
            "subjects": [name], "new_expiration": 1_900_000_000}),
        json!({"level": "error", "ts": 1_795_434_180.5, "logger": "tls.obtain",
            "msg": "final attempt; giving up", "error": format!("[{name}] Obtain: x")}),
    ];
    entries.iter().map(Value::to_string).collect()
}

fn request(evil: &str) -> Value {
    json!({
        "remote_ip": "203.0.113.9", "remote_port": "4711", "client_ip": "203.0.113.9",
        "proto": "HTTP/2.0", "method": "GET", "host": evil, "uri": format!("/?q={evil}\n{evil}"),
        "headers": {"User-Agent": [evil], "X-Msg": ["will retry"], evil: ["SERVFAIL"]},
    })
}

/// A line in the order of zap: its own keys first.
fn line(level: &str, ts: f64, logger: &str, msg: &str, fields: &Value) -> String {
    let fields = fields.to_string();
    let fields = fields.strip_prefix('{').unwrap();
    let (logger, msg) = (json!(logger), json!(msg));
    format!(r#"{{"level":"{level}","ts":{ts:.6},"logger":{logger},"msg":{msg},{fields}"#)
}

/// One of the lines that a request can bring about, by its number.
fn hostile(number: usize, ts: f64) -> String {
    let forged = forged();
    let evil = &forged[number % forged.len()];
    let fields = json!({"request": request(evil), "bytes_read": 0, "user_id": evil, "duration": 0.1,
        "size": 7, "status": 404, "resp_headers": {"Location": [evil]}});
    let access = line(
        "info",
        ts,
        "http.log.access.log0",
        "handled request",
        &fields,
    );
    match number / forged.len() % 6 {
        0 => access,
        1 => {
            let msg = format!(
                "dial tcp: lookup {evil} on 127.0.0.53:53: server misbehaving: SERVFAIL, will retry"
            );
            let fields =
                json!({"request": request(evil), "status": 502, "err_id": "x", "err_trace": evil});
            line("error", ts, "http.log.error", &msg, &fields)
        }
        2 => {
            let error = format!("[start.example.test] Renew: {evil}");
            let fields = json!({"error": error, "request": request(evil)});
            let msg = "aborting with incomplete response";
            line("error", ts, "http.handlers.reverse_proxy", msg, &fields)
        }
        3 => {
            let msg = format!("http: TLS handshake error from 203.0.113.9:1: {evil}");
            line("debug", ts, "http.stdlib", &msg, &json!({"error": evil}))
        }
        // A site may add fields of any name behind Caddy's own.
        4 => {
            let open = access.strip_suffix('}').unwrap();
            let again = forged[0].strip_prefix('{').unwrap();
            format!("{open},{again}")
        }
        // A line that was torn in two.
        _ => access.split_at(access.len() / 2).1.to_owned(),
    }
}

#[test]
fn the_hostile_lines_are_lines_of_caddy() {
    for number in 0..30 {
        let line = hostile(number, 1_795_434_000.25);
        let torn = number / 5 == 5;
        assert!(line.starts_with(r#"{"level":""#) != torn, "{line}");
        let read: Result<Value, _> = serde_json::from_str(&line);
        assert_eq!(read.is_err(), torn, "{line}");
    }
}

#[test]
fn ten_thousand_hostile_lines_open_nothing() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    let mut text = String::new();
    for (number, step) in (0..10_000).zip(0_u32..) {
        let ts = 1_795_434_000.0 + f64::from(step) * 0.05;
        writeln!(text, "{}", hostile(number, ts)).unwrap();
    }
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let ran = run(&["replay", &path, "--format", "json", "--fail-on", "info"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let rows = rows(&ran.stdout);
    assert_eq!(rows.len(), 1, "{}", rows[0]);
    assert!(rows[0]["lines"].as_u64() >= Some(10_000));
    assert_eq!(rows[0]["matched"], 0);
}

#[test]
fn hostile_lines_among_real_ones_change_no_row() {
    let room = tempfile::tempdir().unwrap();
    let real = fixture("captures/2.11.7/expiry/caddy.log");
    let path = room.path().join("caddy.log");
    let mut text = String::new();
    for (index, line) in fs::read_to_string(&real).unwrap().lines().enumerate() {
        let entry: Value = serde_json::from_str(line).unwrap();
        writeln!(text, "{line}").unwrap();
        for number in index * 7..index * 7 + 7 {
            let ts = entry["ts"].as_f64().unwrap();
            writeln!(text, "{}", hostile(number, ts)).unwrap();
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
fn the_forged_entries_would_open_alerts_if_they_were_lines() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    let mut text = forged();
    text.swap(0, 1);
    fs::write(&path, text.join("\n")).unwrap();
    let ran = run(&["replay", &path.display().to_string(), "--format", "json"]);
    assert!(alerts(&ran.stdout).len() >= 3, "{}", ran.stdout);
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
