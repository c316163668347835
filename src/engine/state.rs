//! The engine's state as rows for the store: only those that changed are given out.

use crate::caddy::entry::Entry;
use crate::caddy::name::Name;
use crate::engine::certificate::Certificate;
use crate::engine::evidence::Quote;
use crate::engine::incident::Incident;
use crate::engine::instance::Instance;
use crate::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};

/// One row of state: what to write, or to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// `instance`, `certificate` or `incident`.
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
    pub(super) certificates: BTreeMap<Name, Certificate>,
    pub(super) incidents: BTreeMap<Name, Incident>,
    /// Names whose certificate or incident changed since the rows were taken.
    pub(super) changed: BTreeSet<Name>,
    /// Whether the instance itself changed since.
    pub(super) instance_changed: bool,
    /// Incidents that may have something to tell.
    pub(super) untold: BTreeSet<Name>,
    /// A line whose stamp lies far ahead; it waits for a second one.
    pub(super) held: Option<(Entry, Quote)>,
    /// When to look at which certificate by time alone.
    pub(super) wakes: BTreeSet<(LogTime, Name)>,
}

const INSTANCE: &str = "instance";
const CERTIFICATE: &str = "certificate";
const INCIDENT: &str = "incident";

fn key(instance: &str, name: &Name) -> String {
    format!("{instance}/{name}")
}

impl Watched {
    /// The rows that changed since the last call.
    pub(super) fn take_rows(&mut self, instance: &str, rows: &mut Vec<RowChange>) {
        if std::mem::take(&mut self.instance_changed) {
            let value = serde_json::to_string(&self.instance).ok();
            rows.push(RowChange {
                kind: INSTANCE,
                key: instance.to_owned(),
                value,
            });
        }
        for name in std::mem::take(&mut self.changed) {
            let certificate = self.certificates.get(&name).map(serde_json::to_string);
            let incident = self.incidents.get(&name).map(serde_json::to_string);
            for (kind, value) in [(CERTIFICATE, certificate), (INCIDENT, incident)] {
                let value = value.and_then(Result::ok);
                rows.push(RowChange {
                    kind,
                    key: key(instance, &name),
                    value,
                });
            }
        }
    }
}

/// Puts stored rows back into state. A row that cannot be understood is left out and said, because
/// a watcher that does not start is worse than one that learns a certificate anew.
pub(super) fn restore<'a>(
    rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> (BTreeMap<String, Watched>, Vec<StateError>) {
    let mut all: BTreeMap<String, Watched> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (kind, key, value) in rows {
        let instance = if kind == INSTANCE {
            key
        } else {
            instance_of(key)
        };
        let watched = all.entry(instance.to_owned()).or_default();
        if let Err(source) = put_back(watched, kind, value) {
            let (kind, key) = (kind.to_owned(), key.to_owned());
            unreadable.push(StateError { kind, key, source });
        }
    }
    (all, unreadable)
}

fn instance_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(instance, _)| instance)
}

fn put_back(watched: &mut Watched, kind: &str, value: &str) -> serde_json::Result<()> {
    match kind {
        INSTANCE => watched.instance = serde_json::from_str(value)?,
        CERTIFICATE => {
            let certificate: Certificate = serde_json::from_str(value)?;
            let name = certificate.name.clone();
            watched
                .wakes
                .extend(certificate.wake.map(|at| (at, name.clone())));
            watched.certificates.insert(name, certificate);
        }
        INCIDENT => {
            let incident: Incident = serde_json::from_str(value)?;
            if let Some(name) = Name::parse(&incident.name) {
                watched.untold.insert(name.clone());
                watched.incidents.insert(name, incident);
            }
        }
        _ => {}
    }
    Ok(())
}
