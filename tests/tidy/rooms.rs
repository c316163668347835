//! Which room may use which, and what a pure room may not touch.

use crate::code::{find_word, is_word};
use crate::tree::{File, Tree};

/// Every room with the rooms it may use.
const ARROWS: [(&str, &[&str]); 14] = [
    ("time", &[]),
    ("diagnostic", &[]),
    ("matrix_room", &[]),
    ("document", &["diagnostic", "time"]),
    ("caddy", &["time"]),
    ("rules", &["caddy", "time", "diagnostic", "document"]),
    (
        "config",
        &[
            "caddy",
            "rules",
            "diagnostic",
            "document",
            "matrix_room",
            "time",
        ],
    ),
    ("engine", &["caddy", "rules", "time"]),
    ("report", &["engine", "rules", "caddy", "time"]),
    ("source", &["caddy", "time"]),
    ("store", &["time", "engine"]),
    (
        "notify",
        &["engine", "matrix_room", "rules", "store", "time"],
    ),
    ("serve", &["engine", "report", "rules", "time"]),
    ("control", &["engine", "time"]),
];

/// The room that knows all others.
const WIRING: &str = "command";

/// Rooms that take nothing but the message types of the engine.
const MESSAGES_ONLY: [&str; 2] = ["store", "notify"];

const PURE: [&str; 9] = [
    "time",
    "diagnostic",
    "matrix_room",
    "document",
    "caddy",
    "rules",
    "engine",
    "report",
    "config",
];

/// Names that have no place in a pure room, and parts of `std` likewise.
const IMPURE: [&str; 8] = [
    "SystemTime",
    "Instant",
    "Utc::now",
    "Local::now",
    "tokio",
    "reqwest",
    "rusqlite",
    "rand",
];
const IMPURE_STD: [&str; 5] = ["fs", "net", "env", "process", "thread"];

/// Uses of a room by one that may not know it.
pub(crate) fn arrows(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(room) = file.room().filter(|room| *room != WIRING) else {
            continue;
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            findings.push(format!(
                "{}:1: room `{room}` is unknown, give it a row in ARROWS",
                file.path
            ));
            continue;
        };
        for (line, path) in uses(file, "crate") {
            let target = path.split("::").next().unwrap_or_default();
            if target == room || allowed.contains(&target) && reaches(room, &path) {
                continue;
            }
            findings.push(format!(
                "{}:{line}: `{room}` uses `crate::{path}`, it may use only {allowed:?}{}",
                file.path,
                if allowed.contains(&target) {
                    " (of engine only message)"
                } else {
                    ""
                },
            ));
        }
    }
    findings
}

/// Whether this room may go as far into the other as the path does.
fn reaches(room: &str, path: &str) -> bool {
    !(MESSAGES_ONLY.contains(&room) && path.starts_with("engine"))
        || path == "engine::message"
        || path.starts_with("engine::message::")
}

/// Clocks, files, sockets, environment and randomness in pure rooms.
pub(crate) fn impurities(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| is_pure(file)) {
        let why = "a pure room is given what it needs, and time is an argument";
        for (line, code) in file.own_code() {
            for name in IMPURE.iter().filter(|name| find_word(code, name).is_some()) {
                findings.push(format!("{}:{line}: `{name}`, {why}", file.path));
            }
        }
        for (line, path) in uses(file, "std") {
            let part = path.split("::").next().unwrap_or_default();
            if IMPURE_STD.contains(&part) {
                findings.push(format!("{}:{line}: `std::{part}`, {why}", file.path));
            }
        }
    }
    findings
}

fn is_pure(file: &File) -> bool {
    file.room().is_some_and(|room| PURE.contains(&room))
}

/// Pure rooms whose `mod.rs` does not have clippy deny what `clippy.toml` disallows.
pub(crate) fn unwatched(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for room in PURE
        .iter()
        .filter(|room| tree.is_directory(&format!("src/{room}")))
    {
        let path = format!("src/{room}/mod.rs");
        let Some(file) = tree.files.iter().find(|file| file.path == path) else {
            continue;
        };
        let code: String = file.split.code.split_whitespace().collect();
        let denied = code.split_once("#![deny(").map_or("", |(_, rest)| rest);
        let denied = denied.split_once(")]").map_or("", |(denied, _)| denied);
        for kind in ["methods", "types", "macros"] {
            let lint = format!("clippy::disallowed_{kind}");
            if !denied.split(',').any(|one| one == lint) {
                findings.push(format!(
                    "{path}:1: no `#![deny({lint})]`, clippy watches pure rooms by it"
                ));
            }
        }
    }
    findings
}

/// Every `ROOT::...` in a file's own code, with its line; a group in braces gives one path each.
fn uses(file: &File, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let own: Vec<&str> = file.own_code().map(|(_, line)| line).collect();
    let code = own.join("\n");
    for (place, needle) in code.match_indices(&format!("{root}::")) {
        let (before, after) = code.split_at(place);
        let before_it = before.chars().next_back();
        if before_it.is_some_and(is_word) || before.trim_end().ends_with("::") {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let rest = after.strip_prefix(needle).unwrap_or_default();
        found.extend(paths(rest).into_iter().map(|path| (line, path)));
    }
    found
}

/// `a::b` of `a::b::C`, or each of `{a::b, c}`: two names deep is all that matters.
fn paths(rest: &str) -> Vec<String> {
    let Some(group) = rest.trim_start().strip_prefix('{') else {
        return vec![head(rest)];
    };
    let mut depth = 0_usize;
    let mut members = vec![String::new()];
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(member) = members.last_mut() {
            member.push(character);
        }
    }
    members
        .iter()
        .map(|member| head(member))
        .filter(|path| !path.is_empty())
        .collect()
}

fn head(path: &str) -> String {
    let names = path.trim_start();
    let end = names.find(|character| !is_word(character) && character != ':');
    let names = names.split_at(end.unwrap_or(names.len())).0;
    let names: Vec<&str> = names
        .split("::")
        .filter(|name| !name.is_empty())
        .take(2)
        .collect();
    names.join("::")
}

#[test]
fn paths_and_groups_are_understood() {
    assert_eq!(paths("engine::message::Message;"), ["engine::message"]);
    assert_eq!(paths("time)"), ["time"]);
    assert_eq!(
        paths("{caddy::{a, b}, time::LogTime,\n rules}"),
        ["caddy", "time::LogTime", "rules"]
    );
}

#[test]
fn message_types_are_all_that_store_and_notify_take() {
    assert!(reaches("store", "engine::message"));
    assert!(!reaches("store", "engine::Engine"));
    assert!(!reaches("notify", "engine"));
    assert!(reaches("report", "engine::Engine") && reaches("store", "time::LogTime"));
}
