//! No line can hurt: broken in any way, it is read or refused, never a panic, and what it left
//! behind can be stored and restored.

use crate::drive::{CAPTURES, Line, Watcher, end, lines};
use notafter::caddy::entry::Entry;
use notafter::caddy::event::Event;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::sync::LazyLock;

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let all = CAPTURES.iter().flat_map(|path| lines(path));
    all.filter(|line| line.names.is_some()).collect()
});

/// One way to break a line.
#[derive(Clone, Debug)]
enum Harm {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// The whole text again, behind itself.
    Double,
    /// A key that is already there, with another value.
    Repeat(Index, Index),
    /// Another value for a field.
    Replace(Index, Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = any::<Index>;
    prop_oneof![
        1 => at().prop_map(Harm::Cut),
        2 => (at(), 1_u8..).prop_map(|(at, bits)| Harm::Flip(at, bits)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        1 => (at(), 1_usize..12).prop_map(|(at, length)| Harm::Remove(at, length)),
        1 => Just(Harm::Double),
        2 => (at(), at()).prop_map(|(field, value)| Harm::Repeat(field, value)),
        6 => (at(), at()).prop_map(|(field, value)| Harm::Replace(field, value)),
    ]
}

/// Values that a field should never have.
fn odd() -> Vec<Value> {
    let deep = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(""),
        json!("a.example.com"),
        json!("*"),
        json!("\u{0}\u{202e}"),
        json!("x".repeat(100_000)),
        json!("9999-12-31T23:59:59Z"),
        json!("-9223372036854775808ns"),
        json!("2562047h47m16.854775807s"),
        json!("[]"),
        json!("[a] Renew: [a] Renew: [a]"),
        json!([]),
        json!(["start.example.test", 7, null, "later.example.test"]),
        json!({}),
        json!({"type": 1, "detail": ["x"]}),
        deep,
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e308),
        json!(-1e308),
        json!(1e-308),
        json!(9_223_372_036_854.775),
        json!(-9_223_372_036_854.775),
        json!(1e18),
    ]
}

/// The fields of a line; a line that is none has none.
fn fields(line: &[u8]) -> Vec<(String, Value)> {
    let object: Result<serde_json::Map<String, Value>, _> = serde_json::from_slice(line);
    object
        .map(|object| object.into_iter().collect())
        .unwrap_or_default()
}

fn text(fields: &[(String, Value)]) -> Vec<u8> {
    let field = |(key, value): &(String, Value)| format!("{}:{value}", json!(key));
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!("{{{}}}", fields.join(",")).into_bytes()
}

fn with_field(line: &[u8], field: Index, value: Index, in_place: bool) -> Vec<u8> {
    let mut fields = fields(line);
    if fields.is_empty() {
        return line.to_vec();
    }
    let odd = odd();
    let value = odd[value.index(odd.len())].clone();
    let place = field.index(fields.len());
    if in_place {
        fields[place].1 = value;
    } else {
        let key = fields[place].0.clone();
        fields.insert(0, (key, value));
    }
    text(&fields)
}

fn broken(line: &[u8], harm: &Harm) -> Vec<u8> {
    let mut bytes = line.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    match harm {
        Harm::Cut(at) => bytes.truncate(at.index(length)),
        Harm::Flip(at, bits) => bytes[at.index(length)] ^= bits,
        Harm::Insert(at, more) => {
            let at = at.index(length);
            bytes.splice(at..at, more.iter().copied());
        }
        Harm::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + count));
        }
        Harm::Double => bytes.extend_from_within(..),
        Harm::Repeat(field, value) => bytes = with_field(&bytes, *field, *value, false),
        Harm::Replace(field, value) => bytes = with_field(&bytes, *field, *value, true),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_line_is_survived_and_so_is_its_state(
        place in any::<Index>(),
        harms in prop::collection::vec(prop::collection::vec(harm(), 1..4), 1..4),
    ) {
        let place = place.index(LINES.len());
        let mut watcher = Watcher::new();
        for line in &LINES[place.saturating_sub(12)..place] {
            watcher.line(&line.bytes);
        }
        for harms in &harms {
            let line = harms.iter().fold(LINES[place].bytes.clone(), |line, harm| broken(&line, harm));
            if let Ok(entry) = Entry::decode(&line) {
                drop(Event::of(&entry));
            }
            watcher.line(&line);
        }
        for line in LINES[place..].iter().take(6) {
            watcher.line(&line.bytes);
        }
        watcher.settle();
        watcher.commit();
        let known = watcher.engine.certificates().count();
        prop_assert_eq!(watcher.restored().certificates().count(), known);
        watcher.tick(end(&LINES) + chrono::TimeDelta::days(100_000));
        watcher.restart();
        watcher.tick(end(&LINES) + chrono::TimeDelta::days(100_000));
        for row in &watcher.rows {
            prop_assert!(serde_json::to_string(row).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Watcher::new().line(&bytes);
    }
}

#[test]
fn every_field_of_every_line_may_hold_anything() {
    let mut seen = std::collections::BTreeSet::new();
    for line in LINES.iter() {
        let fields = fields(&line.bytes);
        let message = fields.iter().find(|(key, _)| key == "msg").cloned();
        if !seen.insert(message.unwrap().1.to_string()) {
            continue;
        }
        for (place, (key, _)) in fields.iter().enumerate() {
            for value in odd() {
                let mut changed = fields.clone();
                changed[place].1 = value;
                let mut watcher = Watcher::new();
                watcher.line(&line.bytes);
                watcher.line(&text(&changed));
                watcher.line(&line.bytes);
                watcher.settle();
                watcher.commit();
                let known = watcher.engine.certificates().count();
                assert_eq!(watcher.restored().certificates().count(), known, "{key}");
            }
        }
    }
    assert!(seen.len() > 10);
}
