//! Reminders: what is critical and stays open is told again.

use crate::engine::alert::{AlertRow, Change, OpenAlert};
use crate::engine::incident::by_telling;
use crate::engine::instance::Instance;
use crate::engine::message::Reason;
use crate::engine::policy::Policy;
use crate::engine::settle::about;
use crate::engine::state::Watched;
use crate::engine::subject::About;
use crate::engine::teller::Teller;
use crate::rules::{RuleSet, Severity};
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// When what is critical about an incident is told again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Reminder {
    /// Since when something about it is critical.
    pub critical_since: Option<LogTime>,
    /// The first expiry of what is critical, as far as it was to come when reminders were counted anew.
    pub first_expiry: Option<LogTime>,
    /// When the next one falls due, and by when, whatever else becomes critical meanwhile.
    pub repeat_at: Option<LogTime>,
    pub repeat_by: Option<LogTime>,
    /// Whether one has fallen due and is not told yet.
    pub repeat_due: bool,
    /// When a message was told as critical last.
    pub critical_told_at: Option<LogTime>,
}

impl Reminder {
    /// Nothing is critical any more; one that has fallen due is to be told.
    fn end(&mut self) {
        *self = Self {
            repeat_due: self.repeat_due,
            critical_told_at: self.critical_told_at,
            ..Self::default()
        };
    }

    /// Counts from a moment on, with the first expiry to come.
    fn count_from(&mut self, policy: Policy, at: LogTime, first_expiry: Option<LogTime>) {
        self.first_expiry = first_expiry;
        (self.repeat_at, self.repeat_by) = self.next(policy, at, first_expiry);
    }

    /// Something became critical at a moment: people hear of that, and of the rest later.
    fn put_off(&mut self, policy: Policy, at: LogTime, not_after: Option<LogTime>) {
        self.first_expiry = self.first_expiry.into_iter().chain(not_after).min();
        let (next, _) = self.next(policy, at, self.first_expiry);
        self.repeat_at = next.into_iter().chain(self.repeat_by).min();
    }

    /// Whether what else is critical has to be looked at to find out when the next one falls due: there is
    /// none to come, or what was to expire first has.
    fn is_to_be_counted(&self, at: LogTime) -> bool {
        self.repeat_at.is_none() || self.first_expiry.is_some_and(|end| end <= at)
    }

    /// Follows another policy, or a clock that was set back: no reminder waits for longer than the full time
    /// from now on, and what does not stays as it is.
    fn retime(&mut self, policy: Policy, now: LogTime, first_expiry: Option<LogTime>) {
        let (latest, by) = self.next(policy, now, None);
        if latest.is_none() || self.repeat_at.is_none() || self.repeat_at > latest {
            self.count_from(policy, now, first_expiry);
        } else if self.repeat_by > by {
            self.repeat_by = by;
        }
    }

    /// When the next one falls due, and by when at the latest, seen from a moment; a line may come from before
    /// the opening.
    fn next(
        &self,
        policy: Policy,
        at: LogTime,
        first_expiry: Option<LogTime>,
    ) -> (Option<LogTime>, Option<LogTime>) {
        let since = self.critical_since.unwrap_or(at);
        let at = at.max(since);
        let left = first_expiry.map(|end| end - at);
        let wait = policy.repeat_after(at - since, left);
        (wait.map(|wait| at + wait), wait.map(|wait| at + wait * 2))
    }
}

