//! A message into the JSON that a webhook is posted: every field of the message, and the schema.
//!
//! The header `Idempotency-Key` carries the message's stable id (as does `id` in the body), so a
//! receiver can drop what it has seen: we deliver at least once.

use crate::engine::message::Message;
use serde::Serialize;

/// The version of the JSON below; it grows fields without changing.
const SCHEMA: u8 = 1;

/// The header that names a delivery.
pub(super) const KEY: &str = "idempotency-key";

/// The JSON that a webhook gets.
#[derive(Serialize)]
pub(super) struct Delivery<'a> {
    schema: u8,
    #[serde(flatten)]
    message: &'a Message,
}

impl<'a> Delivery<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        Self {
            schema: SCHEMA,
            message,
        }
    }
}
