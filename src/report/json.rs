//! The JSON Lines contract: rows of certificates, silences and summaries, say; an alert row is
//! [`AlertRow`](crate::engine::AlertRow) itself.

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::engine::alert::Alerts;
use crate::engine::alert::rfc3339;
use crate::engine::certificate::{Certificate, DueSource, RetrySource};
use crate::engine::{Engine, Silence, Unknowns};
use crate::report::Tally;
use crate::rules::Severity;
use crate::time::LogTime;
use serde::Serialize;
use serde_json::{Value, json};

/// What is known of one certificate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CertificateRow {
    /// `certificate`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Version of this contract.
    pub schema: u8,
    /// The watched Caddy.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// What it is, in one word.
    pub state: &'static str,
    /// When it expires.
    #[serde(serialize_with = "rfc3339")]
    pub not_after: Option<LogTime>,
    /// Where that is known from.
    pub not_after_source: Option<&'static str>,
    /// When the renewal became due.
    #[serde(serialize_with = "rfc3339")]
    pub due_since: Option<LogTime>,
    /// How that is known.
    pub due_since_source: Option<DueSource>,
    /// The first failure of the streak.
    #[serde(serialize_with = "rfc3339")]
    pub failing_since: Option<LogTime>,
    /// Caddy's counter, else ours since its start.
    pub attempt: Option<u32>,
    /// Failed attempts in all.
    pub attempts_total: u32,
    /// When Caddy tries again.
    #[serde(serialize_with = "rfc3339")]
    pub next_retry: Option<LogTime>,
    /// Announced or predicted.
    pub next_retry_source: Option<RetrySource>,
    /// Attempts that start before notAfter.
    pub tries_left: Option<u32>,
    /// Why the last attempt failed.
    pub cause: Option<Cause>,
    /// Who met it.
    pub seen_by: Option<SeenBy>,
    /// The CA of the last attempt.
    pub ca: Option<Ca>,
    /// The class of CA that issued the certificate in use.
    pub issued_by: Option<Ca>,
    /// The rules whose alerts are open.
    pub alerts: Vec<String>,
    /// Those of them that nobody is told of.
    pub silenced: Vec<String>,
}

impl CertificateRow {
    /// The row at a moment of the log.
    pub fn new(instance: &str, certificate: &Certificate, at: Option<LogTime>) -> Self {
        let streak = certificate.failing.as_ref();
        Self {
            kind: "certificate",
            schema: 1,
            instance: instance.to_owned(),
            name: certificate.name.to_string(),
            state: certificate.state(at.unwrap_or(LogTime::from_micros(i64::MIN))),
            not_after: certificate.not_after,
            not_after_source: certificate.not_after.map(|_| "log"),
            due_since: certificate.due.map(|due| due.since),
            due_since_source: certificate.due.map(|due| due.source),
            failing_since: streak.map(|streak| streak.since),
            attempt: streak.and_then(|streak| streak.attempt),
            attempts_total: streak.map_or(0, |streak| streak.attempts),
            next_retry: certificate.next.map(|next| next.at),
            next_retry_source: certificate.next.map(|next| next.source),
            tries_left: certificate.next.and_then(|next| next.tries_left),
            cause: streak.map(|streak| streak.cause),
            seen_by: streak.map(|streak| streak.seen_by),
            ca: streak.and_then(|streak| streak.ca),
            issued_by: certificate.issued_by,
            alerts: certificate.alerts.keys().map(ToString::to_string).collect(),
            silenced: Vec::new(),
        }
    }
}

/// What one watched Caddy said about certificates that nobody understood.
pub fn unknown((instance, unknowns): (&str, &Unknowns)) -> Value {
    json!({
        "type": "unknown",
        "schema": 1,
        "instance": instance,
        "lines": unknowns.lines,
        "errors": unknowns.errors,
        "messages": unknowns.messages,
    })
}

/// That one watched Caddy has more names than are watched, and in how many lines it spoke of others.
pub fn left_out((instance, lines): (&str, u64)) -> Value {
    json!({
        "type": "left_out",
        "schema": 1,
        "instance": instance,
        "watched": Engine::NAMES_MAX,
        "lines": lines,
    })
}

/// The open alerts about a watched Caddy itself, by rule.
pub fn of_source((instance, alerts): (&str, &Alerts)) -> Value {
    json!({
        "type": "source_alerts",
        "schema": 1,
        "instance": instance,
        "alerts": alerts.keys().collect::<Vec<_>>(),
    })
}

/// A silence in force.
pub fn silence(silence: &Silence) -> Value {
    let matchers = &silence.matchers;
    json!({
        "type": "silence",
        "schema": 1,
        "id": silence.id,
        "rule": matchers.rule,
        "certificate": matchers.certificate,
        "instance": matchers.instance,
        "cause": matchers.cause,
        "since": silence.since.to_string(),
        "until": silence.until.to_string(),
        "comment": silence.comment,
    })
}

/// The summary row.
pub fn summary(tally: &Tally) -> Value {
    let time = |at: Option<LogTime>| at.map(|at| at.to_string());
    json!({
        "type": "summary",
        "schema": 1,
        "lines": tally.lines,
        "matched": tally.matched,
        "understood": tally.understood,
        "unreadable": tally.unreadable.count,
        "unknown": tally.unknown,
        "first": time(tally.first),
        "last": time(tally.last),
        "alerts": {
            "critical": tally.alerts_of(Severity::Critical),
            "warning": tally.alerts_of(Severity::Warning),
            "info": tally.alerts_of(Severity::Info),
        },
    })
}
