//! What is owed: reading positions, changed rows and messages, in one commit, and then on to the
//! channels.

use crate::command::exit::{Exit, Failed, of_store, say};
use crate::command::watch::setup::Plan;
use crate::engine::message::Message;
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
    /// Rows of state since the last commit, the latest of each.
    changes: BTreeMap<(String, String), Option<String>>,
    rows: Vec<AlertRow>,
    messages: Vec<Message>,
    dirty_since: Option<WallTime>,
    /// A commit failed: it is not tried again before this.
    retry_at: Option<WallTime>,
    /// Messages that were sent although they could not be committed, until they are: id and channel.
    unrecorded: BTreeMap<(String, String), Fate>,
    /// Tickets of such messages; no ticket of the store is negative.
    last_unrecorded: i64,
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
            changes: BTreeMap::new(),
            rows: Vec::new(),
            messages: Vec::new(),
            dirty_since: None,
            retry_at: None,
            unrecorded: BTreeMap::new(),
            last_unrecorded: 0,
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
        let now = now();
        if self.retry_at.is_some_and(|at| now < at) {
            self.send_uncommitted();
            return Ok(());
        }
        let urgent = !(self.rows.is_empty() && self.messages.is_empty());
        if urgent || self.due().is_some_and(|due| due <= now) {
            return self.commit(engine);
        }
        Ok(())
    }

    /// Commits at once, unless the store has just failed.
    pub(super) fn flush(&mut self, engine: &mut Engine) -> Result<(), Failed> {
        self.touch();
        if self.retry_at.is_some() {
            return self.commit_if_due(engine);
        }
        self.commit(engine)
    }

    /// Position, state and outbox in one transaction; only then is anything sent.
    fn commit(&mut self, engine: &mut Engine) -> Result<(), Failed> {
        for row in engine.take_rows() {
            self.changes
                .insert((row.kind.to_owned(), row.key), row.value);
        }
        let change = |((kind, key), value): (&(String, String), &Option<String>)| RowChange {
            kind: kind.clone(),
            key: key.clone(),
            value: value.clone(),
        };
        let messages = self.messages.iter();
        let commit = Commit {
            positions: self.positions()?,
            rows: self.changes.iter().map(change).collect(),
            messages: messages
                .map(|one| (one.clone(), self.wanting(one)))
                .collect(),
            at: now(),
        };
        match self.store.commit(&commit) {
            Ok(debts) => {
                self.committed(debts)?;
                Ok(())
            }
            Err(error) if error.is_passing() => {
                if self.retry_at.is_none() {
                    say(&format!(
                        "error: {error}; alerts go out all the same, and the state is tried again every few seconds"
                    ));
                }
                let now = now();
                self.retry_at = Some(now + COMMIT_EVERY);
                self.dirty_since = Some(now);
                self.send_uncommitted();
                Ok(())
            }
            Err(error) => Err(of_store(&error)),
        }
    }

    fn committed(&mut self, debts: Vec<Debt>) -> Result<(), Failed> {
        self.moved.clear();
        self.changes.clear();
        self.dirty_since = None;
        if self.retry_at.take().is_some() {
            say("the state is written again");
        }
        for message in std::mem::take(&mut self.messages) {
            if self.unrecorded_of(&message.id).is_none() {
                announce(&message);
            }
        }
        let mut owed = Vec::new();
        for debt in debts {
            let key = (debt.message.id.clone(), debt.channel.clone());
            match self.unrecorded.remove(&key) {
                Some(Fate::Delivered) => self.settle(debt.ticket, &Fate::Delivered, now())?,
                _ => owed.push(debt),
            }
        }
        self.unrecorded.clear();
        self.owe(owed);
        self.write_record();
        Ok(())
    }

    /// Sends what could not be committed, once: an alert must not wait for a disk, least of all an
    /// alert about one. What is not delivered by then is owed again once the store works.
    fn send_uncommitted(&mut self) {
        for message in self.messages.clone() {
            if self.unrecorded_of(&message.id).is_some() {
                continue;
            }
            announce(&message);
            let now = now();
            for channel in self.wanting(&message) {
                let later = Fate::Later {
                    next_try: now,
                    why: String::new(),
                };
                self.unrecorded
                    .insert((message.id.clone(), channel.clone()), later);
                self.last_unrecorded -= 1;
                self.owe(vec![Debt {
                    ticket: self.last_unrecorded,
                    channel,
                    message: message.clone(),
                    attempts: 0,
                    next_try: now,
                    last_error: None,
                }]);
            }
        }
    }

    fn unrecorded_of(&self, id: &str) -> Option<&Fate> {
        let mut all = self.unrecorded.iter();
        all.find(|((message, _), _)| message == id)
            .map(|(_, fate)| fate)
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

    /// The record is a copy for people: that it cannot be written is said, and stops nothing.
    fn write_record(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let Some(record) = &mut self.record else {
            return;
        };
        let lines = rows
            .iter()
            .filter_map(|row| serde_json::to_string(row).ok());
        let lines: String = lines.map(|line| line + "\n").collect();
        if let Err(error) = record.write_all(lines.as_bytes()) {
            say(&format!("error: the record cannot be written: {error}"));
        }
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
            match self.store.owed(&outcome.channel, limit) {
                Ok((debts, _unreadable)) => self.owe(debts),
                Err(error) if error.is_passing() => say(&format!("error: {error}")),
                Err(error) => return Err(of_store(&error)),
            }
        }
        Ok(())
    }

    fn record_fate(&mut self, outcome: &Outcome) -> Result<(), Failed> {
        match &outcome.fate {
            Fate::Delivered | Fate::Superseded => {}
            Fate::Later { why, .. } => say(&format!("{}: {why}; will try again", outcome.channel)),
            Fate::Refused { why } => say(&format!("error: {}: {why}", outcome.channel)),
        }
        if outcome.ticket < 0 {
            let key = (outcome.message.clone(), outcome.channel.clone());
            if let Some(fate) = self.unrecorded.get_mut(&key) {
                *fate = outcome.fate.clone();
            }
            return Ok(());
        }
        self.settle(outcome.ticket, &outcome.fate, outcome.at)
    }

    /// A fate that cannot be recorded costs at most a second delivery, with the same id.
    fn settle(&mut self, ticket: i64, fate: &Fate, at: WallTime) -> Result<(), Failed> {
        match self.store.settle(ticket, fate, at) {
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
    say(&format!("{}: {}", message.word(), message.title));
}
