//! What is left of lines that were clipped, redacted or wrapped: the tables of `docs/formats.md`, made
//! from recordings of real Caddys, never written by hand.
//!
//! `NOTAFTER_BLESS=1 cargo test --test formats` writes them anew; without it the page must agree.

use crate::console;
use crate::page::assert_or_write;
use crate::program::fixture;
use crate::recording::meaning;
use crate::times::{Lengths, Times, reprint};
use chrono::FixedOffset;
use notafter::caddy::event::Event;
use notafter::caddy::layout::Layout;
use notafter::caddy::object;
use regex::Regex;
use serde_json::Value;
use std::fs;

/// What a line says, where it is recorded, and its message.
const KINDS: [(&str, &str, &str); 9] = [
    (
        "an attempt fails, at the issuer",
        "2.10.2/dns-nxdomain",
        "could not get certificate from issuer",
    ),
    (
        "an attempt fails, Caddy will retry",
        "2.10.2/dns-nxdomain",
        "will retry",
    ),
    (
        "an attempt fails, without a word of the next",
        "2.11.7/ca-down",
        "job failed",
    ),
    (
        "the CA cannot validate",
        "2.11.7/challenge-closed",
        "challenge failed",
    ),
    (
        "obtained",
        "2.10.2/obtain",
        "certificate obtained successfully",
    ),
    (
        "renewed",
        "2.11.7/expiry",
        "certificate renewed successfully",
    ),
    (
        "the new expiry",
        "2.11.7/expiry",
        "replaced certificate in cache",
    ),
    (
        "expires soon",
        "2.11.7/ca-down",
        "certificate expires soon; queuing for renewal",
    ),
    (
        "due",
        "2.11.7/ca-down",
        "certificate is in configured renewal window based on expiration date",
    ),
];

