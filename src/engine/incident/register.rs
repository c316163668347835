//! The incidents of one watched Caddy: which one a name belongs to, and when to look at which.

use crate::engine::certificate::Certificate;
use crate::engine::incident::Incident;
use crate::engine::incident::fault::{Fault, Place};
use crate::engine::judge::Case;
use crate::engine::link::Link;
use crate::engine::message::Reason;
use crate::engine::policy::Policy;
use crate::engine::silence::Silences;
use crate::engine::subject::{About, AboutMut, Subject};
use crate::rules::Severity;
use crate::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One cause in more zones than this is not the zones' own: the names of further zones are one
/// incident.
const ZONES_APART: usize = 3;

/// Incidents by id, with what is needed to find them.
#[derive(Debug, Default)]
pub(in crate::engine) struct Register {
    /// How alerts are told.
    pub policy: Policy,
    /// What nobody is told of.
    pub silences: Silences,
    /// How far the ends of silences were heard.
    pub heard: Option<LogTime>,
    all: BTreeMap<Arc<str>, Incident>,
    /// The latest incident of each fault.
    by_fault: BTreeMap<Fault, Arc<str>>,
    wakes: BTreeSet<(LogTime, Arc<str>)>,
    /// Incidents that may have something to tell.
    untold: BTreeSet<Arc<str>>,
    /// Incidents that changed since the rows were taken.
    changed: BTreeSet<Arc<str>>,
}

impl Register {
    /// Finds the incident of a certificate or source whose alerts changed, and writes it into the
    /// rows.
    pub(in crate::engine) fn enter(
        &mut self,
        instance: &str,
        mut about: AboutMut<'_>,
        case: &mut Case,
    ) {
        let Some(first) = case.rows.first() else {
            return;
        };
        let subject = about.about().subject();
        let called = about.about().called(instance).to_owned();
        let own = self.own(about.about()).cloned();
        let id = own.unwrap_or_else(|| {
            let fault = Fault::of(about.about(), &first.rule, self.policy.group);
            let id = self.choose(instance, fault, &called, first.at);
            if let Some(incident) = self.all.get_mut(&id) {
                incident.join(&subject, &called, about.link(), first.at);
            }
            id
        });
        let Some(incident) = self.all.get_mut(&id) else {
            return;
        };
        let at = case.rows.last().and_then(|row| row.at);
        about
            .link()
            .note_closed(&case.closed, at, incident.messages);
        for row in &mut case.rows {
            row.incident = id.to_string();
            let silenced = self
                .silences
                .cover((instance, row.at), about.about(), &row.rule);
            let was_told = row.reason == Reason::Closed
                && case.closed.iter().any(|(rule, _)| **rule == *row.rule);
            incident.note(row, (silenced, was_told));
            // Of what is silenced nobody is told: it puts off no reminder.
            let opens = row.severity == Severity::Critical && row.reason != Reason::Closed;
            if opens && (!silenced || incident.reminder.repeat_at.is_none()) {
                case.critical_at = row.at;
            }
            let told = about.recall(row);
            if !about.about().is_calm() && row.reason != Reason::Closed {
                incident.take_back(&called, about.link(), told);
            }
        }
        if about.about().alerts().is_empty() {
            incident.leave(&subject, &called, about.link(), &case.rows);
        } else if about.about().is_calm() {
            incident.calm(&called, about.link(), &case.rows);
        }
        self.touch(&id);
    }

