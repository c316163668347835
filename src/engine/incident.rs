//! An incident: the open alerts of all names that fail for one cause, and what people were told.

mod closing;
mod due;
mod ended;
mod fault;
mod former;
mod register;
mod relief;
mod standing;
mod story;
mod words;

pub(super) use due::Due;
use ended::Ended;
pub(super) use fault::kindred;
pub(super) use former::Former;
pub(super) use register::Register;
pub(super) use standing::Standing;
pub(super) use standing::by_telling;
pub use standing::telling;
pub(super) use words::View;

use crate::engine::alert::{AlertRow, OpenAlert, stable_id};
use crate::engine::certificate::Certificate;
use crate::engine::host_clock::clamp;
use crate::engine::incident::fault::Fault;
use crate::engine::incident::story::Story;
use crate::engine::link::{Link, REST};
use crate::engine::message::Reason;
use crate::engine::reminder::Reminder;
use crate::engine::subject::{About, Subject};
use crate::rules::Severity;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rules whose critical alerts leave a name no time, the most telling first: each name is told of at
/// once.
const DEADLINES: [&str; 6] = [
    "expired",
    "retry-after-expiry",
    "gave-up",
    "obtain-dead",
    "staging-issued",
    "last-tries",
];

/// Rules that warn of an expiry: once it has been told, what they say is no news.
const WARNINGS_OF_EXPIRY: [&str; 5] = [
    "retry-after-expiry",
    "last-tries",
    "expiring",
    "renewal-failing",
    "renewal-overdue",
];

/// What opens again soon after the end belongs to the same incident, unless the incident is older than
/// this.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// The loudest alert of a name, whether people may be told of a loud one, and whether they were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loud {
    pub severity: Severity,
    pub may_be_told: bool,
    pub is_known: bool,
}

/// An incident, from its first alert until its end was told and is settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Incident {
    /// Stable for its life.
    pub id: Arc<str>,
    /// What its names have in common.
    pub fault: Fault,
    pub opened_at: Option<LogTime>,
    /// Log time of the last change, and of the last one of something loud.
    pub changed_at: Option<LogTime>,
    #[serde(default)]
    pub loud_at: Option<LogTime>,
    /// What people are told that it has to do with.
    #[serde(flatten)]
    pub story: Story,
    /// Rules that had closed by the ends that were told.
    #[serde(default)]
    pub closed_before: BTreeSet<String>,
    /// Names that are well again, the first few, and how many there are.
    pub ended: Vec<Ended>,
    pub ended_count: usize,
    /// How many of them no message has told of yet: well again, and managed no longer.
    #[serde(default)]
    pub well_again: usize,
    #[serde(default)]
    pub unmanaged: usize,
    /// The loudest message since it opened; `None` if nobody has to hear of its end.
    pub told: Option<Severity>,
    pub told_at: Option<LogTime>,
    /// Messages so far; makes the id of the next.
    pub messages: u32,
    /// How many there were when its names began to be counted anew.
    #[serde(default)]
    pub begun: u32,
    /// The last messages about deadlines.
    pub urgent_at: Vec<LogTime>,
    /// Since when there are names to tell of that can wait.
    pub fresh_since: Option<LogTime>,
    /// Since when there are names to tell of that were critical and are well again.
    #[serde(default)]
    pub well_since: Option<LogTime>,
    /// Since when there are names to tell of that are critical no longer, and not well.
    #[serde(default)]
    pub better_since: Option<LogTime>,
    #[serde(flatten)]
    pub reminder: Reminder,
    /// How often something loud opened again after its end, and whether it ended since.
    pub reopened: u32,
    #[serde(default)]
    pub interrupted: bool,
    /// When to look at it by time alone.
    pub wake: Option<LogTime>,
    /// When what waits has to be told.
    pub tell_at: Option<LogTime>,
    /// Names with open alerts; kept with the certificates.
    #[serde(skip)]
    pub members: BTreeSet<Subject>,
    /// How many of them were told of.
    #[serde(skip)]
    pub known: usize,
    /// Names with news that cannot wait, and with news that can, each with its loudest.
    #[serde(skip)]
    pub urgent: BTreeMap<Subject, Severity>,
    #[serde(skip)]
    pub fresh: BTreeMap<Subject, Severity>,
    /// Those of which an alert is silenced.
    #[serde(skip)]
    pub silenced: BTreeSet<Subject>,
    /// Names with loud alerts, and those that were told as loud and fail still.
    #[serde(skip)]
    pub loud: BTreeMap<Subject, Loud>,
    /// Of the source, whose alerts are about matters of their own: rules whose loud alerts closed since the
    /// last message, which told of them.
    #[serde(skip)]
    pub over: BTreeMap<Box<str>, Severity>,
    /// Names whose alerts that are open are quieter than the critical ones that were told last.
    #[serde(skip)]
    pub better: BTreeSet<Subject>,
}

/// Whether an alert leaves its name no time.
fn is_deadline(rule: &str, severity: Severity) -> bool {
    severity == Severity::Critical && DEADLINES.contains(&rule)
}

