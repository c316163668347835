//! An incident as it was stored while each name had its own: with what was told of each rule.

use crate::caddy::name::Name;
use crate::engine::certificate::Certificate;
use crate::engine::incident::fault::Fault;
use crate::engine::incident::{Ended, Incident};
use crate::engine::link::Link;
use crate::engine::policy::Group;
use crate::engine::subject::AboutMut;
use crate::rules::Severity;
use crate::time::LogTime;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The stored row.
#[derive(Debug, Deserialize)]
pub(in crate::engine) struct Former {
    id: Arc<str>,
    pub name: Option<Name>,
    told: BTreeMap<String, Severity>,
    messages: u32,
    changed_at: Option<LogTime>,
    closed: BTreeSet<String>,
}

impl Former {
    /// The incident as it is kept now; what was told is written into what it is about.
    pub(in crate::engine) fn adopt(self, instance: &str, mut about: AboutMut<'_>) -> Incident {
        let loudest = self.told.values().copied().max();
        let mut opened_at = self.changed_at;
        for (rule, alert) in about.alerts() {
            alert.told = self.told.get(&**rule).copied();
            opened_at = opened_at.min(alert.opened_at);
        }
        *about.link() = Link {
            incident: Some(self.id.clone()),
            told: loudest,
            ..Link::default()
        };
        let about = about.about();
        let open = about.alerts().keys().map(|rule| &**rule);
        let closed = self.closed.iter().map(String::as_str);
        let rule = open.chain(closed).next().unwrap_or_default();
        let fault = Fault::of(about, rule, Group::Cause);
        let mut incident = Incident::new(instance, fault, about.called(instance), opened_at);
        incident.id = self.id;
        incident.changed_at = self.changed_at;
        incident.story.closed = self.closed;
        incident.told = loudest;
        incident.told_at = self.changed_at;
        incident.messages = self.messages;
        let streak = about.certificate().and_then(Certificate::streak);
        let since = streak.map(|streak| streak.since);
        incident.story.begin(opened_at, since);
        incident
            .story
            .causes
            .extend(streak.map(|streak| streak.cause));
        if about.alerts().is_empty() {
            let attempts = streak.map_or(0, |streak| streak.attempts);
            incident.story.attempts = attempts;
            (incident.ended_count, incident.well_again) = (1, 1);
            incident.ended.push(Ended {
                name: about.called(instance).to_owned(),
                closed_by: None,
                not_after: about.not_after(),
                untold: true,
                missed: false,
                was_critical: false,
                failing_since: since,
                attempts,
            });
        }
        incident
    }
}
