//! An alert: what is kept while it is open, and the row that each change gives out.

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::engine::certificate::{Certificate, DueSource, RetrySource};
use crate::engine::evidence::{Evidence, Quote};
use crate::engine::message::{Reason, Status};
use crate::engine::subject::About;
use crate::rules::Severity;
use crate::time::LogTime;
use litemap::LiteMap;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// An alert that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlert {
    /// Stable: hash of rule, instance, name and the moment it opened.
    pub id: Box<str>,
    /// The highest severity it has had.
    pub severity: Severity,
    /// Log time of the opening; `None` only if no line had a time.
    pub opened_at: Option<LogTime>,
    /// Its title, as told last.
    pub title: Box<str>,
    /// Its summary, as told last.
    pub summary: Box<str>,
    /// Its remedy, as told last.
    pub remedy: Arc<str>,
    /// When these words were true, since the Unix epoch; 0 where that is not known.
    #[serde(default)]
    pub worded_at_seconds: u32,
    /// The severity that people were told of; `None` while they were not.
    #[serde(default)]
    pub told: Option<Severity>,
    /// Why attempts fail that an alert about a source is about; a certificate keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The lines that opened and worsened an alert about a source; a certificate keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
}

/// Open alerts by rule. Boxed: a map keeps room for more than it holds.
pub type Alerts = LiteMap<Box<str>, Box<OpenAlert>>;

/// Gives back the room that a map by rule has for more than it holds: most hold one or two, and room for four is
/// taken at once.
pub(super) fn give_back_room<T>(by_rule: &mut LiteMap<Box<str>, T>) {
    let mut held = std::mem::take(by_rule).into_tuple_vec();
    held.shrink_to_fit();
    *by_rule = LiteMap::from_sorted_store_unchecked(held);
}

/// The same remedy as another alert's is kept once: most rules about one cause give the same.
pub(super) fn share_remedies(alerts: &mut Alerts) {
    let mut known: Vec<Arc<str>> = Vec::new();
    for alert in alerts.iter_mut().map(|(_, alert)| alert) {
        match known.iter().find(|one| **one == alert.remedy) {
            Some(same) => alert.remedy = Arc::clone(same),
            None => known.push(Arc::clone(&alert.remedy)),
        }
    }
}

/// Why an alert closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClosedBy {
    /// A later notAfter from an issuer that counts is known.
    Renewed,
    /// Its condition was untrue for one whole attempt.
    Condition,
    /// The name is no longer managed.
    Forgotten,
}

/// One change of one alert: the stable contract of `replay --format json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertRow {
    /// `alert`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Version of this contract.
    pub schema: u8,
    /// Stable id of the alert.
    pub id: String,
    /// Stable id of the incident it belongs to.
    pub incident: String,
    /// The rule.
    pub rule: String,
    /// `certificate` or `source`.
    pub scope: &'static str,
    /// How loud it is.
    pub severity: Severity,
    /// Firing or resolved.
    pub status: Status,
    /// What changed.
    pub reason: Reason,
    /// The watched Caddy.
    pub instance: String,
    /// The certificate; null for scope source.
    pub certificate: Option<String>,
    /// Log time of the change.
    #[serde(serialize_with = "rfc3339")]
    pub at: Option<LogTime>,
    /// Log time of the opening.
    #[serde(serialize_with = "rfc3339")]
    pub opened_at: Option<LogTime>,
    /// When the certificate expires.
    #[serde(serialize_with = "rfc3339")]
    pub not_after: Option<LogTime>,
    /// Where that is known from.
    pub not_after_source: Option<&'static str>,
    /// When Caddy tries again.
    #[serde(serialize_with = "rfc3339")]
    pub next_retry: Option<LogTime>,
    /// Announced or predicted.
    pub next_retry_source: Option<RetrySource>,
    /// Attempts that start before notAfter.
    pub tries_left: Option<u32>,
    /// Caddy's counter, else ours since its start.
    pub attempt: Option<u32>,
    /// Failed attempts in all.
    pub attempts_total: u32,
    /// The first failure of the streak.
    #[serde(serialize_with = "rfc3339")]
    pub failing_since: Option<LogTime>,
    /// When the renewal became due.
    #[serde(serialize_with = "rfc3339")]
    pub due_since: Option<LogTime>,
    /// How that is known.
    pub due_since_source: Option<DueSource>,
    /// Why the last attempt failed; of a source, where the alert is about attempts.
    pub cause: Option<Cause>,
    /// Who met it.
    pub seen_by: Option<SeenBy>,
    /// The CA of the last attempt.
    pub ca: Option<Ca>,
    /// Why it closed.
    pub closed_by: Option<ClosedBy>,
    /// One sentence.
    pub title: String,
    /// What is wrong, by when it hurts, since when.
    pub summary: String,
    /// The one next thing to do.
    pub remedy: String,
    /// The lines that prove it.
    pub evidence: Vec<Quote>,
}