/// Rules whose critical alerts say that a renewal is in the worst trouble: whoever was told has to hear of
/// nothing less about it.
const WORST: [&str; 9] = [
    "expired",
    "retry-after-expiry",
    "gave-up",
    "obtain-dead",
    "last-tries",
    "expiring",
    "rate-limited",
    "renewal-failing",
    "retry-missed",
];

/// Whether people know that the renewal of a certificate is in the worst trouble.
fn knows_worse(about: About<'_>) -> bool {
    let mut alerts = about.alerts().iter();
    alerts.any(|(rule, alert)| alert.told == Some(Severity::Critical) && WORST.contains(&&**rule))
}

/// Whether nobody was told of an alert, or not that it is so severe.
fn is_news(about: About<'_>, rule: &str, alert: &OpenAlert) -> bool {
    let expired = about.alerts().get("expired");
    let too_late = expired.is_some_and(|expired| expired.told.is_some());
    alert.told < Some(alert.severity) && !(too_late && WARNINGS_OF_EXPIRY.contains(&rule))
}

impl Incident {
    /// An incident that begins with a certificate's first alert.
    pub(super) fn new(instance: &str, fault: Fault, name: &str, at: Option<LogTime>) -> Self {
        let opened = at.map_or_else(String::new, |at| at.micros().to_string());
        Self {
            id: stable_id(&["incident", instance, name, &opened]).into(),
            fault,
            opened_at: at,
            changed_at: at,
            loud_at: None,
            story: Story::default(),
            closed_before: BTreeSet::new(),
            ended: Vec::new(),
            ended_count: 0,
            well_again: 0,
            unmanaged: 0,
            told: None,
            told_at: None,
            messages: 0,
            begun: 0,
            urgent_at: Vec::new(),
            fresh_since: None,
            well_since: None,
            better_since: None,
            reminder: Reminder::default(),
            reopened: 0,
            interrupted: false,
            wake: None,
            tell_at: None,
            members: BTreeSet::new(),
            known: 0,
            urgent: BTreeMap::new(),
            fresh: BTreeMap::new(),
            silenced: BTreeSet::new(),
            loud: BTreeMap::new(),
            over: BTreeMap::new(),
            better: BTreeSet::new(),
        }
    }

    /// The last change of something loud, or of a note where nothing was.
    pub(super) fn last_change(&self) -> Option<LogTime> {
        self.loud_at.or(self.changed_at)
    }

