//! The engine, driven by hand: lines and ticks in, rows and stored state out.

use crate::scribe::{Scribe, at};
use notafter::caddy::entry::Entry;
use notafter::caddy::event::Event;
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::message::Message;
use notafter::engine::{AlertRow, Engine, Matchers, Silence};
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use notafter::time::LogTime;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, LazyLock};

pub(crate) const INSTANCE: &str = "caddy";

pub(crate) const INCIDENT: &str = "incident-2026-05-03/caddy.log";
pub(crate) const CAPTURES: [&str; 2] = [
    "captures/2.6.2/expiry/caddy.log",
    "captures/2.11.7/expiry/caddy.log",
];

/// The built-in rules.
pub(crate) fn rules() -> Arc<RuleSet> {
    static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
        Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")))
    });
    Arc::clone(&RULES)
}

/// A line with what the tests ask of it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: Option<LogTime>,
    /// The certificates it names; `None` if it is not about certificates.
    pub(crate) names: Option<Vec<String>>,
}

impl Line {
    pub(crate) fn new(text: &[u8]) -> Self {
        let entry = Entry::decode(text).ok();
        let event = entry.as_ref().and_then(Event::of);
        let name = |name: &notafter::caddy::name::Name| name.to_string();
        Self {
            bytes: text.to_vec(),
            at: entry.and_then(|entry| entry.at),
            names: event.map(|event| event.names.iter().map(name).collect()),
        }
    }
}

/// The lines of a fixture.
pub(crate) fn lines(path: &str) -> Vec<Line> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let bytes = std::fs::read(fixtures.join(path)).unwrap();
    let mut text = String::new();
    if Path::new(path).extension().is_some_and(|end| end == "gz") {
        let mut unpacker = flate2::read::GzDecoder::new(&bytes[..]);
        unpacker.read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text.lines()
        .map(|line| Line::new(line.as_bytes()))
        .collect()
}

/// Every recorded log, by its path in the fixtures.
pub(crate) fn recordings() -> Vec<String> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut rooms = vec![
        fixtures.join("captures"),
        fixtures.join("incident-2026-05-03"),
    ];
    let mut found = Vec::new();
    while let Some(room) = rooms.pop() {
        for entry in std::fs::read_dir(room).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&fixtures).unwrap().display().to_string();
            if path.is_dir() {
                rooms.push(path);
            } else if name.contains(".log") {
                found.push(name);
            }
        }
    }
    found.sort_unstable();
    found
}

/// The latest stamp.
pub(crate) fn end(lines: &[Line]) -> LogTime {
    lines.iter().filter_map(|line| line.at).max().unwrap()
}

/// An engine, what it gave out, and its state as a store would hold it.
pub(crate) struct Watcher {
    pub(crate) engine: Engine,
    pub(crate) rows: Vec<AlertRow>,
    pub(crate) messages: Vec<Message>,
    stored: BTreeMap<(&'static str, String), String>,
    line: u64,
}

impl Watcher {
    pub(crate) fn new() -> Self {
        Self {
            engine: Engine::new(rules()),
            rows: Vec::new(),
            messages: Vec::new(),
            stored: BTreeMap::new(),
            line: 0,
        }
    }

    /// Hands a line over, if it is an entry at all.
    pub(crate) fn line(&mut self, bytes: &[u8]) {
        self.line += 1;
        let origin = Origin {
            source: "caddy.log".into(),
            line: self.line,
        };
        if let Ok(entry) = Entry::decode(bytes) {
            let quote = || Quote::new(&origin, bytes);
            self.engine.entry(INSTANCE, &entry, quote, &mut self.rows);
        }
    }

    pub(crate) fn tick(&mut self, now: LogTime) {
        self.engine.tick(INSTANCE, now, &mut self.rows);
    }

    /// Silences a name until a moment.
    pub(crate) fn silence(&mut self, name: &str, until: LogTime) {
        let matchers = Matchers {
            certificate: Some(name.to_owned()),
            ..Matchers::default()
        };
        let silence = Silence::new(matchers, (at(0.0), until), "known").unwrap();
        self.engine.silence(silence).unwrap();
    }

    /// The messages that are more than notes.
    pub(crate) fn loud(&self) -> Vec<&Message> {
        let messages = self.messages.iter();
        messages.filter(|one| one.severity.is_loud()).collect()
    }

    pub(crate) fn settle(&mut self) {
        let told = self.engine.settle(INSTANCE);
        self.messages.extend(told);
    }

    /// Notes the messages that are not in a list yet, with how far the log is.
    pub(crate) fn note_told(&self, told: &mut Vec<(LogTime, Message)>) {
        let now = self.engine.log_time(INSTANCE);
        for message in self.messages.iter().skip(told.len()) {
            told.push((now.unwrap(), message.clone()));
        }
    }

    /// The lines of a log, told after each.
    pub(crate) fn follow(&mut self, scribe: Scribe) {
        for line in scribe.sorted() {
            self.line(line.as_bytes());
            self.settle();
        }
    }

    /// Writes what changed, as the store does: only the rows that the engine names.
    pub(crate) fn commit(&mut self) {
        for row in self.engine.take_rows() {
            let key = (row.kind, row.key);
            match row.value {
                Some(value) => drop(self.stored.insert(key, value)),
                None => drop(self.stored.remove(&key)),
            }
        }
    }

    /// An engine of a new process, from what was written.
    pub(crate) fn restored(&self) -> Engine {
        let stored = self.stored.iter();
        let rows = stored.map(|((kind, key), value)| (*kind, key.as_str(), value.as_str()));
        Engine::restore(rules(), rows)
    }

    /// Takes up what a former version wrote: one row of state a line.
    pub(crate) fn former(rows: &str) -> Self {
        let rows = rows.lines().map(|row| {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            ["kind", "key", "value"].map(|field| row[field].as_str().unwrap().to_owned())
        });
        let kind = |word: &str| {
            ["certificate", "incident", "instance", "silence"]
                .into_iter()
                .find(|one| *one == word)
        };
        let mut watcher = Self::new();
        watcher.stored = rows
            .map(|[word, key, value]| ((kind(&word).unwrap(), key), value))
            .collect();
        watcher.restart();
        watcher
    }

    /// The keys of what is stored of a kind.
    pub(crate) fn keys(&self, kind: &str) -> Vec<&str> {
        let keys = self.stored.keys().filter(|(one, _)| *one == kind);
        keys.map(|(_, key)| key.as_str()).collect()
    }

    /// The process dies and another one takes over; what was not committed is lost.
    pub(crate) fn restart(&mut self) {
        self.engine = self.restored();
    }
}

/// Everything in one go, told at each line; at the end time goes on a little without lines.
pub(crate) fn one_go(lines: &[Line]) -> Watcher {
    let mut watcher = Watcher::new();
    for line in lines {
        watcher.line(&line.bytes);
        watcher.settle();
    }
    watcher.tick(after(lines));
    watcher.settle();
    watcher
}

/// A day after the last line: what was pending then has come.
pub(crate) fn after(lines: &[Line]) -> LogTime {
    end(lines) + chrono::TimeDelta::days(1)
}
