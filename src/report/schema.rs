//! The rows that programs read, as JSON Schema: what `replay`, `watch --record`, `status`, `silence list` and
//! `notify log` print as JSON Lines.
//!
//! [`json`](crate::report::json) and those verbs decide; `tests/schema.rs` holds the two together. Every row
//! has every key of its type, null where nothing is known, so that a program can rely on them.

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::engine::alert::ClosedBy;
use crate::engine::certificate::{DueSource, RetrySource};
use crate::engine::message::{Reason, Status};
use crate::rules::{Scope, Severity};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// The dialect; `const`, `$defs` and references beside other keys are what programs understand today.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of one row.
pub fn schema() -> Json {
    let rows = [
        alert(),
        certificate(),
        unknown(),
        left_out(),
        summary(),
        source(),
        source_alerts(),
        silence(),
        delivery(),
    ];
    let one_of = rows
        .iter()
        .map(|(kind, _)| json!({"$ref": format!("#/$defs/{kind}")}));
    json!({
        "$schema": DRAFT,
        "title": "Row of notafter",
        "description": "One line of `replay --format json`, `watch --record`, `status --json`, `silence list --json` or `notify log --json`.",
        "type": "object",
        "required": ["type", "schema"],
        "oneOf": one_of.collect::<Vec<_>>(),
        "$defs": Map::from_iter(rows),
    })
}

/// A type of row, which always has exactly these keys.
fn row(kind: &str, description: &str, keys: &[Json]) -> (String, Json) {
    let of_all = json!({
        "type": {"const": kind},
        "schema": {"const": 1, "description": "Version of this contract."},
    });
    (
        kind.to_owned(),
        object(description, &[&[of_all], keys].concat()),
    )
}

fn object(description: &str, keys: &[Json]) -> Json {
    let keys = keys.iter().filter_map(Json::as_object).flatten();
    let keys: BTreeMap<&String, &Json> = keys.collect();
    json!({
        "type": "object",
        "description": description,
        "additionalProperties": false,
        "required": keys.keys().collect::<Vec<_>>(),
        "properties": keys,
    })
}

fn text(description: &str) -> Json {
    json!({"type": "string", "description": description})
}

fn count(description: &str) -> Json {
    json!({"type": "integer", "minimum": 0, "description": description})
}

/// RFC 3339 in UTC, whole seconds.
fn moment(description: &str) -> Json {
    json!({
        "type": "string",
        "format": "date-time",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        "description": description,
    })
}

/// 16 hexadecimal digits.
fn id(description: &str) -> Json {
    json!({"type": "string", "pattern": "^[0-9a-f]{16}$", "description": description})
}

fn word<W: Serialize>(description: &str, words: &[W]) -> Json {
    json!({"enum": words, "description": description})
}

