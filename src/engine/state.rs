//! The engine's state as rows for the store: only those that changed are given out.

use crate::caddy::entry::Entry;
use crate::caddy::name::Name;
use crate::engine::alert::share_remedies;
use crate::engine::certificate::Certificate;
use crate::engine::certificates::Certificates;
use crate::engine::evidence::Quote;
use crate::engine::incident::{Former, Incident, Register};
use crate::engine::instance::Instance;
use crate::engine::silence::Silences;
use crate::engine::subject::{AboutMut, Subject};
use crate::time::LogTime;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One row of state: what to write, or to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// `instance`, `certificate`, `incident` or `silence`.
    pub kind: &'static str,
    /// The key within the kind.
    pub key: String,
    /// JSON; `None` deletes the row.
    pub value: Option<String>,
}

/// A stored row that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("the stored {kind} `{key}` cannot be read: {source}")]
pub struct StateError {
    kind: String,
    key: String,
    source: serde_json::Error,
}

/// One watched Caddy with its certificates and incidents.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) instance: Instance,
    pub(super) certificates: Certificates,
    pub(super) incidents: Register,
    /// Certificates that changed since the rows were taken.
    pub(super) changed: BTreeSet<Name>,
    /// Whether the instance itself changed since.
    pub(super) instance_changed: bool,
    /// What may have something to tell.
    pub(super) untold: BTreeSet<Subject>,
    /// Whether its clock was set back since clocks were compared, and since we began.
    pub(super) is_set_back: bool,
    pub(super) was_set_back: bool,
    /// A line whose stamp lies far ahead; it waits for a second one.
    pub(super) held: Option<(Entry, Quote)>,
    /// When to look at what by time alone.
    pub(super) wakes: BTreeSet<(LogTime, Subject)>,
    /// Incidents as they were stored before, until what they are about is there.
    former: Vec<Former>,
    /// Keys of stored incidents to delete.
    stale: Vec<String>,
}

const INSTANCE: &str = "instance";
const CERTIFICATE: &str = "certificate";
const INCIDENT: &str = "incident";
pub(super) const SILENCE: &str = "silence";

fn key(instance: &str, within: &str) -> String {
    format!("{instance}/{within}")
}

impl Watched {
    /// The rows that changed since the last call.
    pub(super) fn take_rows(&mut self, instance: &str, rows: &mut Vec<RowChange>) {
        if std::mem::take(&mut self.instance_changed) {
            rows.push(row(INSTANCE, instance, Some(&self.instance)));
        }
        for name in std::mem::take(&mut self.changed) {
            let key = key(instance, name.as_str());
            rows.push(row(CERTIFICATE, &key, self.certificates.get(&name)));
        }
        for (id, incident) in self.incidents.take_changed() {
            rows.push(row(INCIDENT, &key(instance, &id), incident));
        }
        for key in std::mem::take(&mut self.stale) {
            rows.push(row::<Incident>(INCIDENT, &key, None));
        }
    }

    /// Whether only handshakes ask for a name. Of too many strangers not all are remembered, and then
    /// whatever is not managed counts as one.
    pub(super) fn is_stranger(&self, name: &Name) -> bool {
        let crowded = self.instance.is_crowded() && !self.certificates.contains(name);
        crowded || self.instance.strangers.contains(name)
    }

    /// Everything that is open has to be weighed again.
    pub(super) fn weigh_all(&mut self) {
        self.untold.extend(self.incidents.subjects().cloned());
    }

    /// Brings restored incidents together with what they are about.
    fn relink(&mut self, instance: &str) {
        for former in std::mem::take(&mut self.former) {
            let name = former.name.clone();
            let about = name
                .as_ref()
                .map_or(Some(AboutMut::Source(&mut self.instance)), |name| {
                    self.certificates.get_mut(name).map(AboutMut::Certificate)
                });
            self.stale.push(match &name {
                Some(name) => key(instance, name.as_str()),
                None => instance.to_owned(),
            });
            // Without its certificate there is nothing left to tell.
            let Some(about) = about else { continue };
            let incident = former.adopt(instance, about);
            self.changed.extend(name);
            let id = incident.id.clone();
            self.incidents.restore(incident);
            self.incidents.reschedule(&id);
        }
        for certificate in self.certificates.iter_mut() {
            let trouble = certificate.trouble.get_mut();
            if let Some(failing) = trouble.and_then(|trouble| trouble.failing.as_mut()) {
                self.instance.share_ca_url(&mut failing.ca_url);
            }
            let about = AboutMut::Certificate(certificate);
            self.incidents.relink(instance, about);
        }
        let about = AboutMut::Source(&mut self.instance);
        self.incidents.relink(instance, about);
        self.incidents.heard = self.instance.log_time;
        self.weigh_all();
        self.weigh_untold(instance);
    }
}

pub(super) fn row<T: Serialize>(kind: &'static str, key: &str, value: Option<&T>) -> RowChange {
    RowChange {
        kind,
        key: key.to_owned(),
        value: value.and_then(|value| serde_json::to_string(value).ok()),
    }
}

/// Puts stored rows back into state. A row that cannot be understood is left out and said, because
/// a watcher that does not start is worse than one that learns a certificate anew.
pub(super) fn restore<'a>(
    rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> (BTreeMap<String, Watched>, Silences, Vec<StateError>) {
    let mut silences = Silences::default();
    let mut all: BTreeMap<String, Watched> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (kind, key, value) in rows {
        let mut unread = |source| {
            let (kind, key) = (kind.to_owned(), key.to_owned());
            unreadable.push(StateError { kind, key, source });
        };
        if kind == SILENCE {
            match serde_json::from_str(value) {
                Ok(silence) => silences.put_back(silence),
                Err(source) => unread(source),
            }
            continue;
        }
        let instance = if kind == INSTANCE {
            key
        } else {
            instance_of(key)
        };
        let watched = all.entry(instance.to_owned()).or_default();
        if let Err(source) = put_back(watched, kind, value) {
            unread(source);
        }
    }
    for (instance, watched) in &mut all {
        watched.incidents.silences = silences.clone();
        watched.relink(instance);
    }
    (all, silences, unreadable)
}

fn instance_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(instance, _)| instance)
}

fn put_back(watched: &mut Watched, kind: &str, value: &str) -> serde_json::Result<()> {
    match kind {
        INSTANCE => {
            watched.instance = serde_json::from_str(value)?;
            let wake = watched.instance.wake;
            watched.wakes.extend(wake.map(|at| (at, Subject::Source)));
        }
        CERTIFICATE => {
            let mut certificate: Certificate = serde_json::from_str(value)?;
            if !certificate.alerts.is_empty() {
                share_remedies(&mut certificate.alerts);
            }
            let name = certificate.name.clone();
            watched
                .wakes
                .extend(certificate.wake.map(|at| (at, Subject::Certificate(name))));
            watched.certificates.put(Box::new(certificate));
        }
        INCIDENT => {
            let incident = serde_json::from_str::<Incident>(value);
            match (incident, serde_json::from_str::<Former>(value)) {
                (Ok(incident), _) => watched.incidents.restore(incident),
                (Err(_), Ok(former)) => watched.former.push(former),
                (Err(error), Err(_)) => return Err(error),
            }
        }
        _ => {}
    }
    Ok(())
}
