//! The loop: lines in, state and debts into one commit, debts out to the channels.

use crate::command::exit::{Exit, Failed, of_store, say};
use crate::command::intake::Intake;
use crate::command::watch::setup::Plan;
use crate::engine::message::Message;
use crate::engine::{AlertRow, Engine, Notice};
use crate::notify::{Backoff, CAPACITY, Channel, Client, Courier, Outcome, Owed, Timeouts};
use crate::source::batch::{Batch, FromSource, Reached, Stopped};
use crate::source::kind::Source;
use crate::source::wake::Stop;
use crate::store::{Commit, Debt, Fate, RowChange, Store};
use crate::time::{LogTime, WallTime};
use chrono::{TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// State that no alert waits for is written at most this often.
const COMMIT_EVERY: TimeDelta = TimeDelta::seconds(5);

/// Batches that may wait between a source and the engine; a full queue stops the reading.
const BATCHES_MAX: usize = 8;

/// Time that deliveries under way have at the end.
const GRACE: Duration = Duration::from_secs(5);

/// Everything the loop works on.
struct Pump {
    intake: Intake,
    store: Store,
    courier: Courier,
    channels: Vec<Channel>,
    lag: BTreeMap<Arc<str>, TimeDelta>,
    /// Sources that have been read to their end once: only then may time alone move them.
    live: BTreeSet<Arc<str>>,
    /// Reading positions since the last commit.
    positions: BTreeMap<Arc<str>, Reached>,
    /// Alert rows and messages since the last commit.
    rows: Vec<AlertRow>,
    messages: Vec<Message>,
    /// Rows of state since the last commit.
    changes: Vec<RowChange>,
    /// When state last changed without a commit.
    dirty_since: Option<WallTime>,
    record: Option<File>,
}

/// Watches until SIGTERM or SIGINT.
pub(super) async fn watch(plan: Plan) -> Result<Exit, Failed> {
    let sources = plan.sources.clone();
    let (mut pump, positions) = Pump::start(plan)?;
    let stop = Stop::default();
    let mut lines = spawn(sources, positions, &stop);
    let mut term =
        signal(SignalKind::terminate()).map_err(|error| Failed::io("SIGTERM", &error))?;
    let mut int = signal(SignalKind::interrupt()).map_err(|error| Failed::io("SIGINT", &error))?;
    loop {
        let pause = pump.next_turn();
        tokio::select! {
            got = lines.recv() => match got {
                Some(FromSource::Lines(batch)) => pump.batch(batch)?,
                Some(FromSource::Said(notice)) => {
                    let remedy = notice.remedy.map(|remedy| format!("\nhelp: {remedy}"));
                    say(&format!("{}: {}{}", notice.source, notice.text, remedy.unwrap_or_default()));
                }
                None => break,
            },
            outcome = pump.courier.next() => pump.outcome(&outcome)?,
            () = sleep(pause) => pump.turn()?,
            _ = term.recv() => break,
            _ = int.recv() => break,
        }
    }
    stop.stop();
    pump.finish().await
}

fn spawn(
    sources: Vec<Source>,
    mut positions: BTreeMap<String, Reached>,
    stop: &Stop,
) -> mpsc::Receiver<FromSource> {
    let (to, lines) = mpsc::channel(BATCHES_MAX);
    for source in sources {
        let (to, stop) = (to.clone(), stop.clone());
        let resume = positions.remove(&**source.name());
        thread::spawn(move || {
            source.follow(resume, &stop, |from| {
                to.blocking_send(from).map_err(|_| Stopped)
            });
        });
    }
    lines
}

fn now() -> WallTime {
    WallTime::from_micros(Utc::now().timestamp_micros())
}

impl Pump {
    fn start(plan: Plan) -> Result<(Self, BTreeMap<String, Reached>), Failed> {
        let store = Store::open(&plan.state).map_err(|error| of_store(&error))?;
        let loaded = store.load().map_err(|error| of_store(&error))?;
        let stored = loaded.rows.iter();
        let stored = stored.map(|row| (row.kind.as_str(), row.key.as_str(), row.value.as_str()));
        let engine = Engine::restore(Arc::clone(&plan.rules), stored)
            .map_err(|error| Failed::new(Exit::Config, format!("error: {error}")))?;
        let client = Client::new(Timeouts::default())
            .map_err(|error| Failed::new(Exit::Unavailable, format!("error: {error}")))?;
        let courier = Courier::start(plan.channels.clone(), &client, Backoff::default());
        let record = match &plan.record {
            Some(path) => Some(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .map_err(|error| Failed::io(path.display(), &error))?,
            ),
            None => None,
        };
        let positions = loaded
            .positions
            .into_iter()
            .filter_map(|stored| Some((stored.source, serde_json::from_value(stored.value).ok()?)))
            .collect();
        let mut pump = Self {
            intake: Intake::new(engine),
            store,
            courier,
            channels: plan.channels,
            lag: plan.lag,
            live: BTreeSet::new(),
            positions: BTreeMap::new(),
            rows: Vec::new(),
            messages: Vec::new(),
            changes: Vec::new(),
            dirty_since: None,
            record,
        };
        pump.greet(&plan.sources, loaded.debts.len());
        pump.owe(loaded.debts);
        Ok((pump, positions))
    }

    fn greet(&self, sources: &[Source], debts: usize) {
        for source in sources {
            say(&format!("{}: watching {}", source.name(), source.shown()));
        }
        for channel in &self.channels {
            say(&format!("alerts go to {}", channel.shown()));
        }
        if self.channels.is_empty() {
            say(
                "warning: no channel is configured, so alerts are only shown here\nhelp: add --notify ntfy://ntfy.sh/YOUR-TOPIC",
            );
        }
        if debts > 0 {
            say(&format!("{debts} messages are still owed from before"));
        }
    }

    /// How long to sleep when nothing comes: until a commit or a deadline is due.
    fn next_turn(&self) -> Duration {
        const IDLE: TimeDelta = TimeDelta::hours(1);
        let now = now();
        let commit = self.dirty_since.map(|since| since + COMMIT_EVERY);
        let deadlines = self.live.iter().filter_map(|source| {
            let deadline = self.intake.engine.deadline(source)?;
            Some(WallTime::from_micros(deadline.micros()) + self.lag_of(source))
        });
        let next = deadlines.chain(commit).min().unwrap_or(now + IDLE);
        (next - now).to_std().unwrap_or(Duration::ZERO)
    }

    fn lag_of(&self, source: &Arc<str>) -> TimeDelta {
        self.lag.get(source).copied().unwrap_or(crate::config::LAG)
    }

    fn batch(&mut self, batch: Batch) -> Result<(), Failed> {
        let mut rows = Vec::new();
        for line in &batch.lines {
            self.intake
                .line(&batch.source, &batch.file, line.candidate(), &mut rows);
            self.rows.append(&mut rows);
        }
        if let Some(stamp) = batch.rejected_until {
            self.intake.rejected_until(&batch.source, stamp, &mut rows);
            self.rows.append(&mut rows);
        }
        self.intake.tally.lines += batch.counts.lines;
        self.positions
            .insert(Arc::clone(&batch.source), batch.position);
        if batch.caught_up && self.live.insert(Arc::clone(&batch.source)) {
            self.say_caught_up(&batch.source);
        }
        self.settle(&batch.source)
    }

    fn say_caught_up(&self, source: &str) {
        let known = self
            .intake
            .engine
            .certificates()
            .filter(|(instance, _, _)| *instance == source);
        let (known, lines) = (known.count(), self.intake.tally.lines);
        let unreadable = self.intake.tally.unreadable.count;
        say(&format!(
            "{source}: read to the end: {lines} lines, {unreadable} unreadable, {known} certificates known"
        ));
    }

    /// Finds out what has to be told, and commits at once if anything has.
    fn settle(&mut self, source: &Arc<str>) -> Result<(), Failed> {
        if self.live.contains(source) {
            self.messages.extend(self.intake.engine.settle(source));
        }
        for Notice::ClockJumped { instance, to } in self.intake.engine.take_notices() {
            say(&format!(
                "{instance}: the clock of the log jumped ahead to {to}"
            ));
        }
        self.dirty_since.get_or_insert_with(now);
        if self.rows.is_empty() && self.messages.is_empty() {
            Ok(())
        } else {
            self.commit()
        }
    }

    /// Time has passed: deadlines, and the commit of what no alert waited for.
    fn turn(&mut self) -> Result<(), Failed> {
        let now = now();
        for source in self.live.clone() {
            let until: LogTime = now.trailing(self.lag_of(&source));
            if self
                .intake
                .engine
                .deadline(&source)
                .is_some_and(|deadline| deadline <= until)
            {
                let mut rows = Vec::new();
                self.intake.engine.tick(&source, until, &mut rows);
                self.intake.count(&rows);
                self.rows.append(&mut rows);
                self.settle(&source)?;
            }
        }
        if self
            .dirty_since
            .is_some_and(|since| since + COMMIT_EVERY <= now)
        {
            self.commit()?;
        }
        Ok(())
    }

    /// Reached, state and outbox in one transaction; only then is anything sent.
    fn commit(&mut self) -> Result<(), Failed> {
        let mut positions = Vec::new();
        for (source, position) in &self.positions {
            let text = serde_json::to_string(position)
                .map_err(|error| Failed::new(Exit::Io, format!("error: {error}")))?;
            positions.push((source.to_string(), text));
        }
        let messages: Vec<(Message, Vec<String>)> = self
            .messages
            .iter()
            .map(|message| {
                let wanting = self
                    .channels
                    .iter()
                    .filter(|channel| channel.wants(message));
                (
                    message.clone(),
                    wanting.map(|channel| channel.name().to_owned()).collect(),
                )
            })
            .collect();
        let fresh = self.intake.engine.take_rows().into_iter();
        self.changes.extend(fresh.map(|row| RowChange {
            kind: row.kind.to_owned(),
            key: row.key,
            value: row.value,
        }));
        let rows = std::mem::take(&mut self.changes);
        let commit = Commit {
            positions,
            rows,
            messages,
            at: now(),
        };
        match self.store.commit(&commit) {
            Ok(debts) => {
                self.positions.clear();
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

    fn write_record(&mut self) -> Result<(), Failed> {
        let rows = std::mem::take(&mut self.rows);
        let Some(record) = &mut self.record else {
            return Ok(());
        };
        let mut lines = String::new();
        for row in &rows {
            if let Ok(line) = serde_json::to_string(row) {
                lines.push_str(&line);
                lines.push('\n');
            }
        }
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

    fn outcome(&mut self, outcome: &Outcome) -> Result<(), Failed> {
        match &outcome.fate {
            Fate::Delivered => {}
            Fate::Later { why, .. } => say(&format!("{}: {why}; will try again", outcome.channel)),
            Fate::Refused { why } => say(&format!("error: {}: {why}", outcome.channel)),
        }
        record_fate(&mut self.store, outcome)?;
        if self.courier.has_room(&outcome.channel) {
            let limit = u32::try_from(CAPACITY).unwrap_or(u32::MAX);
            let owed = self.store.owed(&outcome.channel, limit);
            let (debts, _unreadable) = owed.map_err(|error| of_store(&error))?;
            self.owe(debts);
        }
        Ok(())
    }

    /// Ends cleanly: state is committed, and deliveries under way may finish.
    async fn finish(mut self) -> Result<Exit, Failed> {
        if self.dirty_since.is_some() {
            self.commit()?;
        }
        let Self {
            courier, mut store, ..
        } = self;
        for outcome in courier.stop(GRACE).await {
            record_fate(&mut store, &outcome)?;
        }
        Ok(Exit::Fine)
    }
}

/// Records what became of a try. A fate that cannot be recorded costs at most a second delivery,
/// with the same id.
fn record_fate(store: &mut Store, outcome: &Outcome) -> Result<(), Failed> {
    match store.settle(outcome.ticket, &outcome.fate, outcome.at) {
        Err(error) if error.is_passing() => {
            say(&format!("error: {error}"));
            Ok(())
        }
        done => done.map_err(|error| of_store(&error)),
    }
}

/// Says on standard error what people are told, so that the journal has it too.
fn announce(message: &Message) {
    say(&format!("{}: {}", message.word(), message.title));
}
