//! The one public door: entries and ticks in, alert rows, messages and changed state out.

use crate::caddy::entry::{Entry, Level};
use crate::caddy::event::{Event, is_unknown, names_of};
use crate::engine::alert::{AlertRow, Alerts};
use crate::engine::certificate::Certificate;
use crate::engine::certificates::Certificates;
use crate::engine::evidence::Quote;
use crate::engine::instance::Moved;
use crate::engine::message::Message;
use crate::engine::policy::Policy;
use crate::engine::silence::Silences;
use crate::engine::state::{RowChange, StateError, Watched, restore};
use crate::engine::step::{Step, UNTIMED, learn};
use crate::engine::unknown::Unknowns;
use crate::rules::{LineFields, RuleSet};
use crate::time::LogTime;
use chrono::TimeDelta;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A line this late is the disorder of Caddy's goroutines; later ones mean that a clock was set.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(1);

/// What an entry was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// About certificates.
    Certificate,
    /// About certificates, but without a time, and no line before had one: it is not judged.
    Untimed,
    /// About certificates, but of no message that we know.
    Unknown,
    /// About something else.
    Other,
}

/// Something odd about a source that a person should know.
#[derive(Debug)]
pub enum Notice {
    /// A stored row that could not be understood; what it said has to be learned anew.
    Unreadable(StateError),
    /// It speaks of more names than are watched.
    TooManyNames {
        /// The watched Caddy.
        instance: String,
        /// So many are watched.
        watched: usize,
    },
    /// The log clock jumped by more than seven days, and a second line confirmed it.
    ClockJumped {
        /// The watched Caddy.
        instance: String,
        /// Where it jumped to.
        to: LogTime,
    },
    /// The log clock was set back, and a second line confirmed it; of one Caddy that is said once.
    ClockSetBack {
        /// The watched Caddy.
        instance: String,
        /// Where to.
        to: LogTime,
    },
}

/// Certificate states, rules and alerts of every watched Caddy.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    policy: Policy,
    pub(super) watched: BTreeMap<String, Watched>,
    pub(super) silences: Silences,
    /// Silences that were made or ended since the rows were taken.
    pub(super) silences_changed: BTreeSet<String>,
    notices: Vec<Notice>,
}

impl Engine {
    /// More names of one Caddy are not watched.
    pub const NAMES_MAX: usize = Certificates::MAX;