    /// The incident that it has open alerts in.
    fn own<'a>(&self, about: About<'a>) -> Option<&'a Arc<str>> {
        let id = about.link().incident.as_ref()?;
        let incident = self.all.get(id)?;
        incident.members.contains(&about.subject()).then_some(id)
    }

    fn choose(
        &mut self,
        instance: &str,
        fault: Fault,
        called: &str,
        at: Option<LogTime>,
    ) -> Arc<str> {
        let joinable = |fault: &Fault| {
            let id = self.by_fault.get(fault)?;
            self.all.get(id).filter(|one| one.takes(at)).map(|_| id)
        };
        let wide = fault.in_zones();
        let in_zone = matches!(fault.place, Place::Zone(_));
        let known = joinable(&fault).or_else(|| joinable(&wide).filter(|_| in_zone));
        if let Some(id) = known {
            return id.clone();
        }
        let zones = self
            .by_fault
            .range(wide.clone()..)
            .take_while(|(other, _)| other.what == fault.what)
            .filter(|(other, _)| matches!(other.place, Place::Zone(_)))
            .filter(|(_, id)| self.all.get(*id).is_some_and(|one| !one.is_over()));
        let fault = if in_zone && zones.count() >= ZONES_APART {
            wide
        } else {
            fault
        };
        let incident = Incident::new(instance, fault.clone(), called, at);
        let id = incident.id.clone();
        self.by_fault.insert(fault, id.clone());
        self.all.insert(id.clone(), incident);
        id
    }

    /// Forgets which incident a certificate was in, once that is gone.
    pub(in crate::engine) fn unlink(&self, certificate: &mut Certificate) {
        let gone = |id: &Arc<str>| !self.all.contains_key(id);
        if certificate.link.incident.as_ref().is_some_and(gone) {
            certificate.link = Link::default();
        }
    }

    /// Weighs what is open about a certificate or source in its incident, as the log stands at a
    /// moment.
    pub(in crate::engine) fn weigh(&mut self, at: (&str, Option<LogTime>), about: About<'_>) {
        let silent = |rule: &str| self.silences.cover(at, about, rule);
        if let Some(id) = &about.link().incident
            && let Some(incident) = self.all.get_mut(id)
        {
            incident.weigh(about, silent);
            self.untold.insert(id.clone());
        }
    }

    /// Everything that has open alerts.
    pub(in crate::engine) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.all.values().flat_map(|one| &one.members)
    }

    /// Whether a silence ends at this moment.
    pub(in crate::engine) fn hear_end(&mut self, at: LogTime) -> bool {
        let ends = self.silences.next_end(self.heard) == Some(at);
        if ends {
            self.heard = Some(at);
        }
        ends
    }

    /// The clock of the log was set back: what has been waiting goes on to wait from there.
    pub(in crate::engine) fn set_back(&mut self, to: LogTime) {
        self.heard = self.heard.min(Some(to));
        for id in self.ids() {
            let incident = self.all.get_mut(&id);
            if incident.is_some_and(|incident| incident.set_back(to)) {
                self.touch(&id);
            }
        }
    }

    /// Every incident.
    pub(in crate::engine) fn ids(&self) -> Vec<Arc<str>> {
        self.all.keys().cloned().collect()
    }

    /// Whether people are told of something loud in another incident.
    pub(in crate::engine) fn is_loud_beside(&self, id: &str) -> bool {
        let others = self.all.values().filter(|one| &*one.id != id);
        let mut loud = others.flat_map(|one| one.loud.values());
        loud.any(|one| one.may_be_told)
    }

    /// An incident by id.
    pub(in crate::engine) fn get(&self, id: &str) -> Option<&Incident> {
        self.all.get(id)
    }

    /// An incident by id, to be looked at by time alone.
    pub(in crate::engine) fn get_mut(&mut self, id: &str) -> Option<&mut Incident> {
        self.all.get_mut(id)
    }

    /// An incident changed: it may have something to tell, and another moment to wake.
    pub(in crate::engine) fn touch(&mut self, id: &Arc<str>) {
        self.untold.insert(Arc::clone(id));
        self.reschedule(id);
    }

    /// An incident changed.
    pub(in crate::engine) fn reschedule(&mut self, id: &Arc<str>) {
        self.changed.insert(Arc::clone(id));
        let Some(incident) = self.all.get_mut(id) else {
            return;
        };
        let wake = incident.next_wake();
        if wake != incident.wake {
            let old = incident.wake.map(|at| (at, Arc::clone(id)));
            incident.wake = wake;
            if let Some(old) = old {
                self.wakes.remove(&old);
            }
            self.wakes.extend(wake.map(|at| (at, Arc::clone(id))));
        }
    }

    /// The next moment at which an incident has to be looked at, or a silence ends.
    pub(in crate::engine) fn next_wake(&self) -> Option<LogTime> {
        let wake = self.wakes.first().map(|(at, _)| *at);
        wake.into_iter()
            .chain(self.silences.next_end(self.heard))
            .min()
    }

    /// The incident whose moment has come.
    pub(in crate::engine) fn take_wake(&mut self) -> Option<Arc<str>> {
        let (at, id) = self.wakes.pop_first()?;
        if let Some(incident) = self.all.get_mut(&id) {
            incident.wake = None;
            incident.tell_at = incident.tell_at.filter(|tell_at| *tell_at > at);
        }
        Some(id)
    }

    /// Forgets an incident of which nothing can come any more.
    pub(in crate::engine) fn drop_if_spent(&mut self, id: &str, now: Option<LogTime>) {
        if self.all.get(id).is_none_or(|one| !one.is_spent(now)) {
            return;
        }
        let Some(gone) = self.all.remove(id) else {
            return;
        };
        if let Some(at) = gone.wake {
            self.wakes.remove(&(at, gone.id.clone()));
        }
        if self.by_fault.get(&gone.fault) == Some(&gone.id) {
            self.by_fault.remove(&gone.fault);
        }
        self.changed.insert(gone.id);
    }

    /// The incidents that may have something to tell.
    pub(in crate::engine) fn take_untold(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.untold)
    }

    /// The incidents that changed since the last call, with their state; `None` for those that are
    /// gone.
    pub(in crate::engine) fn take_changed(&mut self) -> Vec<(Arc<str>, Option<&Incident>)> {
        let changed = std::mem::take(&mut self.changed);
        let state = |id: Arc<str>| {
            let incident = self.all.get(&id);
            (id, incident)
        };
        changed.into_iter().map(state).collect()
    }

    /// Puts a stored incident back, before its names.
    pub(in crate::engine) fn restore(&mut self, incident: Incident) {
        let id = incident.id.clone();
        self.wakes.extend(incident.wake.map(|at| (at, id.clone())));
        let latest = self.by_fault.get(&incident.fault);
        let latest = latest.and_then(|id| self.all.get(id));
        if latest.is_none_or(|latest| latest.opened_at <= incident.opened_at) {
            self.by_fault.insert(incident.fault.clone(), id.clone());
        }
        self.untold.insert(id.clone());
        self.all.insert(id, incident);
    }

    /// Puts what has open alerts back into its stored incident. Where that cannot be read, a new one
    /// begins.
    pub(in crate::engine) fn relink(&mut self, instance: &str, mut about: AboutMut<'_>) {
        let first = about.about().alerts().iter().next();
        let Some((rule, at)) = first.map(|(rule, alert)| (rule.clone(), alert.opened_at)) else {
            return;
        };
        let subject = about.about().subject();
        let called = about.about().called(instance).to_owned();
        let stored = about.link().incident.clone();
        let id = stored
            .filter(|id| self.all.contains_key(id))
            .unwrap_or_else(|| {
                let fault = Fault::of(about.about(), &rule, self.policy.group);
                self.choose(instance, fault, &called, at)
            });
        if let Some(incident) = self.all.get_mut(&id) {
            if about.link().incident.as_ref() == Some(&id) {
                // What was stored apart is shared again.
                about.link().incident = Some(Arc::clone(&incident.id));
                incident.members.insert(subject);
                incident.known += usize::from(about.link().told.is_some());
            } else {
                incident.join(&subject, &called, about.link(), at);
            }
        }
    }
}