/// Writes a moment as RFC 3339, or null.
pub fn rfc3339<S: Serializer>(time: &Option<LogTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

/// A stable id: 16 hexadecimal digits of a SHA-256 over the parts.
pub fn stable_id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let start = digest
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    format!("{start:016x}")
}

/// What a row says beyond the state of the certificate.
pub(super) struct Change<'a> {
    /// The watched Caddy.
    pub instance: &'a str,
    /// The incident's id.
    pub incident: &'a str,
    /// The rule's id.
    pub rule: &'a str,
    /// What changed.
    pub reason: Reason,
    /// Why it closed.
    pub closed_by: Option<ClosedBy>,
    /// Log time of the change.
    pub at: Option<LogTime>,
}

impl AlertRow {
    /// The row of a change.
    pub(super) fn new(change: &Change<'_>, alert: &OpenAlert, about: About<'_>) -> Self {
        let certificate = about.certificate();
        let streak = certificate.and_then(Certificate::streak);
        let not_after = certificate.and_then(|one| one.not_after);
        let due = certificate.and_then(|one| one.due);
        let next = certificate
            .and_then(|one| one.next)
            .filter(|_| change.reason != Reason::Closed);
        Self {
            kind: "alert",
            schema: 1,
            id: alert.id.to_string(),
            incident: change.incident.to_owned(),
            rule: change.rule.to_owned(),
            scope: about.scope().word(),
            severity: alert.severity,
            status: match change.reason {
                Reason::Closed => Status::Resolved,
                Reason::Opened | Reason::Worsened | Reason::Repeated | Reason::Improved => {
                    Status::Firing
                }
            },
            reason: change.reason,
            instance: change.instance.to_owned(),
            certificate: certificate.map(|one| one.name.to_string()),
            at: change.at,
            opened_at: alert.opened_at,
            not_after,
            not_after_source: not_after.map(|_| "log"),
            next_retry: next.map(|next| next.at),
            next_retry_source: next.map(|next| next.source),
            tries_left: next.and_then(|next| next.tries_left),
            attempt: streak.and_then(|streak| streak.attempt),
            attempts_total: streak.map_or(0, |streak| streak.attempts),
            failing_since: streak.map(|streak| streak.since),
            due_since: due.map(|due| due.since),
            due_since_source: due.map(|due| due.source),
            cause: about.cause_of(alert),
            seen_by: streak.map(|streak| streak.seen_by),
            ca: streak.and_then(|streak| streak.ca),
            closed_by: change.closed_by,
            title: alert.title.to_string(),
            summary: alert.summary.to_string(),
            remedy: alert.remedy.to_string(),
            evidence: about.quotes(alert),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_every_part_and_on_where_it_ends() {
        assert_eq!(stable_id(&["a", "b"]).len(), 16);
        assert_eq!(stable_id(&["a", "b"]), stable_id(&["a", "b"]));
        assert_ne!(stable_id(&["ab", ""]), stable_id(&["a", "b"]));
    }
}
