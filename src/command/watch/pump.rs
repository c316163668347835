//! The loop: lines in, judged by the engine, and out through the ledger.

use crate::command::arguments::WatchArguments;
use crate::command::exit::{Exit, Failed, say};
use crate::command::intake::Intake;
use crate::command::watch::control::{Counter, hush};
use crate::command::watch::desk::Desk;
use crate::command::watch::ledger::{Ledger, now};
use crate::command::watch::running::{Heard, Running};
use crate::command::watch::service;
use crate::command::watch::setup::{Plan, plan};
use crate::control::{Asked, Reply, WatchedSource};
use crate::engine::{Engine, Notice};
use crate::report::text::{counted, none_understood};
use crate::serve::{InstanceRow, Snapshot};
use crate::source::batch::{Batch, FromSource};
use crate::source::notice::{self as source, NoticeKind};
use crate::time::{LogTime, WallTime};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

/// Under a steady stream of lines, deadlines and the watchdog are looked at this often.
const TURN_EVERY: Duration = Duration::from_secs(1);

/// Deadlines that follow the first one within this time are one piece of news.
const TOGETHER: TimeDelta = TimeDelta::seconds(1);

/// Lines of one source.
#[derive(Clone, Copy, Default)]
struct Count {
    lines: u64,
    understood: u64,
    unreadable: u64,
    /// It was said that none is understood.
    told_foreign: bool,
}

/// How many lines of a source are waited for before it is said that none is understood.
const FOREIGN_LINES: u64 = 20;

/// Everything the loop works on.
struct Pump {
    intake: Intake,
    ledger: Ledger,
    running: Running,
    lag: BTreeMap<Arc<str>, TimeDelta>,
    /// Sources that have been read to their end once: only then may time alone move them.
    live: BTreeSet<Arc<str>>,
    watchdog: Option<Duration>,
    desk: Desk,
    counter: Counter,
    counts: BTreeMap<Arc<str>, Count>,
    /// The last reload was refused, so what is in force is not what is in the file.
    refused: bool,
}

/// Watches until SIGTERM or SIGINT; SIGHUP reads the configuration again.
pub(super) async fn watch(arguments: &WatchArguments) -> Result<Exit, Failed> {
    let listen = |kind| signal(kind).map_err(|error| Failed::io("signals", &error));
    let mut term = listen(SignalKind::terminate())?;
    let mut int = listen(SignalKind::interrupt())?;
    let mut hup = listen(SignalKind::hangup())?;
    let mut pump = Pump::start(plan(arguments)?)?;
    service::ready(&pump.status());
    let mut turned = Some(Instant::now());
    while !pump.running.is_over() {
        let pause = pump.pause();
        tokio::select! {
            got = pump.running.next() => pump.take(got)?,
            outcome = pump.ledger.courier.next() => pump.ledger.outcome(&outcome)?,
            question = pump.desk.next() => question.answer(|| pump.snapshot()),
            asked = pump.counter.next() => pump.answer(asked)?,
            () = sleep(pause) => turned = None,
            _ = hup.recv() => pump.reload(arguments).await?,
            () = either(&mut term, &mut int) => break,
        }
        if turned.is_none_or(|turned| turned.elapsed() >= TURN_EVERY) {
            pump.turn()?;
            turned = Some(Instant::now());
        }
    }
    service::stopping();
    pump.running.stop_all();
    pump.ledger.finish(&mut pump.intake.engine).await?;
    Ok(Exit::Fine)
}

