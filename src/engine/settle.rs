//! What people have to be told, once a log is read to its end.

use crate::caddy::name::Name;
use crate::engine::certificate::Certificate;
use crate::engine::certificates::Certificates;
use crate::engine::incident::{Due, Incident, Standing, View, kindred};
use crate::engine::instance::Instance;
use crate::engine::message::{Message, Reason};
use crate::engine::reminder::is_recovering;
use crate::engine::silence::Silences;
use crate::engine::state::Watched;
use crate::engine::subject::{About, AboutMut, Subject};
use crate::engine::teller::Teller;
use crate::rules::{RuleSet, Severity};
use crate::time::LogTime;
use std::collections::BTreeSet;

impl Watched {
    /// The messages that are due now.
    pub(super) fn settle(&mut self, rules: &RuleSet, instance: &str) -> Vec<Message> {
        let now = self.instance.log_time;
        self.weigh_untold(instance);
        let mut messages = Vec::new();
        for id in self.incidents.take_untold() {
            let Some(incident) = self.incidents.get_mut(&id) else {
                continue;
            };
            let due = incident.due(now);
            incident.tell_at = match due {
                Due::Later(at) => Some(at),
                Due::Nothing | Due::Tell(_) => None,
            };
            if let Due::Tell(reason) = due {
                messages.extend(self.tell((rules, instance), &id, reason));
            }
            self.incidents.reschedule(&id);
            self.incidents.drop_if_spent(&id, now);
        }
        // What the log itself is worth comes first; of one moment, the names in their order.
        let order = |one: &Message| (one.certificates_total > 0, one.at);
        messages.sort_by(|one, other| {
            let names = || one.certificates.cmp(&other.certificates);
            order(one).cmp(&order(other)).then_with(names)
        });
        messages
    }

    /// Finds out which of what changed has news.
    pub(super) fn weigh_untold(&mut self, instance: &str) {
        let now = self.instance.log_time;
        for subject in std::mem::take(&mut self.untold) {
            if let Some(about) = about(&self.instance, &self.certificates, &subject) {
                self.incidents.weigh((instance, now), about);
            }
        }
    }

    fn tell(
        &mut self,
        (rules, instance): (&RuleSet, &str),
        id: &str,
        reason: Reason,
    ) -> Option<Message> {
        let now = self.instance.log_time;
        let silences = self.incidents.silences.clone();
        let teller = Teller {
            rules,
            name: instance,
            instance: &self.instance,
            certificates: &self.certificates,
            at: now,
        };
        // Only an end says how all the rest is.
        let others = reason == Reason::Closed && self.incidents.is_loud_beside(id);
        let incident = self.incidents.get_mut(id)?;
        let mut standing = incident.standing(&teller, &silences);
        let all: BTreeSet<Subject> = standing.iter().map(|one| one.about.subject()).collect();
        // Beside what is loud, a blip of another name is nothing to wake anybody for.
        if standing.first().is_some_and(Standing::is_loud) {
            standing.retain(Standing::is_loud);
            if !incident.was_loud() {
                incident.forget_blips();
            }
        }
        let recovers = |one: &Standing<'_>| is_recovering(&self.instance, one.about, now);
        let mut critical = standing.iter().filter(|one| one.is_critical());
        if reason == Reason::Repeated && critical.all(recovers) {
            incident.reminder.repeat_due = false;
            return None;
        }
        let fails = |name: &str| {
            let certificate = Name::parse(name).and_then(|name| self.certificates.get(&name));
            certificate.is_some_and(|one| About::Certificate(one).is_loud())
        };
        let failing = if reason == Reason::Closed {
            incident.take_failing(fails)
        } else {
            incident.hush_failing(fails);
            for one in &standing {
                incident.story.add_open(one.about, &one.alerts);
            }
            Vec::new()
        };
        let reason = match reason {
            Reason::Improved | Reason::Worsened if !incident.has_relief() => {
                incident.reason_without_relief()?
            }
            reason => reason,
        };
        let view = View {
            teller,
            standing: &standing,
            silenced: incident.silenced.difference(&all).count(),
            failing: &failing,
            others,
        };
        let message = if reason == Reason::Closed {
            incident.closing(&view)
        } else {
            incident.firing(&view, reason)?
        };
        let named = standing.iter().map(|one| {
            let rules = one.alerts.iter().map(|(rule, _)| (*rule).to_owned());
            (one.about.subject(), rules.collect())
        });
        let named: Vec<(Subject, BTreeSet<String>)> = named.collect();
        incident.note_told(message.severity, reason, now);
        for (subject, rules) in named {
            self.note_told(id, (&subject, &rules), message.severity);
        }
        self.forget_closed(id, reason);
        Some(message)
    }

