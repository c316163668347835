//! The recording of Caddy 2.11.7, as if it had happened just now.

use regex::{Captures, Regex};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const START: &str = "start.example.test";
pub(crate) const LATER: &str = "later.example.test";

/// When the recorded Caddy was started.
const ZERO: i64 = 1_795_434_179;

/// The log, with its stamps moved.
pub(crate) struct Recent {
    lines: Vec<(f64, String)>,
}

impl Recent {
    /// Moves the log so that `second` of the recording was `ago` seconds ago. Whole seconds, so that
    /// no expiry changes its rounding.
    pub(crate) fn new(second: i64, ago: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let shift = i64::try_from(now.as_secs()).unwrap() - ago - second - ZERO;
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/2.11.7/expiry/caddy.log");
        let stamps = Regex::new(r#""(ts|expiration|new_expiration)":(\d+)"#).unwrap();
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
            let at = entry["ts"].as_f64().unwrap() - ZERO as f64;
            let moved = stamps.replace_all(line, |found: &Captures<'_>| {
                let seconds: i64 = found[2].parse().unwrap();
                format!(r#""{}":{}"#, &found[1], seconds + shift)
            });
            (at, format!("{moved}\n"))
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// The lines from one second of the recording up to another.
    pub(crate) fn between(&self, from: f64, to: f64) -> String {
        let wanted = self.lines.iter().filter(|(at, _)| (from..to).contains(at));
        wanted.map(|(_, line)| line.as_str()).collect()
    }

    /// Those of them about a name, as if they had come some seconds earlier.
    pub(crate) fn earlier(&self, (from, to): (f64, f64), name: &str, seconds: i64) -> String {
        let stamp = Regex::new(r#""ts":(\d+)"#).unwrap();
        let text = self.between(from, to);
        let lines = text.lines().filter(|line| line.contains(name));
        let moved = lines.map(|line| {
            let moved = stamp.replace(line, |found: &Captures<'_>| {
                let at: i64 = found[1].parse().unwrap();
                format!(r#""ts":{}"#, at - seconds)
            });
            format!("{moved}\n")
        });
        moved.collect()
    }
}