async fn either(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

impl Pump {
    fn start(plan: Plan) -> Result<Self, Failed> {
        let (ledger, loaded) = Ledger::open(&plan)?;
        let stored = loaded.rows.iter();
        let stored = stored.map(|row| (row.kind.as_str(), row.key.as_str(), row.value.as_str()));
        let mut engine = Engine::restore(Arc::clone(&plan.rules), stored);
        engine.set_policy(plan.policy);
        let mut rows = Vec::new();
        // Rules may have changed since the state was written.
        engine.set_rules(plan.rules, &mut rows);
        let mut pump = Self {
            intake: Intake::new(engine),
            ledger,
            running: Running::new(),
            lag: plan.lag,
            live: BTreeSet::new(),
            watchdog: service::watchdog(),
            desk: Desk::new(),
            counter: Counter::open(&plan.state),
            counts: BTreeMap::new(),
            refused: false,
        };
        pump.intake.tell(plan.layouts);
        pump.ledger.note_rows(&mut rows);
        pump.desk.listen(plan.listen);
        for channel in &pump.ledger.channels {
            say(&format!("alerts go to {}", channel.shown()));
        }
        if pump.ledger.channels.is_empty() {
            say(
                "warning: no channel is configured, so alerts are only shown here\nhelp: add --notify ntfy://ntfy.sh/YOUR-TOPIC",
            );
        }
        if !loaded.debts.is_empty() {
            say(&match loaded.debts.len() {
                1 => "1 message is still owed from before".to_owned(),
                count => format!("{count} messages are still owed from before"),
            });
        }
        for source in plan.sources {
            say(&format!("{}: watching {}", source.name(), source.shown()));
            let reached = pump.ledger.reached(source.name());
            pump.running.start(source, reached);
        }
        Ok(pump)
    }

    /// How long to sleep when nothing comes: until a commit, a deadline or the watchdog is due.
    fn pause(&self) -> Duration {
        const IDLE: TimeDelta = TimeDelta::hours(1);
        let now = now();
        let deadlines = self.live.iter().filter_map(|source| {
            let due = self.due(source)?;
            Some(WallTime::from_micros(due.micros()) + self.lag_of(source))
        });
        let next = deadlines
            .chain(self.ledger.due())
            .min()
            .unwrap_or(now + IDLE);
        let pause = (next - now).to_std().unwrap_or(Duration::ZERO);
        let signs = self.watchdog.into_iter().chain(self.desk.beat_every());
        signs.fold(pause, Duration::min)
    }

    /// When the next deadline of a source is looked at, by the clock of its log.
    fn due(&self, source: &str) -> Option<LogTime> {
        Some(self.intake.engine.deadline(source)? + TOGETHER)
    }

    /// How far what is known of a log trails our clock: its lines may be under way, and the clock of its host
    /// may be behind.
    fn lag_of(&self, source: &Arc<str>) -> TimeDelta {
        let lag = self.lag.get(source).copied();
        lag.unwrap_or(crate::config::LAG) + self.intake.engine.behind(source)
    }

    fn take(&mut self, heard: Heard) -> Result<(), Failed> {
        match heard {
            Heard::Source(FromSource::Lines(batch)) => self.batch(batch),
            Heard::Source(FromSource::Said(notice)) => {
                self.hear_of(&notice)?;
                let remedy = notice.remedy.map(|remedy| format!("\nhelp: {remedy}"));
                say(&format!(
                    "{}: {}{}",
                    notice.source,
                    notice.text,
                    remedy.unwrap_or_default()
                ));
                Ok(())
            }
            Heard::Ended {
                name,
                panicked: true,
            } => {
                let message = format!("error: {name}: the reading of this source has crashed");
                Err(Failed::new(Exit::Io, message))
            }
            Heard::Ended { name, .. } => {
                say(&format!("{name}: the source has ended"));
                Ok(())
            }
            Heard::Nobody => Ok(()),
        }
    }

    /// While a source cannot be read, time alone moves it; when it is back, it is read to its end
    /// first.
    fn hear_of(&mut self, notice: &source::Notice) -> Result<(), Failed> {
        let was_live = self.live.contains(&notice.source);
        let lost = match notice.kind {
            NoticeKind::Waiting | NoticeKind::PermissionDenied | NoticeKind::Unreadable => {
                self.live.insert(Arc::clone(&notice.source));
                Some(notice.text.as_str())
            }
            NoticeKind::Opened | NoticeKind::Recovered => {
                self.live.remove(&notice.source);
                None
            }
            NoticeKind::Polling
            | NoticeKind::Rotated
            | NoticeKind::Truncated
            | NoticeKind::Lost => return Ok(()),
        };
        let at = now().trailing(self.lag_of(&notice.source));
        let mut rows = Vec::new();
        let engine = &mut self.intake.engine;
        if was_live {
            // What fell due before was seen to.
            engine.tick(&notice.source, at, &mut rows);
        }
        engine.reach(&notice.source, at, lost, &mut rows);
        self.ledger.note_rows(&mut rows);
        self.settle(&notice.source)
    }

    fn batch(&mut self, batch: Batch) -> Result<(), Failed> {
        let mut rows = Vec::new();
        let is_live = self.live.contains(&batch.source);
        self.intake.now = is_live.then(|| now().trailing(self.lag_of(&batch.source)));
        let before = &self.intake.tally;
        let (understood, unreadable) = (before.understood, before.unreadable.count);
        for line in &batch.lines {
            self.intake
                .text(&batch.source, &batch.file, line.text(), &mut rows);
        }
        if let Some(stamp) = &batch.rejected_until {
            self.intake.rejected_until(&batch.source, stamp, &mut rows);
        }
        self.intake.tally.lines += batch.counts.lines;
        let counts = self.counts.entry(Arc::clone(&batch.source)).or_default();
        let tally = &self.intake.tally;
        counts.lines += batch.counts.lines;
        counts.understood += tally.understood - understood + batch.counts.rejected;
        counts.unreadable += tally.unreadable.count - unreadable;
        if counts.understood == 0 && counts.lines >= FOREIGN_LINES && !counts.told_foreign {
            counts.told_foreign = true;
            let text = none_understood(counts.lines);
            say(&format!("warning: {}: {text}", batch.source));
        }
        if is_live || batch.caught_up {
            let now = now().trailing(TimeDelta::zero());
            let engine = &mut self.intake.engine;
            engine.compare_clocks(&batch.source, now, is_live);
        }
        if batch.caught_up && self.live.insert(Arc::clone(&batch.source)) {
            // What fell due since the last line is part of the same news.
            let until = now().trailing(self.lag_of(&batch.source));
            self.intake.engine.tick(&batch.source, until, &mut rows);
            self.say_caught_up(&batch.source);
        }
        self.ledger.note_rows(&mut rows);
        self.ledger.reach(&batch.source, batch.position);
        self.settle(&batch.source)
    }

    fn say_caught_up(&self, source: &str) {
        let certificates = self.intake.engine.certificates();
        let known = certificates
            .filter(|(instance, _, _)| *instance == source)
            .count();
        let (lines, unreadable) = self
            .counts
            .get(source)
            .map_or((0, 0), |count| (count.lines, count.unreadable));
        say(&format!(
            "{source}: read to the end: {}, {unreadable} unreadable, {} known",
            counted(lines, "line"),
            counted(known as u64, "certificate")
        ));
        service::status(&self.status());
    }

    /// What `systemctl status` shows.
    fn status(&self) -> String {
        let (mut known, mut troubled) = (0_u64, 0_u64);
        for (_, _, certificate) in self.intake.engine.certificates() {
            known += 1;
            troubled += u64::from(!certificate.alerts.is_empty());
        }
        let refused = if self.refused {
            "; the new configuration was refused, the old one stays in force"
        } else {
            ""
        };
        let is_foreign = |count: &&Count| count.told_foreign && count.understood == 0;
        let foreign = match self.counts.values().filter(is_foreign).count() {
            0 => String::new(),
            count => format!(
                "; of {} no line was understood",
                counted(count as u64, "log")
            ),
        };
        let known = counted(known, "certificate");
        let of_sources = match self.intake.engine.source_alerts().count() {
            0 => String::new(),
            count => format!(
                "; open alerts about {} itself",
                counted(count as u64, "log")
            ),
        };
        format!("{known} known, {troubled} with open alerts{of_sources}{foreign}{refused}")
    }

    /// Finds out what has to be told, and commits at once if anything has.
    fn settle(&mut self, source: &Arc<str>) -> Result<(), Failed> {
        if self.live.contains(source) {
            let messages = self.intake.engine.settle(source);
            if !messages.is_empty() {
                service::status(&self.status());
            }
            self.ledger.note_messages(messages);
        }
        for notice in self.intake.engine.take_notices() {
            match notice {
                Notice::ClockJumped { instance, to } => {
                    say(&format!(
                        "{instance}: the clock of the log jumped ahead to {to}"
                    ));
                }
                Notice::ClockSetBack { instance, to } => {
                    say(&format!(
                        "{instance}: the clock of the log was set back to {to}"
                    ));
                }
                Notice::TooManyNames { instance, watched } => say(&format!(
                    "warning: {instance}: only the first {watched} certificates are watched; `notafter status` counts the lines about others"
                )),
                Notice::Unreadable(error) => say(&format!("warning: {error}; it is learned anew")),
            }
        }
        self.ledger.commit_if_due(&mut self.intake.engine)
    }

    /// Time has passed: deadlines, commits, and a sign of life.
    fn turn(&mut self) -> Result<(), Failed> {
        for source in self.live.clone() {
            let until: LogTime = now().trailing(self.lag_of(&source));
            if self.due(&source).is_some_and(|due| due <= until) {
                let mut rows = Vec::new();
                self.intake.engine.tick(&source, until, &mut rows);
                self.ledger.note_rows(&mut rows);
                self.ledger.touch();
                self.settle(&source)?;
            }
        }
        self.ledger.commit_if_due(&mut self.intake.engine)?;
        service::alive();
        self.desk.beat();
        Ok(())
    }

    /// Answers what came through the control socket, once what it changed is written.
    fn answer(&mut self, asked: Asked) -> Result<(), Failed> {
        let engine = &mut self.intake.engine;
        let instances: Vec<String> = self.running.names().map(ToString::to_string).collect();
        let reply = hush(engine, &instances, &asked.request, now());
        for source in self.live.clone() {
            self.settle(&source)?;
        }
        self.ledger.flush(&mut self.intake.engine)?;
        let source = |name: &Arc<str>| {
            let count = self.counts.get(name).copied().unwrap_or_default();
            WatchedSource {
                name: name.to_string(),
                log_time: self.intake.engine.log_time(name),
                caught_up: self.live.contains(name),
                lines: count.lines,
                understood: count.understood,
                unreadable: count.unreadable,
            }
        };
        asked.reply(reply.unwrap_or_else(|| Reply::Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sources: self.running.names().map(source).collect(),
        }));
        Ok(())
    }

    /// How things stand, for whoever asks over HTTP.
    fn snapshot(&self) -> Snapshot {
        let row = |name: &Arc<str>| {
            let count = self.counts.get(name).copied().unwrap_or_default();
            InstanceRow {
                name: name.to_string(),
                lines: count.lines,
                understood: count.understood,
                unreadable: count.unreadable,
                log_time: self.intake.engine.log_time(name),
            }
        };
        let instances = self.running.names().map(row).collect();
        Snapshot::new(&self.intake.engine, instances, self.ledger.owed_counts())
    }

    /// Reads the configuration again. It is checked first; what did not change is not touched, and
    /// on any mistake the old one stays.
    async fn reload(&mut self, arguments: &WatchArguments) -> Result<(), Failed> {
        service::reloading();
        let plan = plan(arguments);
        self.refused = plan.is_err();
        match plan {
            Ok(plan) => {
                self.adopt(plan).await?;
                say("the configuration was read again");
            }
            Err(failed) => {
                say(&failed.message);
                say("the old configuration stays in force");
            }
        }
        service::ready(&self.status());
        Ok(())
    }

    async fn adopt(&mut self, plan: Plan) -> Result<(), Failed> {
        self.lag = plan.lag;
        self.intake.tell(plan.layouts);
        self.desk.listen(plan.listen);
        let mut rows = Vec::new();
        self.intake.engine.set_policy(plan.policy);
        self.intake.engine.set_rules(plan.rules, &mut rows);
        self.ledger.note_rows(&mut rows);
        if self.ledger.channels != plan.channels {
            self.ledger.replace_channels(plan.channels).await?;
        }
        for name in self.running.stop_others(&plan.sources) {
            say(&format!("{name}: no longer watched"));
            self.live.remove(&name);
            self.counts.remove(&name);
        }
        for source in plan.sources {
            if !self.running.has(source.name()) {
                say(&format!("{}: watching {}", source.name(), source.shown()));
                let reached = self.ledger.reached(source.name());
                self.running.start(source, reached);
            }
        }
        for source in self.live.clone() {
            self.settle(&source)?;
        }
        Ok(())
    }
}
