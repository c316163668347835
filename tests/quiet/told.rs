//! What people are told of a log: by the watching engine with a real outbox, and by the replaying
//! program.

use crate::rows::alerts;
use crate::server::{Line, T, TICK};
use notafter::caddy::entry::Entry;
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::message::Message;
use notafter::engine::{AlertRow, Engine};
use notafter::rules::{BUILT_IN, Configured, RuleSet, Severity};
use notafter::store::{Commit, RowChange, Store};
use notafter::time::{LogTime, WallTime};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) const INSTANCE: &str = "caddy";

/// What a watch made of a log.
pub(crate) struct Told {
    pub(crate) rows: Vec<AlertRow>,
    /// What the outbox owes to a channel that wants everything, in order.
    pub(crate) owed: Vec<Message>,
}

impl Told {
    /// Hands lines over as they are written, with time passing in between, and commits what is to be
    /// told. So long after the last line the log is still watched.
    pub(crate) fn by_watch(lines: &[Line], after: f64) -> Self {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
        let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
        let directory = tempfile::tempdir().unwrap();
        let mut watch = Watch {
            engine: Engine::new(rules),
            store: Store::open(directory.path()).unwrap(),
            rows: Vec::new(),
            owed: Vec::new(),
        };
        let mut before = 0.0;
        for (number, (at, line)) in (1_u64..).zip(lines) {
            watch.wait(&mut before, *at);
            watch.line(number, line);
            watch.settle();
        }
        let end = lines.last().map_or(0.0, |(at, _)| at + after);
        watch.wait(&mut before, end);
        let counted = watch.store.owed_counts().unwrap();
        let counted = counted.get("phone").copied().unwrap_or_default();
        assert_eq!(counted, watch.owed.len() as u64, "the outbox has them all");
        Self {
            rows: watch.rows,
            owed: watch.owed,
        }
    }

    /// The incidents that rows as loud as this, or louder, belong to.
    pub(crate) fn incidents(&self, severity: Severity) -> BTreeSet<&str> {
        let rows = self.rows.iter().filter(|row| row.severity >= severity);
        rows.map(|row| row.incident.as_str()).collect()
    }

    /// The messages that wake somebody.
    pub(crate) fn loud(&self) -> Vec<&Message> {
        let loud = self.owed.iter().filter(|one| one.severity.is_loud());
        loud.collect()
    }
}

struct Watch {
    engine: Engine,
    store: Store,
    rows: Vec<AlertRow>,
    owed: Vec<Message>,
}

impl Watch {
    fn line(&mut self, number: u64, line: &str) {
        let origin = Origin {
            source: "caddy.log".into(),
            line: number,
        };
        let entry = Entry::decode(line.as_bytes()).unwrap();
        let quote = || Quote::new(&origin, line.as_bytes());
        self.engine.entry(INSTANCE, &entry, quote, &mut self.rows);
    }

    /// Time passes without lines.
    fn wait(&mut self, before: &mut f64, until: f64) {
        while *before + TICK < until {
            *before += TICK;
            #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
            let now = LogTime::from_seconds((T + *before) as i64 - 5);
            self.engine.tick(INSTANCE, now, &mut self.rows);
            self.settle();
        }
        *before = before.max(until);
    }

    /// What is due is committed with the state, as a watch does it.
    fn settle(&mut self) {
        let messages = self.engine.settle(INSTANCE);
        if messages.is_empty() {
            return;
        }
        let rows = self.engine.take_rows().into_iter().map(|row| RowChange {
            kind: row.kind.to_owned(),
            key: row.key,
            value: row.value,
        });
        let to_phone = |one: &Message| (one.clone(), vec!["phone".to_owned()]);
        let debts = self.store.commit(&Commit {
            positions: Vec::new(),
            rows: rows.collect(),
            messages: messages.iter().map(to_phone).collect(),
            at: WallTime::from_seconds(0),
        });
        self.owed
            .extend(debts.unwrap().into_iter().map(|debt| debt.message));
    }
}

/// The alert rows of `notafter replay` over the same lines.
pub(crate) fn by_replay(lines: &[Line]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caddy.log");
    let text: String = lines.iter().map(|(_, line)| line.clone() + "\n").collect();
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_notafter"))
        .args(["replay", path, "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success());
    alerts(&String::from_utf8(output.stdout).unwrap())
}

/// The values that a field has in rows.
pub(crate) fn values<'r>(rows: &'r [Value], field: &str) -> BTreeSet<&'r str> {
    rows.iter().filter_map(|row| row[field].as_str()).collect()
}
