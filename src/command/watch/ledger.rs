//! What is owed: reading positions, changed rows and messages, in one commit, and then on to the
//! channels.

use crate::command::exit::{Exit, Failed, of_store, say};
use crate::command::watch::setup::Plan;
use crate::engine::message::{Message, Status};
use crate::engine::{AlertRow, Engine};
use crate::notify::{Backoff, CAPACITY, Channel, Client, Courier, Outcome, Owed, Timeouts};
use crate::source::batch::Reached;
use crate::store::{Commit, Debt, Fate, Loaded, RowChange, Store};
use crate::time::WallTime;
use chrono::{TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// State that no alert waits for is written at most this often.
const COMMIT_EVERY: TimeDelta = TimeDelta::seconds(5);

/// Time that deliveries under way have at the end.
const GRACE: Duration = Duration::from_secs(5);

/// Our own clock.
pub(super) fn now() -> WallTime {
    WallTime::from_micros(Utc::now().timestamp_micros())
}

/// The store, the courier, and what waits for the next commit.
pub(super) struct Ledger {
    store: Store,
    client: Client,
    pub(super) courier: Courier,
    pub(super) channels: Vec<Channel>,
    record: Option<File>,
    /// How far each source was read.
    reached: BTreeMap<Arc<str>, Reached>,
    /// Sources whose position is not committed yet.
    moved: BTreeSet<Arc<str>>,
    changes: Vec<RowChange>,
    rows: Vec<AlertRow>,
    messages: Vec<Message>,
    dirty_since: Option<WallTime>,
}

impl Ledger {
    /// Opens the store and gives out what it holds.
    pub(super) fn open(plan: &Plan) -> Result<(Self, Loaded), Failed> {
        let store = Store::open(&plan.state).map_err(|error| of_store(&error))?;
        let loaded = store.load().map_err(|error| of_store(&error))?;
        let client = Client::new(Timeouts::default())
            .map_err(|error| Failed::new(Exit::Unavailable, format!("error: {error}")))?;
        let courier = Courier::start(plan.channels.clone(), &client, Backoff::default());
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        let record = match &plan.record {
            Some(path) => Some(open(path).map_err(|error| Failed::io(path.display(), &error))?),
            None => None,
        };
        let positions = loaded.positions.iter();
        let reached = positions.filter_map(|stored| {
            let reached = serde_json::from_value(stored.value.clone()).ok()?;
            Some((stored.source.as_str().into(), reached))
        });
        let mut ledger = Self {
            store,
            client,
            courier,
            channels: plan.channels.clone(),
            record,
            reached: reached.collect(),
            moved: BTreeSet::new(),
            changes: Vec::new(),
            rows: Vec::new(),
            messages: Vec::new(),
            dirty_since: None,
        };
        ledger.owe(loaded.debts.clone());
        Ok((ledger, loaded))
    }

    /// How far a source was read.
    pub(super) fn reached(&self, source: &str) -> Option<Reached> {
        self.reached.get(source).cloned()
    }

    /// A source was read further.
    pub(super) fn reach(&mut self, source: &Arc<str>, position: Reached) {
        self.reached.insert(Arc::clone(source), position);
        self.moved.insert(Arc::clone(source));
        self.dirty_since.get_or_insert_with(now);
    }

    /// Alerts changed.
    pub(super) fn note_rows(&mut self, rows: &mut Vec<AlertRow>) {
        self.rows.append(rows);
    }

    /// Something has to be told.
    pub(super) fn note_messages(&mut self, messages: Vec<Message>) {
        self.messages.extend(messages);
    }

    /// State changed, and it matters when it is written.
    pub(super) fn touch(&mut self) {
        self.dirty_since.get_or_insert_with(now);
    }

    /// When the next commit is due, if any.
    pub(super) fn due(&self) -> Option<WallTime> {
        self.dirty_since.map(|since| since + COMMIT_EVERY)
    }

    /// Commits at once if an alert changed or something has to be told, else when it is due.
    pub(super) fn commit_if_due(&mut self, engine: &mut Engine) -> Result<(), Failed> {
        let urgent = !(self.rows.is_empty() && self.messages.is_empty());
        if urgent || self.due().is_some_and(|due| due <= now()) {
            return self.commit(engine);
        }
        Ok(())
    }

    /// Position, state and outbox in one transaction; only then is anything sent.
    fn commit(&mut self, engine: &mut Engine) -> Result<(), Failed> {
        let fresh = engine.take_rows().into_iter();
        self.changes.extend(fresh.map(|row| RowChange {
            kind: row.kind.to_owned(),
            key: row.key,
            value: row.value,
        }));
        let messages = self.messages.iter();
        let commit = Commit {
            positions: self.positions()?,
            rows: std::mem::take(&mut self.changes),
            messages: messages
                .map(|message| (message.clone(), self.wanting(message)))
                .collect(),
            at: now(),
        };
        match self.store.commit(&commit) {
            Ok(debts) => {
                self.moved.clear();
                self.dirty_since = None;
                for message in std::mem::take(&mut self.messages) {
                    announce(&message);
                }
                self.write_record()?;
                self.owe(debts);
                Ok(())
            }
            Err(error) if error.is_passing() => {
                say(&format!("error: {error}; trying again in a few seconds"));
                self.changes = commit.rows;
                self.dirty_since = Some(now());
                Ok(())
            }
            Err(error) => Err(of_store(&error)),
        }
    }

    fn positions(&self) -> Result<Vec<(String, String)>, Failed> {
        let moved = self
            .moved
            .iter()
            .filter_map(|source| Some((source, self.reached.get(source)?)));
        moved
            .map(|(source, reached)| Ok((source.to_string(), serde_json::to_string(reached)?)))
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|error| Failed::new(Exit::Io, format!("error: a reading position: {error}")))
    }

    fn wanting(&self, message: &Message) -> Vec<String> {
        let wanting = self
            .channels
            .iter()
            .filter(|channel| channel.wants(message));
        wanting.map(|channel| channel.name().to_owned()).collect()
    }

    fn write_record(&mut self) -> Result<(), Failed> {
        let rows = std::mem::take(&mut self.rows);
        let Some(record) = &mut self.record else {
            return Ok(());
        };
        let lines = rows
            .iter()
            .filter_map(|row| serde_json::to_string(row).ok());
        let lines: String = lines.map(|line| line + "\n").collect();
        record
            .write_all(lines.as_bytes())
            .map_err(|error| Failed::io("the record", &error))
    }

    /// Hands debts to the courier; what it has no room for stays owed in the store.
    fn owe(&mut self, debts: Vec<Debt>) {
        for debt in debts {
            let (channel, ticket) = (debt.channel.clone(), debt.ticket);
            if self.courier.owe(debt) == Owed::NoSuchChannel {
                say(&format!(
                    "message {ticket} is owed to {channel}, which is no channel any more; it stays in the outbox"
                ));
            }
        }
    }

    /// How many messages each channel is still owed; `None` when the store cannot say now.
    pub(super) fn owed_counts(&self) -> Option<BTreeMap<String, u64>> {
        let mut counts = self.store.owed_counts().ok()?;
        for channel in &self.channels {
            counts.entry(channel.name().to_owned()).or_default();
        }
        Some(counts)
    }

    /// A try to deliver has ended.
    pub(super) fn outcome(&mut self, outcome: &Outcome) -> Result<(), Failed> {
        self.record_fate(outcome)?;
        if self.courier.has_room(&outcome.channel) {
            let limit = u32::try_from(CAPACITY).unwrap_or(u32::MAX);
            let owed = self.store.owed(&outcome.channel, limit);
            let (debts, _unreadable) = owed.map_err(|error| of_store(&error))?;
            self.owe(debts);
        }
        Ok(())
    }

    /// A fate that cannot be recorded costs at most a second delivery, with the same id.
    fn record_fate(&mut self, outcome: &Outcome) -> Result<(), Failed> {
        match &outcome.fate {
            Fate::Delivered => {}
            Fate::Later { why, .. } => say(&format!("{}: {why}; will try again", outcome.channel)),
            Fate::Refused { why } => say(&format!("error: {}: {why}", outcome.channel)),
        }
        match self.store.settle(outcome.ticket, &outcome.fate, outcome.at) {
            Err(error) if error.is_passing() => {
                say(&format!("error: {error}"));
                Ok(())
            }
            done => done.map_err(|error| of_store(&error)),
        }
    }

    /// Other channels: deliveries under way may finish, and what is owed goes on.
    pub(super) async fn replace_channels(&mut self, channels: Vec<Channel>) -> Result<(), Failed> {
        let courier = Courier::start(channels.clone(), &self.client, Backoff::default());
        let old = std::mem::replace(&mut self.courier, courier);
        self.channels = channels;
        for outcome in old.stop(GRACE).await {
            self.record_fate(&outcome)?;
        }
        let loaded = self.store.load().map_err(|error| of_store(&error))?;
        self.owe(loaded.debts);
        Ok(())
    }

    /// Ends cleanly: state is committed, and deliveries under way may finish.
    pub(super) async fn finish(mut self, engine: &mut Engine) -> Result<(), Failed> {
        if self.dirty_since.is_some() {
            self.commit(engine)?;
        }
        let idle = Courier::start(Vec::new(), &self.client, Backoff::default());
        let courier = std::mem::replace(&mut self.courier, idle);
        for outcome in courier.stop(GRACE).await {
            self.record_fate(&outcome)?;
        }
        Ok(())
    }
}

/// Says on standard error what people are told, so that the journal has it too.
fn announce(message: &Message) {
    let word = match message.status {
        Status::Firing => message.severity.word().to_uppercase(),
        Status::Resolved => "RESOLVED".to_owned(),
    };
    say(&format!("{word}: {}", message.title));
}