fn rules(description: &str) -> Json {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

/// The same, or null where it is not known.
fn known(mut what: Json) -> Json {
    if let Some(kind) = what.get_mut("type") {
        *kind = json!([kind, "null"]);
    }
    if let Some(Json::Array(words)) = what.get_mut("enum") {
        words.push(Json::Null);
    }
    what
}

fn severity(description: &str) -> Json {
    word(description, &Severity::ALL)
}

/// Why an alert has a row.
const ALERT_REASONS: [Reason; 4] = [
    Reason::Opened,
    Reason::Worsened,
    Reason::Repeated,
    Reason::Closed,
];

/// Why an incident has a message.
const MESSAGE_REASONS: [Reason; 5] = [
    Reason::Opened,
    Reason::Worsened,
    Reason::Repeated,
    Reason::Improved,
    Reason::Closed,
];

fn instance() -> Json {
    text("The name of the watched Caddy.")
}

/// What alerts and certificates both tell of a certificate.
fn of_certificate() -> Json {
    let due = [DueSource::Ari, DueSource::Ratio, DueSource::Seen];
    let retry = [RetrySource::Announced, RetrySource::Predicted];
    let seen_by = [SeenBy::Caddy, SeenBy::Ca, SeenBy::Provider];
    json!({
        "instance": instance(),
        "not_after": known(moment("When the certificate expires.")),
        "not_after_source": known(word("Where that is known from.", &["log"])),
        "due_since": known(moment("When the renewal became due.")),
        "due_since_source": known(word("How that is known: from the CA's advice, the lifetime, or the first line that called it due.", &due)),
        "failing_since": known(moment("The first failure of the streak.")),
        "attempt": known(count("Caddy's counter, else ours since its start.")),
        "attempts_total": count("Failed attempts in all."),
        "next_retry": known(moment("When Caddy tries again.")),
        "next_retry_source": known(word("Whether Caddy announced that, or it is predicted.", &retry)),
        "tries_left": known(count("Attempts that begin before the certificate expires.")),
        "cause": known(word("Why the last attempt failed.", Cause::ALL)),
        "seen_by": known(word("Who met it.", &seen_by)),
        "ca": known(ca("The class of CA of the last attempt.")),
    })
}

fn ca(description: &str) -> Json {
    let classes = [Ca::Production, Ca::Staging, Ca::Internal, Ca::Other];
    word(description, &classes)
}

fn alert() -> (String, Json) {
    let statuses = [Status::Firing, Status::Resolved];
    let closed_by = [ClosedBy::Renewed, ClosedBy::Condition, ClosedBy::Forgotten];
    let quote = json!({
        "source": text("The file, container or unit."),
        "line": count("The number of the line in it."),
        "text": text("The line, made harmless and cut."),
    });
    let quote = object("A line that proves it.", &[quote]);
    let own = json!({
        "id": id("The alert."),
        "incident": id("The incident that it belongs to."),
        "rule": text("The rule."),
        "scope": word("What the alert is about.", &Scope::ALL.map(Scope::word)),
        "severity": severity("How loud it is."),
        "status": word("Whether it is open.", &statuses),
        "reason": word("What changed.", &ALERT_REASONS),
        "certificate": known(text("The name; null where the alert is about the source.")),
        "at": known(moment("The change, by the clock of the log.")),
        "opened_at": known(moment("The opening, by the clock of the log.")),
        "closed_by": known(word("Why it closed.", &closed_by)),
        "title": text("One sentence."),
        "summary": text("What is wrong, since when, and by when it hurts."),
        "remedy": text("The one next thing to do."),
        "evidence": {"type": "array", "items": quote, "description": "The lines that prove it."},
    });
    row(
        "alert",
        "One change of one alert.",
        &[of_certificate(), own],
    )
}

fn certificate() -> (String, Json) {
    let states = [
        "expired",
        "ended",
        "wrong-issuer",
        "recovering",
        "failing",
        "unmanaged",
        "due",
        "healthy",
        "unknown",
    ];
    let own = json!({
        "name": text("Its name."),
        "state": word("What it is, in one word.", &states),
        "issued_by": known(ca("The class of CA that issued the certificate in use.")),
        "alerts": rules("The rules whose alerts are open."),
        "silenced": rules("Those of them that nobody is told of."),
    });
    let description = "What is known of one certificate.";
    row("certificate", description, &[of_certificate(), own])
}

fn unknown() -> (String, Json) {
    let own = json!({
        "instance": instance(),
        "lines": count("Lines about certificates that nobody understood."),
        "errors": count("Those of them at level error."),
        "messages": {
            "type": "object",
            "additionalProperties": count("How often it came."),
            "description": "The first few different messages, made harmless and cut.",
        },
    });
    let description =
        "What one Caddy said about certificates that nobody understood; only where it did.";
    row("unknown", description, &[own])
}

fn left_out() -> (String, Json) {
    let own = json!({
        "instance": instance(),
        "watched": count("So many names are watched."),
        "lines": count("Lines about other names."),
    });
    row(
        "left_out",
        "One Caddy has more names than are watched; only where it has.",
        &[own],
    )
}

fn summary() -> (String, Json) {
    let of = |word: &str| count(&format!("Alerts whose highest severity was {word}."));
    let alerts = json!({
        "critical": of("critical"),
        "warning": of("warning"),
        "info": of("info"),
    });
    let own = json!({
        "lines": count("Lines read."),
        "matched": count("Lines about certificates."),
        "understood": count("Lines that are entries of Caddy."),
        "unreadable": count("Lines that are none."),
        "unknown": count("Lines about certificates that nobody understood."),
        "first": known(moment("The earliest stamp.")),
        "last": known(moment("The latest stamp.")),
        "alerts": object("How many alerts there were.", &[alerts]),
    });
    row(
        "summary",
        "What was read; the last row of a replay.",
        &[own],
    )
}

fn source() -> (String, Json) {
    let own = json!({
        "instance": instance(),
        "caught_up": {"type": "boolean", "description": "Whether its log was read to the end once."},
        "log_time": known(moment("How far its log has come.")),
        "lines": count("Lines read since the watch began."),
        "understood": count("Those of them that are entries of Caddy."),
        "unreadable": count("Those of them that are none."),
    });
    row("source", "A log that the running watch reads.", &[own])
}

fn source_alerts() -> (String, Json) {
    let own = json!({
        "instance": instance(),
        "alerts": rules("The rules whose alerts are open."),
    });
    row(
        "source_alerts",
        "The open alerts about a log itself; only where there are some.",
        &[own],
    )
}

fn silence() -> (String, Json) {
    let own = json!({
        "id": id("What `silence expire` takes."),
        "rule": known(text("Only alerts of this rule.")),
        "certificate": known(text("Only alerts about these names; `*` stands for any characters.")),
        "instance": known(text("Only alerts of this watched Caddy.")),
        "cause": known(text("Only alerts with this cause, or one that begins with it and a dot.")),
        "since": moment("When it was made."),
        "until": moment("When it ends."),
        "comment": text("Why."),
    });
    row(
        "silence",
        "Alerts that nobody is told of for a while.",
        &[own],
    )
}

fn delivery() -> (String, Json) {
    let states = ["owed", "delivered", "refused", "superseded"];
    let own = json!({
        "channel": text("The channel."),
        "id": text("The message; the same at every channel and every try."),
        "state": word("What became of it.", &states),
        "attempts": count("How often it was tried."),
        "owed_at": moment("When it was made."),
        "tried_at": known(moment("When it was tried last.")),
        "next_try": known(moment("When it is tried next.")),
        "last_error": known(text("Why it was not taken last.")),
        "incident": known(id("What it is about.")),
        "severity": known(severity("How loud it is.")),
        "reason": known(word("Why there is a message.", &MESSAGE_REASONS)),
        "title": known(text("Its first line.")),
    });
    row("delivery", "A message and one channel.", &[own])
}
