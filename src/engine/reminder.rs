//! Reminders: what is critical and stays open is told again.

use crate::engine::alert::{AlertRow, Change, OpenAlert};
use crate::engine::certificate::Certificate;
use crate::engine::incident::telling;
use crate::engine::instance::Instance;
use crate::engine::message::Reason;
use crate::engine::settle::about;
use crate::engine::state::Watched;
use crate::engine::subject::About;
use crate::engine::teller::Teller;
use crate::rules::{RuleSet, Severity};
use crate::time::LogTime;

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
            .filter_map(|about| lead(about).map(|(rule, alert)| (about, rule, alert)))
            .collect();
        let mut soonest = None;
        for (about, rule, alert) in &critical {
            let certificate = about.certificate();
            if certificate.is_some_and(|one| is_recovering(&self.instance, one, at)) {
                continue;
            }
            soonest = match (soonest, about.not_after()) {
                (Some(known), Some(end)) => Some(end.min(known)),
                (known, end) => known.or(end),
            };
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
        let next = incident.next_repeat(policy, at, soonest);
        incident.repeat_at = next.filter(|_| !critical.is_empty());
    }
}

fn critical_alerts(about: About<'_>) -> impl Iterator<Item = (&str, &OpenAlert)> {
    let alerts = about.alerts().iter();
    alerts
        .filter(|(_, alert)| alert.severity == Severity::Critical)
        .map(|(rule, alert)| (&**rule, &**alert))
}

/// The critical alert that says most.
fn lead(about: About<'_>) -> Option<(&str, &OpenAlert)> {
    critical_alerts(about).min_by_key(|(rule, _)| telling(rule))
}

/// Whether a success was logged; or Caddy was started anew after all that is critical had opened, two ticks
/// have passed where they would have been seen, and none of them found the name due.
fn is_recovering(instance: &Instance, certificate: &Certificate, at: LogTime) -> bool {
    if certificate.recovering {
        return !certificate.is_of_wrong_issuer();
    }
    let heard = certificate.last_due.max(certificate.last_failure);
    let critical = certificate.alerts.values();
    let critical = critical.filter(|alert| alert.severity == Severity::Critical);
    let opened = critical.filter_map(|alert| alert.opened_at).max();
    let silent = |started: LogTime| {
        heard.max(opened).is_none_or(|last| last < started)
            && at - started >= instance.interval() * 2
    };
    instance.informed && certificate.open_job.is_none() && instance.started.is_some_and(silent)
}
