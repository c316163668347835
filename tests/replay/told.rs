//! The table of the README that says what one is told, by version of Caddy and log level: made from
//! the recordings of real Caddys, never written by hand.
//!
//! `NOTAFTER_BLESS=1 cargo test --test replay` writes it anew; without it the README must agree.

use crate::program::{fixture, run_on};
use crate::rows::{of_type, rows};
use serde_json::Value;
use std::fs;

const HEAD: &str = "\
| Caddy | its log level | expiry known | a renewal fails | the next try is too late | expired | renewed |
|---|---|---|---|---|---|---|
";
const LEVELS: [&str; 3] = ["INFO", "WARN", "ERROR"];
/// The certificates that end before the next attempt: due when Caddy starts, and later.
const DOOMED: [&str; 2] = ["start.example.test", "later.example.test"];

/// The lines that Caddy writes at a level; what is no entry stays.
fn at_level(log: &str, level: &str) -> String {
    let rank = |name: &str| {
        LEVELS
            .iter()
            .position(|level| level.eq_ignore_ascii_case(name))
    };
    let kept = |line: &&str| {
        let entry: Value = serde_json::from_str(line).unwrap_or_default();
        entry["level"]
            .as_str()
            .is_none_or(|its| rank(its) >= rank(level))
    };
    log.split_inclusive('\n').filter(kept).collect()
}

/// What the program makes of a log at a level.
fn replayed(log: &str, level: &str) -> Vec<Value> {
    let log = fs::read_to_string(fixture(log)).unwrap();
    let lines = at_level(&log, level);
    assert!(!lines.is_empty());
    let ran = run_on(&["replay", "-", "--format", "json"], lines.into_bytes());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    rows(&ran.stdout)
}

/// Versions with a recording, oldest first.
fn versions() -> Vec<String> {
    let found = fs::read_dir(fixture("captures")).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut versions: Vec<String> = found
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    let number = |part: &str| part.parse::<u32>().unwrap();
    versions.sort_by_key(|version| version.split('.').map(number).collect::<Vec<_>>());
    versions
}

/// The alert of a rule about a name that opened, or closed by a renewal.
fn alert<'a>(rows: &'a [Value], rule: &str, name: &str, reason: &str) -> Option<&'a Value> {
    rows.iter()
        .find(|row| row["rule"] == rule && row["certificate"] == name && row["reason"] == reason)
}

/// One word for all of the doomed; a mixture says which of them.
fn of_all(told: impl Fn(&str) -> &'static str) -> String {
    match DOOMED.map(told) {
        [start, later] if start == later => start.to_owned(),
        [start, later] => format!("{start}; {later} where it fell due while Caddy ran"),
    }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "**no**" }
}

/// The five answers about one log.
fn answers(rows: &[Value]) -> [String; 5] {
    let opened = |rule: &'static str| move |name: &str| alert(rows, rule, name, "opened");
    let failing = opened("renewal-failing");
    let known = |name: &str| yes(failing(name).is_some_and(|row| !row["not_after"].is_null()));
    let why = |name: &str| match failing(name) {
        Some(row) if row["cause"] == "ca.unreachable" => "yes, with the cause",
        found => yes(found.is_some()),
    };
    let too_late = |name: &str| {
        let source = opened("retry-after-expiry")(name).map(|row| &row["next_retry_source"]);
        match source.and_then(Value::as_str) {
            Some("announced") => "yes, as announced",
            Some("predicted") => "predicted",
            _ => "**no**",
        }
    };
    let expired = |name: &str| yes(opened("expired")(name).is_some());
    let renewed = |name: &str| {
        let closed = alert(rows, "renewal-failing", name, "closed");
        yes(closed.is_some_and(|row| row["closed_by"] == "renewed"))
    };
    [
        of_all(known),
        of_all(why),
        of_all(too_late),
        of_all(expired),
        of_all(renewed),
    ]
}

/// Neighbouring versions with the same answers share a line, and so do levels.
fn table() -> String {
    let mut lines: Vec<(Vec<&str>, Vec<String>, [String; 5])> = Vec::new();
    for level in LEVELS {
        let mut groups: Vec<(Vec<String>, [String; 5])> = Vec::new();
        for version in versions() {
            let log = format!("captures/{version}/expiry/caddy.log");
            let answers = answers(&replayed(&log, level));
            match groups.last_mut() {
                Some((same, theirs)) if *theirs == answers => same.push(version),
                _ => groups.push((vec![version], answers)),
            }
        }
        for (versions, answers) in groups {
            let same = |(_, theirs, told): &&mut (_, Vec<String>, _)| {
                *theirs == versions && *told == answers
            };
            match lines.iter_mut().find(same) {
                Some((levels, ..)) => levels.push(level),
                None => lines.push((vec![level], versions, answers)),
            }
        }
    }
    let line = |(levels, versions, answers): &(Vec<&str>, Vec<String>, [String; 5])| {
        let (levels, versions) = (levels.join(", "), versions.join(", "));
        format!("| {versions} | {levels} | {} |\n", answers.join(" | "))
    };
    HEAD.to_owned() + &lines.iter().map(line).collect::<String>()
}

#[test]
fn the_readme_says_what_the_recordings_show() {
    crate::page::assert_or_write("README.md", "told", "tests/replay/told.rs", &table());
}

/// The recordings are too short for the ten minutes after which a streak is loud.
#[test]
fn a_streak_is_loud_at_every_level() {
    for level in LEVELS {
        let rows = replayed("incident-2026-05-03/caddy.log", level);
        let alerts = of_type(&rows, "alert");
        let loud = alerts
            .iter()
            .any(|row| row["rule"] == "renewal-failing" && row["severity"] != "info");
        assert!(loud, "{level}");
    }
}

#[test]
fn six_versions_are_recorded() {
    assert_eq!(versions().len(), 6);
}