/// One way to lose something: its name, and what it makes of a line about a certificate.
type Loss = (&'static str, fn(&str, &str) -> String);

const LOSSES: [Loss; 12] = [
    ("clipped at 80", |line, _| clipped(line, 80)),
    ("at 120", |line, _| clipped(line, 120)),
    ("at 240", |line, _| clipped(line, 240)),
    ("`systemctl status`, 80 columns", |line, _| status(line, 80)),
    ("120 columns", |line, _| status(line, 120)),
    ("240 columns", |line, _| status(line, 240)),
    ("names are `XXX`", |line, name| line.replace(name, "XXX")),
    ("`***`", |line, name| line.replace(name, "***")),
    ("`[REDACTED]`", |line, name| {
        line.replace(name, "[REDACTED]")
    }),
    ("addresses and URLs are `***`", |line, _| {
        let shown = Regex::new(r#"https?://[^\s")\\]+|\d+\.\d+\.\d+\.\d+(:\d+)?"#).unwrap();
        shown.replace_all(line, "***").into_owned()
    }),
    ("wrapped at 80", |line, _| wrapped(line, 80)),
    ("at 120", |line, _| wrapped(line, 120)),
];

fn clipped(line: &str, columns: usize) -> String {
    line.chars().take(columns).collect()
}

/// The end of the beginning and the end of the line meet at an ellipsis, at nine tenths of the width
/// (systemd v252 `logs-show.c`, `print_multiline`).
fn status(line: &str, columns: usize) -> String {
    const PREFIX: &str = "Nov 25 13:02:29 web1 caddy[812]: ";
    let room = columns - PREFIX.len();
    let letters: Vec<char> = line.chars().collect();
    if letters.len() <= room {
        return format!("{PREFIX}{line}");
    }
    let head = room * 9 / 10;
    let tail = letters.len() - (room - head - 1);
    let part = |letters: &[char]| letters.iter().collect::<String>();
    format!(
        "{PREFIX}{}\u{2026}{}",
        part(&letters[..head]),
        part(&letters[tail..])
    )
}

fn wrapped(line: &str, columns: usize) -> String {
    let letters: Vec<char> = line.chars().collect();
    let rows = letters.chunks(columns).map(|row| row.iter().collect());
    rows.collect::<Vec<String>>().join("\n")
}

/// What a person wants to know of a line.
const PARTS: [&str; 6] = ["what", "name", "cause", "expiry", "time", "next try"];

/// What an event tells of each part, as far as it does.
fn parts(event: &Event) -> [Option<String>; 6] {
    let failure = event.failure.as_ref();
    [
        Some(format!("{:?}", event.means)),
        event.names.first().map(ToString::to_string),
        failure.map(|failure| format!("{:?}", (failure.cause, failure.seen_by))),
        event.not_after.map(|end| end.seconds().to_string()),
        event.at.map(|at| at.seconds().to_string()),
        event.retrying_in.map(|wait| wait.to_string()),
    ]
}

/// What is left of a line, in words. A name that was blotted out is left when there still is one.
fn survives(text: &str, whole: &Event, hidden: bool) -> String {
    let found = meaning(text.as_bytes(), &Layout::default(), usize::MAX);
    assert!(found.len() <= 1, "{text}: {found:?}");
    let found = found.first().map(parts).unwrap_or_default();
    let told = PARTS.into_iter().zip(parts(whole)).zip(found);
    let told: Vec<(&str, bool)> = told
        .filter_map(|((part, whole), found)| {
            let whole = whole?;
            let is_left = match part {
                "name" if hidden => found.is_some(),
                _ => found.is_some_and(|found| found == whole),
            };
            Some((part, is_left))
        })
        .collect();
    let left: Vec<&str> = told
        .iter()
        .filter(|(_, left)| *left)
        .map(|(part, _)| *part)
        .collect();
    match left.len() {
        0 => "**nothing**".to_owned(),
        all if all == told.len() => "all".to_owned(),
        _ => left.join(", "),
    }
}

/// The recorded line of a kind: the first, as Caddy printed it.
fn recorded((_, place, msg): (&str, &str, &str)) -> String {
    let text = fs::read_to_string(fixture(&format!("captures/{place}/caddy.log"))).unwrap();
    let says = format!("\"msg\":\"{msg}\"");
    let line = text.lines().find(|line| line.contains(&says));
    line.unwrap_or_else(|| panic!("{place}: {msg}")).to_owned()
}

fn table(print: fn(&str) -> String) -> String {
    let heads = LOSSES.map(|(name, _)| name).join(" | ");
    let mut table = format!(
        "| what the line says | {heads} |\n|---|{}\n",
        "---|".repeat(LOSSES.len())
    );
    for kind in KINDS {
        let line = print(&recorded(kind));
        let whole = meaning(line.as_bytes(), &Layout::default(), usize::MAX);
        let [whole] = whole.as_slice() else {
            panic!("{line}: {whole:?}");
        };
        let name = whole.names[0].as_str();
        let cells = LOSSES.map(|(_, lose)| {
            let text = lose(&line, name);
            survives(&text, whole, !text.contains(name))
        });
        table += &format!("| {}: `{}` | {} |\n", kind.0, kind.2, cells.join(" | "));
    }
    table
}

/// What the console encoder makes of a line, field by field in the same order.
fn as_console(line: &str) -> String {
    let head: Vec<(String, Value)> = object::fields(line.as_bytes()).unwrap();
    let mut head = head[..4].to_vec();
    assert_eq!(head[3].0, "msg");
    let times = Times::Layout("%Y/%m/%d %H:%M:%S%.3f");
    reprint(
        &mut head,
        (times, Lengths::Seconds),
        FixedOffset::east_opt(0).unwrap(),
    );
    let said = format!("\"msg\":{}", head[3].1);
    let (_, rest) = line.split_once(&said).unwrap();
    let fields = rest.strip_prefix(',').unwrap();
    format!("{}\t{{{}", console::print(&head, "\t"), spaced(fields))
}

/// With a space behind every separator.
fn spaced(fields: &str) -> String {
    let (mut text, mut in_text, mut escaped) = (String::new(), false, false);
    for letter in fields.chars() {
        text.push(letter);
        if letter == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = letter == '\\' && !escaped;
        if !in_text && matches!(letter, ',' | ':') {
            text.push(' ');
        }
    }
    text
}

#[test]
fn the_page_says_what_survives_of_json() {
    let table = table(str::to_owned);
    assert_or_write(
        "docs/formats.md",
        "lossy-json",
        "tests/formats/lossy.rs",
        &table,
    );
}

#[test]
fn the_page_says_what_survives_of_the_console() {
    let table = table(as_console);
    assert_or_write(
        "docs/formats.md",
        "lossy-console",
        "tests/formats/lossy.rs",
        &table,
    );
}