    /// An engine that knows nothing yet.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        Self {
            rules,
            policy: Policy::default(),
            watched: BTreeMap::new(),
            silences: Silences::default(),
            silences_changed: BTreeSet::new(),
            notices: Vec::new(),
        }
    }

    /// Puts stored rows (kind, key, JSON) back. Rows that cannot be understood are left out, and said
    /// by [`Engine::take_notices`].
    pub fn restore<'a>(
        rules: Arc<RuleSet>,
        rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Self {
        let (watched, silences, unreadable) = restore(rows);
        let notices = unreadable.into_iter().map(Notice::Unreadable).collect();
        Self {
            rules,
            policy: Policy::default(),
            watched,
            silences,
            silences_changed: BTreeSet::new(),
            notices,
        }
    }

    /// Takes in one entry of an instance's log. `quote` makes the evidence, when it is needed.
    pub fn entry(
        &mut self,
        instance: &str,
        entry: &Entry,
        quote: impl Fn() -> Quote,
        out: &mut Vec<AlertRow>,
    ) -> Seen {
        let event = Event::of(entry);
        let seen = match (entry.at, &event) {
            (_, None) if is_unknown(entry) => Seen::Unknown,
            (_, None) => Seen::Other,
            (None, Some(_)) => Seen::Untimed,
            (Some(_), Some(_)) => Seen::Certificate,
        };
        let moved = self.arrive(instance, entry.at, out);
        let Some(watched) = self.watched.get_mut(instance) else {
            return seen;
        };
        if moved == Moved::Held {
            watched.held = Some((entry.clone(), quote()));
        } else if let Some(at) = entry.at.or(watched.instance.log_time) {
            self.judge(instance, (entry, event.as_ref(), at), &quote, out);
            return if seen == Seen::Untimed {
                Seen::Certificate
            } else {
                seen
            };
        }
        seen
    }

    /// Judges an entry at a moment of the log; what fell due before fires first.
    fn judge(
        &mut self,
        instance: &str,
        (entry, event, at): (&Entry, Option<&Event>, LogTime),
        quote: &impl Fn() -> Quote,
        out: &mut Vec<AlertRow>,
    ) {
        let Some(watched) = self.watched.get_mut(instance) else {
            return;
        };
        let mut step = Step {
            rules: &self.rules,
            instance,
            at,
            out,
        };
        let had_room = watched.instance.left_out == 0;
        if let Some(event) = event {
            if learn(watched, event, entry.level, at) {
                step.judge_all(watched);
            }
            step.event(watched, event, quote);
            if had_room && watched.instance.left_out > 0 {
                self.notices.push(Notice::TooManyNames {
                    instance: instance.to_owned(),
                    watched: Certificates::MAX,
                });
            }
        } else if is_unknown(entry) {
            let is_error = entry.level == Level::Error;
            watched.instance.unknown.note(&entry.msg, is_error);
            watched.instance_changed = true;
        }
        for (rule, captures) in self.rules.rules_matching(entry) {
            let names = event.map(|event| Step::names(watched, event));
            let names = names.unwrap_or_else(|| names_of(entry));
            step.matched(watched, (rule, &captures), &names, quote);
        }
        // A line a little late may bring a moment that the clock has just passed.
        let reached = watched.instance.read_to();
        let reached = reached.filter(|reached| *reached - at <= LATE);
        if let Some(reached) = reached {
            step.fire_before(watched, reached);
        }
    }

    /// Moves an instance's log clock to the stamp of a line that was rejected by its head.
    pub fn advance(&mut self, instance: &str, stamp: LogTime, out: &mut Vec<AlertRow>) {
        self.arrive(instance, Some(stamp), out);
    }

    /// Moves an instance's log clock because our own clock says so: deadlines that fell due fire,
    /// each at its own moment. Never moves it back. Wherever the log can be read, it is read to its end.
    pub fn tick(&mut self, instance: &str, now: LogTime, out: &mut Vec<AlertRow>) {
        self.release(instance, None, out);
        if let Some(watched) = self.watched.get_mut(instance) {
            let mut step = Step {
                rules: &self.rules,
                instance,
                at: now,
                out,
            };
            step.catch_up(watched);
            step.fire(watched, now);
            // Before the first line there is no log time: what it says may be older than now.
            if let Some(log_time) = &mut watched.instance.log_time {
                *log_time = (*log_time).max(now);
            }
            watched.instance_changed = true;
        }
    }

    /// A source's log cannot be read, since a moment by our own clock and for a reason; or, with
    /// `None`, it can be read again. From there on until the first tick after it can, deadlines that its
    /// lines may move wait for them.
    pub fn reach(
        &mut self,
        instance: &str,
        at: LogTime,
        lost: Option<&str>,
        out: &mut Vec<AlertRow>,
    ) {
        self.begin(instance);
        let Some(watched) = self.watched.get_mut(instance) else {
            return;
        };
        let since = watched.instance.lost.take().map(|(since, _)| since);
        watched.instance.lost = lost.map(|why| (since.unwrap_or(at), why.to_owned()));
        if lost.is_some() {
            watched.instance.behind = watched.instance.read_to();
        }
        Step {
            rules: &self.rules,
            instance,
            at,
            out,
        }
        .look_at_source(watched, (at, None));
    }

    /// Ends an instance's log: a line that waited for a second one to confirm its time is judged.
    pub fn finish(&mut self, instance: &str, out: &mut Vec<AlertRow>) {
        self.release(instance, None, out);
    }

    /// What people have to be told about an instance, now that its log is read to the end.
    pub fn settle(&mut self, instance: &str) -> Vec<Message> {
        self.drop_silences();
        let watched = self.watched.get_mut(instance);
        watched.map_or_else(Vec::new, |watched| watched.settle(&self.rules, instance))
    }

    /// The rows of state that changed since the last call.
    pub fn take_rows(&mut self) -> Vec<RowChange> {
        let mut rows = Vec::new();
        for (instance, watched) in &mut self.watched {
            watched.take_rows(instance, &mut rows);
        }
        self.take_silences(&mut rows);
        rows
    }

    /// Puts other rules in force and judges every certificate by them. Alerts of rules that are gone
    /// or switched off close.
    pub fn set_rules(&mut self, rules: Arc<RuleSet>, out: &mut Vec<AlertRow>) {
        self.rules = rules;
        for (instance, watched) in &mut self.watched {
            let at = watched.instance.log_time.unwrap_or(UNTIMED);
            Step {
                rules: &self.rules,
                instance,
                at,
                out,
            }
            .judge_all(watched);
        }
    }

    /// The ids of the rules in force.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.all().iter().map(|rule| rule.id.as_str())
    }

    /// Tells alerts in another way from now on. Open incidents keep their names, and follow how soon they
    /// are told again.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        for watched in self.watched.values_mut() {
            watched.set_policy(policy);
        }
    }

    /// What was odd since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Every certificate: its instance, that instance's log time, and its state.
    pub fn certificates(&self) -> impl Iterator<Item = (&str, Option<LogTime>, &Certificate)> {
        self.watched.iter().flat_map(|(instance, watched)| {
            let certificates = watched.certificates.iter();
            certificates.map(|one| (instance.as_str(), watched.instance.log_time, one))
        })
    }

    /// Instances that speak of more names than are watched, and in how many lines since their start.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, u64)> {
        let all = self.watched.iter();
        all.map(|(instance, watched)| (instance.as_str(), watched.instance.left_out))
            .filter(|(_, lines)| *lines > 0)
    }

    /// The open alerts about each instance itself, by rule; only those that have some.
    pub fn source_alerts(&self) -> impl Iterator<Item = (&str, &Alerts)> {
        let all = self.watched.iter();
        all.map(|(instance, watched)| (instance.as_str(), &watched.instance.alerts))
            .filter(|(_, alerts)| !alerts.is_empty())
    }

    /// What each instance said about certificates that nobody understood; only those that did.
    pub fn unknowns(&self) -> impl Iterator<Item = (&str, &Unknowns)> {
        let all = self.watched.iter();
        all.map(|(instance, watched)| (instance.as_str(), &watched.instance.unknown))
            .filter(|(_, unknown)| unknown.lines > 0)
    }

    /// How far an instance's log has come; `None` before its first stamp.
    pub fn log_time(&self, instance: &str) -> Option<LogTime> {
        self.watched.get(instance)?.instance.log_time
    }

    fn begin(&mut self, instance: &str) {
        if !self.watched.contains_key(instance) {
            let mut watched = Watched::default();
            watched.incidents.policy = self.policy;
            watched.incidents.silences = self.silences.clone();
            self.watched.insert(instance.to_owned(), watched);
        }
    }

    /// Moves the log clock to a stamp and fires what fell due before.
    fn arrive(&mut self, instance: &str, stamp: Option<LogTime>, out: &mut Vec<AlertRow>) -> Moved {
        self.begin(instance);
        let (Some(watched), Some(stamp)) = (self.watched.get_mut(instance), stamp) else {
            return Moved::Fine;
        };
        let waiting = watched.instance.set_back;
        let moved = watched.instance.reach(stamp);
        watched.instance_changed |= watched.instance.set_back != waiting;
        if moved == Moved::SetBack && watched.set_back(stamp) {
            let instance = instance.to_owned();
            let to = stamp;
            self.notices.push(Notice::ClockSetBack { instance, to });
        }
        self.release(instance, (moved == Moved::Jumped).then_some(stamp), out);
        if moved != Moved::Held {
            self.move_to(instance, stamp, out);
        }
        if moved == Moved::Jumped {
            let instance = instance.to_owned();
            self.notices.push(Notice::ClockJumped {
                instance,
                to: stamp,
            });
        }
        moved
    }

    fn move_to(&mut self, instance: &str, stamp: LogTime, out: &mut Vec<AlertRow>) {
        if let Some(watched) = self.watched.get_mut(instance) {
            let mut step = Step {
                rules: &self.rules,
                instance,
                at: stamp,
                out,
            };
            step.fire_before(watched, stamp);
            let log_time = &mut watched.instance.log_time;
            watched.instance_changed |= *log_time < Some(stamp);
            *log_time = (*log_time).max(Some(stamp));
        }
    }

    /// Judges a line that was held because its stamp lay far ahead: at its own stamp when another
    /// line has `confirmed` the jump, else where the log stood.
    fn release(&mut self, instance: &str, confirmed: Option<LogTime>, out: &mut Vec<AlertRow>) {
        let Some(watched) = self.watched.get_mut(instance) else {
            return;
        };
        let Some((entry, quote)) = watched.held.take() else {
            return;
        };
        let read_to = watched.instance.read_to();
        let own = entry
            .at
            .filter(|at| confirmed.is_some_and(|stamp| *at <= stamp));
        if let Some(own) = own {
            self.move_to(instance, own, out);
        }
        if let Some(at) = own.or(read_to) {
            let event = Event::of(&entry);
            let judged = (&entry, event.as_ref(), at);
            self.judge(instance, judged, &|| quote.clone(), out);
        }
    }
}

impl LineFields for Entry {
    fn msg(&self) -> Option<&str> {
        Some(&self.msg)
    }

    fn logger(&self) -> Option<&str> {
        Some(&self.logger)
            .filter(|logger| !logger.is_empty())
            .map(String::as_str)
    }

    fn level(&self) -> Option<&str> {
        Some(self.level.word()).filter(|word| !word.is_empty())
    }

    fn is_known(&self) -> bool {
        !is_unknown(self)
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match Self::field(self, name)? {
            serde_json::Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }
}
