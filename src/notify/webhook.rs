//! A message into the JSON that a webhook is posted: every field of the message, and the schema.
//!
//! The header `Idempotency-Key` carries the message's stable id (as does `id` in the body), so a
//! receiver can drop what it has seen: we deliver at least once. `at` is RFC 3339 in UTC and whole
//! seconds, as in every JSON that leaves the house.

use crate::engine::message::{Message, Reason, Status};
use crate::rules::Severity;
use serde::Serialize;

/// The version of the JSON below; it grows fields without changing.
const SCHEMA: u8 = 1;

/// The header that names a delivery.
pub(super) const KEY: &str = "idempotency-key";

/// The JSON that a webhook gets.
#[derive(Serialize)]
pub(super) struct Delivery<'a> {
    schema: u8,
    id: &'a str,
    incident: &'a str,
    instance: &'a str,
    certificate: Option<&'a str>,
    certificates: &'a [String],
    certificates_total: usize,
    severity: Severity,
    status: Status,
    reason: Reason,
    at: Option<String>,
    title: &'a str,
    body: &'a str,
    alerts: &'a [serde_json::Value],
}

impl<'a> Delivery<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        // Taken apart in full, so that a new field of the message is not forgotten here.
        let Message {
            id,
            incident,
            instance,
            certificate,
            certificates,
            certificates_total,
            severity,
            status,
            reason,
            at,
            title,
            body,
            alerts,
        } = message;
        Self {
            schema: SCHEMA,
            id,
            incident,
            instance,
            certificate: certificate.as_deref(),
            certificates,
            certificates_total: *certificates_total,
            severity: *severity,
            status: *status,
            reason: *reason,
            at: at.map(|at| at.to_string()),
            title,
            body,
            alerts,
        }
    }
}
