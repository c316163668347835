//! The engine's state as rows for the store: only those that changed are given out.

use crate::caddy::entry::Entry;
use crate::caddy::name::Name;
use crate::engine::certificate::Certificate;
use crate::engine::evidence::Quote;
use crate::engine::incident::Incident;
use crate::engine::instance::Instance;
use crate::engine::subject::Subject;
use crate::time::LogTime;
use serde::Serialize;
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
    pub(super) incidents: BTreeMap<Subject, Incident>,
    /// What changed, itself or its incident, since the rows were taken.
    pub(super) changed: BTreeSet<Subject>,
    /// Whether the instance itself changed since.
    pub(super) instance_changed: bool,
    /// Incidents that may have something to tell.
    pub(super) untold: BTreeSet<Subject>,
    /// A line whose stamp lies far ahead; it waits for a second one.
    pub(super) held: Option<(Entry, Quote)>,
    /// When to look at what by time alone.
    pub(super) wakes: BTreeSet<(LogTime, Subject)>,
}

const INSTANCE: &str = "instance";
const CERTIFICATE: &str = "certificate";
const INCIDENT: &str = "incident";

fn key(instance: &str, subject: &Subject) -> String {
    match subject {
        Subject::Source => instance.to_owned(),
        Subject::Certificate(name) => format!("{instance}/{name}"),
    }
}

impl Watched {
    /// The rows that changed since the last call.
    pub(super) fn take_rows(&mut self, instance: &str, rows: &mut Vec<RowChange>) {
        if std::mem::take(&mut self.instance_changed) {
            rows.push(row(INSTANCE, instance, Some(&self.instance)));
        }
        for subject in std::mem::take(&mut self.changed) {
            let key = key(instance, &subject);
            if let Subject::Certificate(name) = &subject {
                let certificate = self.certificates.get(name);
                rows.push(row(CERTIFICATE, &key, certificate));
            }
            rows.push(row(INCIDENT, &key, self.incidents.get(&subject)));
        }
    }
}

fn row<T: Serialize>(kind: &'static str, key: &str, value: Option<&T>) -> RowChange {
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
        INSTANCE => {
            watched.instance = serde_json::from_str(value)?;
            let wake = watched.instance.wake;
            watched.wakes.extend(wake.map(|at| (at, Subject::Source)));
        }
        CERTIFICATE => {
            let certificate: Certificate = serde_json::from_str(value)?;
            let name = certificate.name.clone();
            watched.wakes.extend(
                certificate
                    .wake
                    .map(|at| (at, Subject::Certificate(name.clone()))),
            );
            watched.certificates.insert(name, certificate);
        }
        INCIDENT => {
            let incident: Incident = serde_json::from_str(value)?;
            let subject = match incident.name.as_deref().map(Name::parse) {
                None => Subject::Source,
                Some(Some(name)) => Subject::Certificate(name),
                Some(None) => return Ok(()),
            };
            watched.untold.insert(subject.clone());
            watched.incidents.insert(subject, incident);
        }
        _ => {}
    }
    Ok(())
}
