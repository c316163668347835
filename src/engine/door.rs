//! The one public door: entries and ticks in, alert rows, messages and changed state out.

use crate::caddy::entry::Entry;
use crate::caddy::event::{Event, names_of};
use crate::engine::alert::{AlertRow, Change};
use crate::engine::certificate::Certificate;
use crate::engine::evidence::Quote;
use crate::engine::instance::Moved;
use crate::engine::message::{Message, Reason};
use crate::engine::state::{RowChange, StateError, Watched, restore};
use crate::engine::step::{Step, UNTIMED, learn};
use crate::rules::{LineFields, RuleSet};
use crate::time::LogTime;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an entry was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// About certificates.
    Certificate,
    /// About something else.
    Other,
}

/// Something odd about a source that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The log clock jumped by more than seven days, and a second line confirmed it.
    ClockJumped {
        /// The watched Caddy.
        instance: String,
        /// Where it jumped to.
        to: LogTime,
    },
}

/// Certificate states, rules and alerts of every watched Caddy.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    watched: BTreeMap<String, Watched>,
    notices: Vec<Notice>,
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        Self {
            rules,
            watched: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// Puts stored rows (kind, key, JSON) back.
    pub fn restore<'a>(
        rules: Arc<RuleSet>,
        rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Result<Self, StateError> {
        Ok(Self {
            rules,
            watched: restore(rows)?,
            notices: Vec::new(),
        })
    }

    /// Takes in one entry of an instance's log. `quote` makes the evidence, when it is needed.
    pub fn entry(
        &mut self,
        instance: &str,
        entry: &Entry,
        quote: impl Fn() -> Quote,
        out: &mut Vec<AlertRow>,
    ) -> Seen {
        let at = self.move_to(instance, entry.at, out);
        let Some(watched) = self.watched.get_mut(instance) else {
            return Seen::Other;
        };
        let mut step = Step {
            rules: &self.rules,
            instance,
            at,
            out,
        };
        let event = Event::of(entry);
        if let Some(event) = &event {
            learn(watched, event, entry.level, at);
            step.event(watched, event, &quote);
        }
        for rule in self.rules.rules_matching() {
            if let Some(captures) = rule
                .matcher
                .as_ref()
                .and_then(|matcher| matcher.matches(entry))
            {
                step.matched(watched, (rule, &captures), &names_of(entry), &quote);
            }
        }
        if event.is_some() {
            Seen::Certificate
        } else {
            Seen::Other
        }
    }

    /// Moves an instance's log clock to the stamp of a line that was rejected by its head.
    pub fn advance(&mut self, instance: &str, stamp: LogTime, out: &mut Vec<AlertRow>) {
        self.move_to(instance, Some(stamp), out);
    }

    /// Moves an instance's log clock because our own clock says so: deadlines that fell due fire,
    /// each at its own moment. Never moves it back.
    pub fn tick(&mut self, instance: &str, now: LogTime, out: &mut Vec<AlertRow>) {
        if let Some(watched) = self.watched.get_mut(instance)
            && watched
                .instance
                .log_time
                .is_some_and(|log_time| log_time < now)
        {
            Step {
                rules: &self.rules,
                instance,
                at: now,
                out,
            }
            .fire(watched, now);
            watched.instance.log_time = Some(now);
            watched.instance_changed = true;
        }
    }

    /// The next moment at which something falls due by time alone.
    pub fn deadline(&self, instance: &str) -> Option<LogTime> {
        self.watched.get(instance)?.wakes.first().map(|(at, _)| *at)
    }

    /// What people have to be told about an instance, now that its log is read to the end.
    pub fn settle(&mut self, instance: &str) -> Vec<Message> {
        let Some(watched) = self.watched.get_mut(instance) else {
            return Vec::new();
        };
        let mut messages = Vec::new();
        for name in std::mem::take(&mut watched.untold) {
            let Some(incident) = watched.incidents.get_mut(&name) else {
                continue;
            };
            let rows = watched
                .certificates
                .get(&name)
                .map(|certificate| open_rows(instance, &incident.id, certificate))
                .unwrap_or_default();
            messages.extend(incident.tell(&rows));
            if incident.is_over() {
                watched.incidents.remove(&name);
            }
            watched.changed.insert(name);
        }
        messages
    }

    /// The rows of state that changed since the last call.
    pub fn take_rows(&mut self) -> Vec<RowChange> {
        let mut rows = Vec::new();
        for (instance, watched) in &mut self.watched {
            watched.take_rows(instance, &mut rows);
        }
        rows
    }

    /// Puts other rules in force and judges every certificate by them. Alerts of rules that are
    /// gone stay open until the certificate recovers.
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

    /// What was odd since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Every certificate: its instance, that instance's log time, and its state.
    pub fn certificates(&self) -> impl Iterator<Item = (&str, Option<LogTime>, &Certificate)> {
        self.watched.iter().flat_map(|(instance, watched)| {
            let certificates = watched.certificates.values();
            certificates.map(|one| (instance.as_str(), watched.instance.log_time, one))
        })
    }

    /// How far an instance's log has come; `None` before its first stamp.
    pub fn log_time(&self, instance: &str) -> Option<LogTime> {
        self.watched.get(instance)?.instance.log_time
    }

    /// Moves the log clock to a stamp and fires what fell due before. Returns the moment at which
    /// the line is judged: its own stamp, so that a tick never sets it.
    fn move_to(
        &mut self,
        instance: &str,
        stamp: Option<LogTime>,
        out: &mut Vec<AlertRow>,
    ) -> LogTime {
        if !self.watched.contains_key(instance) {
            self.watched.insert(instance.to_owned(), Watched::default());
        }
        let Some(watched) = self.watched.get_mut(instance) else {
            return UNTIMED;
        };
        let Some(stamp) = stamp else {
            return watched.instance.log_time.unwrap_or(UNTIMED);
        };
        let (reached, moved) = watched.instance.reach(stamp);
        Step {
            rules: &self.rules,
            instance,
            at: reached,
            out,
        }
        .fire(watched, reached);
        watched.instance_changed |= watched.instance.log_time != Some(reached);
        watched.instance.log_time = Some(reached);
        match moved {
            Moved::Held => reached,
            Moved::Fine => stamp,
            Moved::Jumped => {
                self.notices.push(Notice::ClockJumped {
                    instance: instance.to_owned(),
                    to: stamp,
                });
                stamp
            }
        }
    }
}

/// The open alerts of a certificate as they stand, most telling first.
fn open_rows(instance: &str, incident: &str, certificate: &Certificate) -> Vec<AlertRow> {
    let mut rows: Vec<AlertRow> = certificate
        .alerts
        .iter()
        .map(|(rule, alert)| {
            let change = Change {
                instance,
                incident,
                rule,
                reason: Reason::Opened,
                closed_by: None,
                at: alert.opened_at,
            };
            AlertRow::new(&change, alert, certificate)
        })
        .collect();
    rows.sort_by_key(|row| (Reverse(row.severity), telling(&row.rule)));
    rows
}

/// Of several rules open at one severity, which a person should read first.
fn telling(rule: &str) -> usize {
    const FIRST: [&str; 5] = [
        "expired",
        "retry-after-expiry",
        "gave-up",
        "staging-issued",
        "last-tries",
    ];
    FIRST
        .iter()
        .position(|first| *first == rule)
        .unwrap_or(FIRST.len())
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

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match Self::field(self, name)? {
            serde_json::Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }
}
