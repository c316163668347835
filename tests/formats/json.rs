//! Caddy's JSON encoder with its options, and what filters and other programs make of it.

use crate::recording::{Fields, plain};
use serde_json::Value;

/// Keys under which Caddy's own four fields stand.
pub(crate) const KEYS: [[&str; 4]; 4] = [
    ["level", "ts", "logger", "msg"],
    ["severity", "time", "name", "message"],
    ["L", "T", "N", "M"],
    ["lvl", "@timestamp", "component", "event"],
];

/// `level_format`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Levels {
    Lower,
    Upper,
    Color,
}

pub(crate) const LEVELS: [Levels; 3] = [Levels::Lower, Levels::Upper, Levels::Color];

impl Levels {
    pub(crate) fn print(self, level: &str) -> String {
        match self {
            Self::Lower => level.to_owned(),
            Self::Upper => level.to_uppercase(),
            Self::Color => format!("\u{1b}[34m{}\u{1b}[0m", level.to_uppercase()),
        }
    }
}

/// Prints the levels of a line anew.
pub(crate) fn relevel(fields: &mut Fields, levels: Levels) {
    for (key, value) in fields {
        if key == "level" {
            *value = levels.print(value.as_str().unwrap()).into();
        }
    }
}

/// `message_key` and its kind.
pub(crate) fn rename(fields: &mut Fields, keys: [&str; 4]) {
    for (key, _) in fields {
        if let Some(place) = KEYS[0].iter().position(|usual| usual == key) {
            keys[place].clone_into(key);
        }
    }
}

/// Keys in the order of the alphabet, as `jq -S` and log shippers leave them.
pub(crate) fn sort(fields: &mut Fields) {
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
}

/// Over many lines, as `jq .` prints it.
pub(crate) fn pretty(fields: &Fields) -> String {
    let object: Value = serde_json::from_str(&plain(fields)).unwrap();
    serde_json::to_string_pretty(&object).unwrap()
}
