//! What a homeserver replied into an answer, in words that say what to do.
//!
//! Of the body only the error code and the wait are taken, and the ids that were asked for: the
//! rest is the server's own text.

use crate::matrix_room::MatrixRoom;
use crate::notify::answer::{Answer, Reply};
use crate::notify::channel::Channel;
use crate::time::WallTime;
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// For the id of an alias.
    Resolve,
    /// Whether the room is encrypted.
    Look,
    /// To take a message.
    Send,
}

/// A reply, and the few things of its body that are used.
pub(super) struct Said {
    pub(super) step: Step,
    pub(super) reply: Reply,
    body: Value,
}

impl Said {
    pub(super) fn new(step: Step, reply: Reply, body: &[u8]) -> Self {
        Self {
            step,
            reply,
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key)?.as_str()
    }

    pub(super) fn is_yes(&self) -> bool {
        self.reply.status == StatusCode::OK && self.body.is_object()
    }

    /// Whether the homeserver itself, and not a proxy before it, says that there is no such thing.
    pub(super) fn is_absent(&self) -> bool {
        self.reply.status == StatusCode::NOT_FOUND && self.text("errcode") == Some("M_NOT_FOUND")
    }

    /// Whether the room may be another by now: an upgraded room is left behind under its alias.
    pub(super) fn is_room_gone(&self) -> bool {
        matches!(
            self.reply.status,
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
        ) && matches!(self.text("errcode"), Some("M_FORBIDDEN" | "M_NOT_FOUND"))
    }

    /// The answer to what was not done.
    pub(super) fn answer(&self, channel: &Channel, room: &MatrixRoom, now: WallTime) -> Answer {
        let common = Answer::to_reply(&self.reply, channel, now);
        let code = self.reply.status.as_u16();
        let errcode = self.text("errcode").unwrap_or_default();
        let why = match (code, errcode, common) {
            (_, "M_LIMIT_EXCEEDED", common) | (429, _, common) => return self.slow_down(&common),
            (_, _, later @ Answer::Later { .. }) => return later,
            (300..=399, _, Answer::Refused { why }) => why,
            (_, "M_USER_LOCKED" | "M_USER_SUSPENDED", _) => format!(
                "the homeserver has locked the user of the token ({errcode}); its administrator can lift that"
            ),
            (_, "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" | "M_USER_DEACTIVATED", _) | (401, _, _) => {
                token(errcode)
            }
            (_, "M_FORBIDDEN", _) => self.forbidden(channel, room),
            (_, "M_NOT_FOUND", _) => format!(
                "the homeserver knows no room {room} (404); check the channel's url, the room's settings show its id under Advanced"
            ),
            (_, "M_TOO_LARGE", _) | (413, _, _) => {
                "the message is too large for the homeserver (413)".into()
            }
            (200..=299 | 404 | 405, "" | "M_UNRECOGNIZED", _) => format!(
                "there is no Matrix homeserver at this address ({code}); a homeserver's name is often not where it is reached: https://NAME/.well-known/matrix/client says where"
            ),
            _ => format!(
                "the homeserver refuses it ({code}{}); check the channel's url",
                shown(errcode)
            ),
        };
        Answer::Refused { why }
    }

    fn slow_down(&self, common: &Answer) -> Answer {
        let named = match common {
            Answer::Later { after, .. } => *after,
            Answer::Delivered | Answer::Refused { .. } => None,
        };
        let own = self.body.get("retry_after_ms").and_then(Value::as_u64);
        Answer::Later {
            after: named.max(own.map(Duration::from_millis)),
            why: "the homeserver asks us to slow down (429)".into(),
        }
    }

    fn forbidden(&self, channel: &Channel, room: &MatrixRoom) -> String {
        match self.step {
            Step::Resolve => format!(
                "the homeserver does not tell the id of {room} (403); write the id into the channel's url, the room's settings show it under Advanced"
            ),
            Step::Look => {
                let join = super::homeserver::join(channel.address(), room);
                format!(
                    "the user of the token is not in the room {room} (403); invite it, and accept as that user: log in with a client, or run curl -X POST -H \"Authorization: Bearer TOKEN\" '{join}'"
                )
            }
            Step::Send => format!(
                "the user of the token may not write in the room {room} (403); raise its power level, or let everybody send messages"
            ),
        }
    }
}

fn token(errcode: &str) -> String {
    match errcode {
        "M_MISSING_TOKEN" => "the homeserver got no access token (401); does a proxy before it drop the Authorization header?".into(),
        "M_USER_DEACTIVATED" => "the user of the access token is deactivated; make another, and give the channel its token".into(),
        _ => "the homeserver does not know the access token (401), it may have been logged out; log in anew and give the channel the new token".into(),
    }
}

/// An error code is a stranger's text, too.
fn shown(errcode: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    if errcode.starts_with("M_") && errcode.len() <= 40 && errcode.bytes().all(plain) {
        format!(", {errcode}")
    } else {
        String::new()
    }
}