impl Watched {
    /// Repeats an incident's critical alerts if its reminder falls due at this moment: of each name
    /// the one that says most. A name that recovers needs no person any more.
    pub(super) fn remind(
        &mut self,
        (rules, instance): (&RuleSet, &str),
        id: &str,
        at: LogTime,
        out: &mut Vec<AlertRow>,
    ) {
        let teller = Teller {
            rules,
            name: instance,
            instance: &self.instance,
            certificates: &self.certificates,
            at: Some(at),
        };
        let policy = self.incidents.policy;
        let silences = self.incidents.silences.clone();
        let Some(incident) = self.incidents.get_mut(id) else {
            return;
        };
        if incident.reminder.repeat_at.is_none_or(|due| due > at) {
            return;
        }
        let members = incident.members.iter();
        let critical: Vec<(About<'_>, &str, &OpenAlert)> = members
            .filter_map(|one| about(&self.instance, &self.certificates, one))
            .filter_map(|about| lead(&teller, about).map(|(rule, alert)| (about, rule, alert)))
            .collect();
        let mut soonest = None;
        for (about, rule, alert) in &critical {
            soonest = soonest.into_iter().chain(expiry(*about, at)).min();
            if is_recovering(&self.instance, *about, Some(at)) {
                continue;
            }
            let change = Change {
                instance,
                incident: id,
                rule,
                reason: Reason::Repeated,
                closed_by: None,
                at: Some(at),
            };
            out.push(teller.row(&change, alert, *about));
            incident.changed_at = Some(at);
            incident.reminder.repeat_due |= critical_alerts(*about)
                .any(|(rule, _)| !silences.cover((instance, Some(at)), *about, rule));
        }
        if critical.is_empty() {
            incident.reminder.end();
        } else {
            incident.reminder.count_from(policy, at, soonest);
        }
    }

    /// Something about an incident became critical at a moment: the next reminder counts from there.
    /// `not_after` is of its certificate, which is being judged.
    pub(super) fn put_off_reminder(&mut self, id: &str, at: LogTime, not_after: Option<LogTime>) {
        let policy = self.incidents.policy;
        if policy.repeat.is_none() {
            return;
        }
        let not_after = not_after.filter(|end| *end > at);
        let known = self.incidents.get(id).map(|one| &one.reminder);
        let others = known.filter(|known| known.is_to_be_counted(at));
        let others = others.map(|_| first_expiry(self.critical(id), at));
        let Some(incident) = self.incidents.get_mut(id) else {
            return;
        };
        if let Some(others) = others {
            let first_expiry = others.into_iter().chain(not_after).min();
            incident.reminder.count_from(policy, at, first_expiry);
        } else {
            incident.reminder.put_off(policy, at, not_after);
        }
        let id = incident.id.clone();
        self.incidents.reschedule(&id);
    }

    /// Tells in another way from now on.
    pub(super) fn set_policy(&mut self, policy: Policy) {
        self.incidents.policy = policy;
        self.retime_reminders();
    }

    /// Counts reminders anew that would come later than they are to.
    pub(super) fn retime_reminders(&mut self) {
        let Some(now) = self.instance.log_time else {
            return;
        };
        let policy = self.incidents.policy;
        for id in self.incidents.ids() {
            let mut critical = self.critical(&id).peekable();
            let is_any = critical.peek().is_some();
            let first_expiry = first_expiry(critical, now);
            let Some(incident) = self.incidents.get_mut(&id) else {
                continue;
            };
            let before = incident.reminder.clone();
            if is_any {
                incident.reminder.retime(policy, now, first_expiry);
            } else {
                incident.reminder.end();
            }
            if incident.reminder != before {
                self.incidents.reschedule(&id);
            }
        }
    }

    /// What is critical about an incident.
    fn critical<'a>(&'a self, id: &str) -> impl Iterator<Item = About<'a>> {
        let members = self.incidents.get(id).map(|one| &one.members);
        let abouts = members.into_iter().flatten();
        let abouts = abouts.filter_map(|one| about(&self.instance, &self.certificates, one));
        abouts.filter(|one| critical_alerts(*one).next().is_some())
    }
}

fn first_expiry<'a>(abouts: impl Iterator<Item = About<'a>>, at: LogTime) -> Option<LogTime> {
    abouts.filter_map(|one| expiry(one, at)).min()
}

/// When it expires, if it has not: what has comes no nearer.
fn expiry(about: About<'_>, at: LogTime) -> Option<LogTime> {
    about.not_after().filter(|end| *end > at)
}

fn critical_alerts(about: About<'_>) -> impl Iterator<Item = (&str, &OpenAlert)> {
    let alerts = about.alerts().iter();
    alerts
        .filter(|(_, alert)| alert.severity == Severity::Critical)
        .map(|(rule, alert)| (&**rule, &**alert))
}

/// The critical alert that says most, first of those that still hold.
fn lead<'a>(teller: &'a Teller<'_>, about: About<'a>) -> Option<(&'a str, &'a OpenAlert)> {
    let holds = teller.holds(about);
    critical_alerts(about).min_by(|(one, _), (two, _)| by_telling(&holds, one, two))
}

/// How long a success keeps reminders back though nothing tells a later expiry: by then the renewal
/// information has been asked for again, which tells it (certmagic v0.25 maintain.go).
const PROOF: TimeDelta = TimeDelta::minutes(6 * 60 + 30);

/// Whether a success was logged not long ago, and nothing after it tells the opposite; or Caddy was started anew
/// after all that is critical had opened, two ticks have passed where they would have been seen, and none of them
/// found the name due, though any would have if it had not been renewed.
pub(super) fn is_recovering(instance: &Instance, about: About<'_>, at: Option<LogTime>) -> bool {
    let (Some(certificate), Some(at)) = (about.certificate(), at) else {
        return false;
    };
    if certificate.is_of_wrong_issuer() {
        return false;
    }
    let heard = certificate.last_due.max(certificate.last_failure);
    let critical = certificate.alerts.values();
    let critical = critical.filter(|alert| alert.severity == Severity::Critical);
    let opened = critical.filter_map(|alert| alert.opened_at).max();
    let silent = |started: LogTime| {
        heard.max(opened).is_none_or(|last| last < started)
            && at - started >= instance.interval() * 2
    };
    let is_silent = instance.informed
        && certificate.open_job.is_none()
        && instance.started.is_some_and(silent)
        && certificate.is_to_be_renewed(at);
    let succeeded = certificate.succeeded.filter(|_| certificate.recovering);
    let is_new = |success: LogTime| {
        at - success <= PROOF && heard.max(opened).is_none_or(|last| last <= success)
    };
    succeeded.is_some_and(is_new) || is_silent
}
