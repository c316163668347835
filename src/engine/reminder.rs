//! Reminders: what is critical and stays open is told again.

use crate::engine::alert::{AlertRow, Change, OpenAlert};
use crate::engine::certificate::Certificate;
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
        if incident.repeat_at.is_none_or(|due| due > at) {
            return;
        }
        let members = incident.members.iter();
        let critical: Vec<(About<'_>, &str, &OpenAlert)> = members
            .filter_map(|one| about(&self.instance, &self.certificates, one))
            .filter_map(|about| lead(&teller, about).map(|(rule, alert)| (about, rule, alert)))
            .collect();
        let mut soonest = None;
        for (about, rule, alert) in &critical {
            let certificate = about.certificate();
            if certificate.is_some_and(|one| is_recovering(&self.instance, one, at)) {
                continue;
            }
            soonest = soonest.into_iter().chain(expiry(*about, at)).min();
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
            incident.repeat_due |= critical_alerts(*about)
                .any(|(rule, _)| !silences.cover((instance, Some(at)), *about, rule));
        }
        incident.repeat_at = if critical.is_empty() {
            incident.critical_since = None;
            None
        } else {
            incident.next_repeat(policy, at, soonest)
        };
    }

    /// Something about an incident became critical at a moment: the next reminder counts from there.
    /// `not_after` is of its certificate, which is being judged.
    pub(super) fn put_off_reminder(&mut self, id: &str, at: LogTime, not_after: Option<LogTime>) {
        let not_after = not_after.filter(|end| *end > at);
        let Some((_, soonest)) = self.critical(id, at) else {
            return;
        };
        let soonest = soonest.into_iter().chain(not_after).min();
        let policy = self.incidents.policy;
        if let Some(incident) = self.incidents.get_mut(id) {
            incident.repeat_at = incident.next_repeat(policy, at, soonest);
            let id = incident.id.clone();
            self.incidents.reschedule(&id);
        }
    }

    /// Tells in another way from now on. Of what is critical no reminder comes later for it than it was to
    /// come.
    pub(super) fn set_policy(&mut self, policy: Policy) {
        let repeat = std::mem::replace(&mut self.incidents.policy, policy).repeat;
        let (Some(now), true) = (self.instance.log_time, repeat != policy.repeat) else {
            return;
        };
        for id in self.incidents.ids() {
            let Some((true, soonest)) = self.critical(&id, now) else {
                continue;
            };
            if let Some(incident) = self.incidents.get_mut(&id) {
                let next = incident.next_repeat(policy, now, soonest);
                let known = incident.repeat_at.filter(|_| next.is_some());
                incident.repeat_at = next.into_iter().chain(known).min();
                self.incidents.reschedule(&id);
            }
        }
    }

    /// Whether something about an incident is critical, and the first expiry of that to come.
    fn critical(&self, id: &str, at: LogTime) -> Option<(bool, Option<LogTime>)> {
        let members = self.incidents.get(id)?.members.iter();
        let abouts = members.filter_map(|one| about(&self.instance, &self.certificates, one));
        let mut abouts = abouts
            .filter(|one| critical_alerts(*one).next().is_some())
            .peekable();
        let is_any = abouts.peek().is_some();
        Some((is_any, abouts.filter_map(|one| expiry(one, at)).min()))
    }
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
fn is_recovering(instance: &Instance, certificate: &Certificate, at: LogTime) -> bool {
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
