//! More names than are watched are said, not forgotten in silence.

use crate::program::run;
use crate::rows::{of_type, rows};
use serde_json::json;
use std::fs;

/// Lists of managed names as Caddy 2.11 cuts them: 1,000 names a line, and so many lines.
fn lists(lines: u32) -> String {
    let list = |line: u32| {
        let name = |n: u32| format!("host{:06}.example.com", line * 1_000 + n);
        let names: Vec<String> = (0..1_000).map(name).collect();
        let at = 1_777_600_000.5 + f64::from(line);
        let msg = "enabling automatic TLS certificate management";
        let entry =
            json!({"level": "info", "ts": at, "logger": "http", "msg": msg, "domains": names});
        format!("{entry}\n")
    };
    (0..lines).map(list).collect()
}

#[test]
fn what_goes_beyond_the_cap_is_reported() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("caddy.log");
    fs::write(&log, lists(101)).unwrap();
    let log = log.to_str().unwrap();
    let told = rows(&run(&["replay", "--format", "json", log]).stdout);
    assert_eq!(of_type(&told, "certificate").len(), 100_000);
    let left_out = json!({"type": "left_out", "schema": 1, "instance": "caddy", "watched": 100_000, "lines": 1_000});
    assert_eq!(of_type(&told, "left_out"), [left_out]);
    fs::write(log, lists(1)).unwrap();
    let told = rows(&run(&["replay", "--format", "json", log]).stdout);
    assert_eq!(of_type(&told, "left_out").len(), 0);
}