    /// Whether every alert has closed.
    pub(super) fn is_over(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether what opens at this moment may still belong to it.
    pub(super) fn takes(&self, at: Option<LogTime>) -> bool {
        let since = |moment: Option<LogTime>| Some(at? - moment?);
        let within = |moment, span| since(moment).is_some_and(|since| since <= span);
        // As long as nobody has read that it is over, it may not be.
        let rests = self.told.is_some() || within(self.changed_at, REST);
        !self.is_over() || rests && within(self.opened_at, LONGEST)
    }

    /// The first alert of a certificate or source opens.
    pub(super) fn join(
        &mut self,
        subject: &Subject,
        called: &str,
        link: &mut Link,
        at: Option<LogTime>,
    ) {
        self.interrupted |= self.is_over() && self.loud_at.is_some();
        // Of what is over people have read, or were told of nothing.
        let begins_anew = self.is_over() && self.told.is_none();
        if begins_anew {
            self.count_anew();
        }
        let ended = self.take_ended(called);
        // Who left before it began anew has no part in it.
        let is_its_own = link.incident.as_ref() == Some(&self.id);
        if is_its_own && link.messages >= self.begun && !begins_anew {
            // Each message says who is well.
            let was_told_well = link.messages != self.messages;
            if ended.is_some() || link.told.is_some() {
                self.uncount(!was_told_well, false);
            }
            // Who was well for long was not merely interrupted.
            if was_told_well || !link.was_told_lately(at) {
                link.forget_told();
            }
        } else {
            *link = Link {
                incident: Some(self.id.clone()),
                ..Link::EMPTY
            };
            // Caddy manages it again.
            if let Some(ended) = ended {
                self.uncount(ended.untold, ended.is_unmanaged());
            }
        }
        link.again = is_its_own;
        self.members.insert(subject.clone());
        self.known += usize::from(link.told.is_some());
    }

    /// Takes in one change of one alert, of which people are told unless it is silenced, or were.
    pub(super) fn note(&mut self, row: &AlertRow, (silenced, was_told): (bool, bool)) {
        self.changed_at = row.at;
        let closes = row.reason == Reason::Closed;
        if row.severity == Severity::Critical && !closes {
            let since = &mut self.reminder.critical_since;
            *since = since.or(row.at);
        }
        let is_loud = row.severity.is_loud();
        if !was_told && (silenced || !is_loud) {
            return;
        }
        if is_loud {
            self.loud_at = row.at;
            if !closes && std::mem::take(&mut self.interrupted) {
                self.open_again(row.at);
            }
        }
        self.story.add(row);
        if closes {
            self.story.closed.insert(row.rule.clone());
        }
    }

    /// Something loud opens after all of it was over. What comes long after people read so is no
    /// interruption.
    fn open_again(&mut self, at: Option<LogTime>) {
        let since = at.zip(self.told_at).map(|(at, told)| at - told);
        if self.told.is_none() && since.is_some_and(|since| since > REST) {
            self.reopened = 0;
            self.closed_before.clear();
            return;
        }
        self.reopened += 1;
        self.story.interruptions += u32::from(!self.story.closed.is_empty());
    }

    /// Finds out whether a certificate or source has news that nobody was told, and may be.
    pub(super) fn weigh(&mut self, about: About<'_>, silent: impl Fn(&str) -> bool) {
        let (subject, link) = (about.subject(), about.link());
        self.urgent.remove(&subject);
        self.fresh.remove(&subject);
        self.loud.remove(&subject);
        self.better.remove(&subject);
        self.silenced.remove(&subject);
        self.over.clear();
        let told = about.alerts().values().filter_map(|alert| alert.told).max();
        let loudest = about.alerts().values().map(|alert| alert.severity).max();
        // A name that was told of and fails still is not well, however quiet it is.
        let fails = about.certificate().is_some_and(Certificate::is_failing);
        let counts = |one: &Severity| one.is_loud() || fails && link.was_loud();
        let alerts = about.alerts().iter();
        let (hushed, open): (Vec<_>, Vec<_>) = alerts.partition(|(rule, _)| silent(rule));
        if !hushed.is_empty() {
            self.silenced.insert(subject.clone());
        }
        if let Some(loudest) = open.iter().map(|(_, alert)| alert.severity).max() {
            self.weigh_change(about, loudest);
        }
        if let Some(severity) = loudest.filter(counts) {
            let may_be_told = open.iter().any(|(_, alert)| alert.severity.is_loud());
            let loud = Loud {
                severity,
                may_be_told,
                is_known: link.was_loud(),
            };
            self.loud.insert(subject.clone(), loud);
        }
        let knows_worse = knows_worse(about);
        for (rule, alert) in open {
            if !is_news(about, rule, alert) {
                continue;
            }
            let quieter = self.told.is_some_and(|told| alert.severity < told);
            // Who has read of a name that it is a warning has to hear at once that it is critical.
            let worsens = alert.severity == Severity::Critical && told < Some(alert.severity);
            let news = if is_deadline(rule, alert.severity) || worsens && told.is_some() {
                &mut self.urgent
            } else if quieter && (knows_worse || !alert.severity.is_loud()) {
                continue;
            } else {
                &mut self.fresh
            };
            let loudest = news.entry(subject.clone()).or_insert(alert.severity);
            *loudest = alert.severity.max(*loudest);
        }
    }

    /// Finds out whether a certificate or source whose loudest alert this is was told as worse than it is, or
    /// with another cause.
    fn weigh_change(&mut self, about: About<'_>, loudest: Severity) {
        let subject = about.subject();
        if loudest.is_loud() && about.has_another_cause() {
            let failed_at = about.certificate().and_then(|one| one.last_failure);
            self.changed_at = self.changed_at.max(failed_at);
            self.fresh.entry(subject.clone()).or_insert(loudest);
        }
        if subject == Subject::Source {
            let over = about.link().over_since(self.messages);
            let loud = over.filter(|(_, told)| told.is_loud());
            self.over = loud.map(|(rule, told)| (rule.into(), told)).collect();
            return;
        }
        // Of what is well but for a note, that is told.
        let is_told = about.link().told.is_some();
        if is_told && loudest < Severity::Critical && about.link().was_critical(self.messages) {
            self.better.insert(subject);
        }
    }

    /// The clock of the log was set back. Returns whether anything was later than that.
    pub(super) fn set_back(&mut self, to: LogTime) -> bool {
        let past = [
            &mut self.opened_at,
            &mut self.changed_at,
            &mut self.loud_at,
            &mut self.told_at,
            &mut self.fresh_since,
            &mut self.well_since,
            &mut self.better_since,
            &mut self.reminder.critical_since,
            &mut self.reminder.critical_told_at,
            &mut self.story.open_since,
            &mut self.story.failing_since,
        ];
        let past = past.into_iter().filter_map(Option::as_mut);
        clamp(past.chain(&mut self.urgent_at), to)
    }

    /// Whether nothing can come of it any more.
    pub(super) fn is_spent(&self, now: Option<LogTime>) -> bool {
        self.is_over() && self.told.is_none() && !self.takes(now)
    }

    /// The next moment at which it has to be looked at by time alone.
    pub(super) fn next_wake(&self) -> Option<LogTime> {
        if self.is_over() {
            let rested = self.changed_at.map(|at| at + REST + TimeDelta::seconds(1));
            let held = rested.filter(|_| self.told.is_none());
            return held.into_iter().chain(self.tell_at).min();
        }
        self.reminder
            .repeat_at
            .into_iter()
            .chain(self.tell_at)
            .min()
    }
}
