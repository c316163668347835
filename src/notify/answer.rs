//! What a channel replied into what to do: done, later, never.

use super::channel::{Channel, Kind};
use crate::time::WallTime;
use chrono::DateTime;
use reqwest::StatusCode;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The channel has taken the message.
    Delivered,
    /// It may take it later.
    Later {
        /// How long it asked us to wait.
        after: Option<Duration>,
        /// What went wrong, for people.
        why: String,
    },
    /// It will never take it as things are.
    Refused {
        /// What it objected to and what to do, for people.
        why: String,
    },
}

/// The part of an HTTP reply that decides. The body is left out: a server may echo our token in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<String>,
    pub(super) location: Option<String>,
}

impl Answer {
    pub(super) fn to_reply(reply: &Reply, channel: &Channel, now: WallTime) -> Self {
        match reply.status.as_u16() {
            200..300 => Self::Delivered,
            code @ (408 | 425 | 429 | 500..) => Self::Later {
                after: wait(reply.retry_after.as_deref(), now),
                why: match code {
                    429 => "the server asks us to slow down (429)".into(),
                    code => format!("the server has trouble of its own ({code})"),
                },
            },
            code => Self::Refused {
                why: objection(code, reply, channel),
            },
        }
    }

    pub(super) fn to_failure(error: &reqwest::Error) -> Self {
        let why = match (error.is_timeout(), error.is_connect()) {
            (true, true) => "no connection in time".into(),
            (true, false) => "no answer in time".into(),
            (false, true) => format!("cannot connect: {}", root(error)),
            (false, false) => format!("the request failed: {}", root(error)),
        };
        if error.is_builder() {
            Self::Refused { why }
        } else {
            Self::Later { after: None, why }
        }
    }
}

/// reqwest's own words name the URL, and that may hold a secret; the innermost cause does not.
fn root(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(Error::source) {
        cause = Some(inner);
    }
    match cause {
        Some(cause) => cause
            .to_string()
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect(),
        None => "no reason given".into(),
    }
}

fn objection(code: u16, reply: &Reply, channel: &Channel) -> String {
    match (code, channel.kind()) {
        (300..=399, _) => match elsewhere(reply) {
            Some(server) => format!(
                "the server sends us on to {server} ({code}), which we do not follow; write that address into the channel's url"
            ),
            None => format!("the server sends us on ({code}), which we do not follow; check the channel's url"),
        },
        (401, _) if channel.has_token() => {
            "the server does not accept the token (401); check the channel's token_file".into()
        }
        (401, _) => "the server wants a token (401); set the channel's token_file".into(),
        (403, Kind::Ntfy { topic }) if channel.has_token() => format!(
            "the token may not publish to topic {topic} (403); give its user write access, or check the topic"
        ),
        (403, Kind::Ntfy { topic }) => format!(
            "topic {topic} is not open to everyone (403); set the channel's token_file, or check the topic"
        ),
        (403, Kind::Webhook) => "the server forbids it (403); check the channel's url and token_file".into(),
        (404, Kind::Ntfy { .. }) => "there is no ntfy server at this address (404); check host and port of the channel's url".into(),
        (404, Kind::Webhook) => "there is nothing at this address (404); check the channel's url".into(),
        (413, _) => "the message is too large for the server (413)".into(),
        _ => format!("the server refuses it ({code}); check the channel's url"),
    }
}

/// Only the server: the rest of a location is a stranger's text, or repeats our secret path.
fn elsewhere(reply: &Reply) -> Option<String> {
    let url = Url::parse(reply.location.as_deref()?).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// Reads Retry-After: seconds or a date.
fn wait(retry_after: Option<&str>, now: WallTime) -> Option<Duration> {
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    let length = WallTime::from_micros(until.timestamp_micros()) - now;
    Some(length.to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Secret;

    fn answer(status: u16, retry_after: Option<&str>) -> Answer {
        let channel = Channel::from_url("c", "ntfy://h.example/t", None).unwrap();
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: retry_after.map(Into::into),
            location: None,
        };
        let now = WallTime::parse_rfc3339("2026-05-03T22:04:01Z").unwrap();
        Answer::to_reply(&reply, &channel, now)
    }

    #[test]
    fn a_status_decides() {
        for status in [200, 201, 202, 204] {
            assert_eq!(answer(status, None), Answer::Delivered);
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            let answer = answer(status, None);
            assert!(
                matches!(answer, Answer::Later { after: None, .. }),
                "{answer:?}"
            );
        }
        for status in [301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422] {
            let answer = answer(status, None);
            assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text| match answer(429, Some(text)) {
            Answer::Later { after, .. } => after.map(|after| after.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Sun, 03 May 2026 22:05:01 GMT"), Some(60));
        assert_eq!(after("Sun, 03 May 2026 22:00:00 GMT"), Some(0));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
    }

    #[test]
    fn a_refusal_says_what_to_check() {
        let why = |status, token: Option<&str>| {
            let token = token.map(Secret::new);
            let channel = Channel::from_url("c", "ntfy://h.example/t", token).unwrap();
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: None,
                location: Some("https://other.example/s3cret".into()),
            };
            match Answer::to_reply(&reply, &channel, WallTime::from_seconds(0)) {
                Answer::Refused { why } => why,
                other => panic!("{other:?}"),
            }
        };
        assert!(why(401, None).contains("wants a token"));
        assert!(why(401, Some("x")).contains("does not accept the token"));
        assert!(why(403, None).contains("topic t is not open to everyone"));
        assert!(why(403, Some("x")).contains("may not publish to topic t"));
        assert!(why(404, None).contains("no ntfy server"));
        let moved = why(308, None);
        assert!(moved.contains("to https://other.example (308)"), "{moved}");
        assert!(!moved.contains("s3cret"));
    }
}