    /// What opens again about a name is known to people only while the name fails, and they did not
    /// read that the incident is over: notes may stay open from one renewal to the next.
    fn forget_closed(&mut self, id: &str, reason: Reason) {
        let Some(incident) = self.incidents.get_mut(id) else {
            return;
        };
        let is_over = reason == Reason::Closed;
        if is_over && !incident.is_over() {
            incident.begin_anew();
        }
        let forgets = |about: &About<'_>| {
            let fails = about.certificate().is_some_and(Certificate::is_failing);
            is_over || !fails && !about.link().over.is_empty()
        };
        let members = incident.members.iter();
        let abouts = members.filter_map(|one| about(&self.instance, &self.certificates, one));
        let forgetful: Vec<Subject> = abouts.filter(forgets).map(About::subject).collect();
        for subject in forgetful {
            let Some(mut about) = self.change(&subject) else {
                continue;
            };
            if is_over {
                about.link().forget_told();
            } else {
                about.link().over.clear();
            }
        }
    }

    /// The state behind a subject, to be changed and then stored.
    fn change(&mut self, subject: &Subject) -> Option<AboutMut<'_>> {
        match subject {
            Subject::Source => {
                self.instance_changed = true;
                Some(AboutMut::Source(&mut self.instance))
            }
            Subject::Certificate(name) => {
                self.changed.insert(name.clone());
                self.certificates.get_mut(name).map(AboutMut::Certificate)
            }
        }
    }

    /// Notes that alerts of these rules about a certificate or source were told.
    fn note_told(
        &mut self,
        id: &str,
        (subject, rules): (&Subject, &BTreeSet<String>),
        severity: Severity,
    ) {
        let Some(mut about) = self.change(subject) else {
            return;
        };
        let known = about.link().told.is_some();
        about.link().told = about.link().told.max(Some(severity));
        // What is quieter reaches few channels.
        let cause = about.about().cause().filter(|_| severity.is_loud());
        about.link().causes.extend(cause.map(kindred));
        for (rule, alert) in about.alerts() {
            if rules.contains(&**rule) {
                alert.told = Some(alert.severity);
            }
        }
        if let Some(incident) = self.incidents.get_mut(id) {
            incident.known += usize::from(!known);
        }
    }
}

/// The state behind a subject, if it is still there.
pub(super) fn about<'a>(
    instance: &'a Instance,
    certificates: &'a Certificates,
    subject: &Subject,
) -> Option<About<'a>> {
    match subject {
        Subject::Source => Some(About::Source(instance)),
        Subject::Certificate(name) => certificates.get(name).map(About::Certificate),
    }
}

impl Incident {
    /// How its names stand that people are told of, the most pressing first.
    fn standing<'a>(&self, teller: &Teller<'a>, silences: &Silences) -> Vec<Standing<'a>> {
        let at = (teller.name, teller.at);
        let told = |about: About<'_>, rule: &str| !silences.cover(at, about, rule);
        let abouts = self.members.iter();
        let abouts = abouts.filter_map(|one| about(teller.instance, teller.certificates, one));
        let standing = abouts.filter_map(|about| Standing::of(about, teller, told));
        let mut standing: Vec<Standing<'_>> = standing.collect();
        standing.sort_by_cached_key(Standing::order);
        standing
    }

    /// Notes that a message went out.
    fn note_told(&mut self, severity: Severity, reason: Reason, now: Option<LogTime>) {
        self.messages += 1;
        self.told_at = now;
        // What is open was told: nothing has to open again for that.
        self.interrupted &= reason == Reason::Closed || !severity.is_loud();
        self.told = Some(severity)
            .max(self.told)
            .filter(|_| reason != Reason::Closed);
        for one in &mut self.ended {
            (one.untold, one.missed, one.was_critical) = (false, false, false);
        }
        if !self.urgent.is_empty() {
            self.urgent_at.extend(now);
        }
        self.urgent.clear();
        self.fresh.clear();
        self.better.clear();
        self.over.clear();
        (self.well_again, self.unmanaged) = (0, 0);
        (self.fresh_since, self.well_since, self.better_since) = (None, None, None);
        self.reminder.repeat_due = false;
        if severity == Severity::Critical {
            self.reminder.critical_told_at = now;
        }
    }
}
