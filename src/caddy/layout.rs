//! Which keys of an object are message, level, time and logger. Caddy can rename and remove each
//! (`message_key` and its kind), and filters can, too.

use crate::caddy::duration::Unit;
use crate::caddy::entry::Level;
use crate::caddy::head;
use crate::caddy::stamp;
use crate::caddy::vocabulary::look_up;
use chrono::{FixedOffset, Offset, Utc};
use serde_json::Value;

/// The keys of Caddy's four own fields, where somebody has told them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// `message_key`.
    pub message: Option<String>,
    /// `level_key`.
    pub level: Option<String>,
    /// `time_key`.
    pub time: Option<String>,
    /// `name_key`.
    pub logger: Option<String>,
}

/// What is known of a source's lines before they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The keys that were told.
    pub keys: Keys,
    /// The zone of times that are printed without one.
    pub zone: FixedOffset,
    /// The unit of lengths printed as whole numbers, where it is known.
    pub unit: Option<Unit>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            zone: Utc.fix(),
            unit: None,
        }
    }
}

/// Where Caddy's own fields stand among the fields of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) message: usize,
    pub(super) level: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) logger: Option<usize>,
}

/// A message that says an entry is one of the traffic, under whatever key.
const TRAFFIC: &str = "handled request";
/// Fields that hold moments of their own, and are never the entry's.
const MOMENTS: [&str; 5] = ["expir", "not_", "window", "next_", "selected"];

impl Places {
    /// Finds them: under the key that was told, else under Caddy's default, else by shape. `None` when
    /// nothing is a message.
    pub(super) fn find(fields: &[(String, Value)], layout: &Layout) -> Option<Self> {
        let named = |told: &Option<String>, usual: &str, is: fn(&Value) -> bool| {
            let under = |key: &str| {
                fields
                    .iter()
                    .position(|(name, _)| name == key)
                    .filter(|place| fields.get(*place).is_some_and(|(_, value)| is(value)))
            };
            told.as_deref().and_then(under).or_else(|| under(usual))
        };
        let is_stamp = |value: &Value| value.is_number() || value.is_string();
        let keys = &layout.keys;
        // Zap's own fields come first: what stands behind them a site has added.
        let told = named(&keys.message, "msg", Value::is_string);
        let message = match (told, traffic(fields)) {
            (Some(told), Some(traffic)) => told.min(traffic),
            (told, traffic) => told.or(traffic).or_else(|| message(fields))?,
        };
        let texts = || {
            fields
                .iter()
                .enumerate()
                .filter_map(|(place, (_, value))| Some((place, value.as_str()?)))
                .filter(|(place, _)| *place != message)
        };
        let level = named(&keys.level, "level", Value::is_string).or_else(|| {
            texts()
                .find(|(_, text)| Level::from_word(text) != Level::Unknown)
                .map(|(place, _)| place)
        });
        let logger = named(&keys.logger, "logger", Value::is_string).or_else(|| {
            texts()
                .find(|(place, text)| Some(*place) != level && is_logger(text))
                .map(|(place, _)| place)
        });
        let time = named(&keys.time, "ts", is_stamp).or_else(|| {
            fields
                .iter()
                .position(|(name, value)| is_time(name, value, layout.zone))
        });
        Some(Self {
            message,
            level,
            time,
            logger,
        })
    }
}

/// What says that an entry is one of the traffic. Whatever else is in it, strangers may have chosen.
fn traffic(fields: &[(String, Value)]) -> Option<usize> {
    fields
        .iter()
        .position(|(_, value)| value.as_str().is_some_and(is_traffic))
}

/// Whether a text is the logger or the message of the traffic.
pub(super) fn is_traffic(text: &str) -> bool {
    text == TRAFFIC || head::is_traffic(text.as_bytes())
}

/// The first text that Caddy is known to say; none where a request was made.
fn message(fields: &[(String, Value)]) -> Option<usize> {
    if has_request(fields) {
        return None;
    }
    fields
        .iter()
        .position(|(_, value)| value.as_str().is_some_and(|text| look_up(text).is_some()))
}

/// Whether a request is among the fields.
pub(super) fn has_request(fields: &[(String, Value)]) -> bool {
    fields
        .iter()
        .any(|(_, value)| value.get("method").is_some() && value.get("uri").is_some())
}

/// Loggers of what speaks about certificates; others are not needed.
pub(super) fn is_logger(text: &str) -> bool {
    let shaped = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_' | b'0'..=b'9'));
    let root = text.split('.').next().unwrap_or_default();
    shaped
        && (matches!(root, "tls" | "pki")
            || matches!(text, "http" | "http.acme_client" | "http.auto_https"))
        || head::is_traffic(text.as_bytes())
}

/// A number or text that is a moment between 2001 and 2100, and no field of Caddy's own.
fn is_time(name: &str, value: &Value, zone: FixedOffset) -> bool {
    const FROM: i64 = 1_000_000_000;
    const TO: i64 = 4_102_444_800;
    let read = match value {
        Value::Number(number) => stamp::number(&number.to_string()),
        Value::String(text) => stamp::text_in(text, zone),
        _ => None,
    };
    let is_own = MOMENTS.iter().any(|part| name.contains(part))
        || matches!(
            name,
            "cert_expiry" | "renewal_cutoff" | "recheck_after" | "try_again"
        );
    !is_own && read.is_some_and(|time| (FROM..TO).contains(&time.seconds()))
}
