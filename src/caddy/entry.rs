//! A line decoded: time, level, logger, message, fields.

use crate::caddy::stamp;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The severity Caddy gave a line. Never trusted alone: some failures are logged as info.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `warn`
    Warn,
    /// `error` and above
    Error,
    /// Absent, or a word Caddy does not use.
    Unknown,
}

impl Level {
    fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "debug" => Self::Debug,
            "info" => Self::Info,
            "warn" => Self::Warn,
            "error" | "dpanic" | "panic" | "fatal" => Self::Error,
            _ => Self::Unknown,
        }
    }

    /// Caddy's word for it, empty when unknown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Unknown => "",
        }
    }
}

/// A decoded line.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When Caddy says it happened; `None` when the line has no readable time.
    pub at: Option<LogTime>,
    /// Caddy's level.
    pub level: Level,
    /// The logger's name; empty where Caddy leaves it out (certmagic v0.21.5 to v0.25.2 drop it).
    pub logger: String,
    /// The message.
    pub msg: String,
    fields: Vec<(String, Value)>,
}

/// Why a line is not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Not one complete JSON object; the column (from 1) is where it stops being one.
    NotJson {
        /// Column, in bytes from 1; 0 when unknown.
        column: usize,
    },
    /// A JSON object without a text under `msg`.
    NoMessage,
}

impl Entry {
    /// Decodes one line of Caddy's JSON encoder. Of duplicate keys the first counts, since zap's
    /// own come first and a site may add fields of the same name (`log_append`).
    pub fn decode(line: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = serde_json::Deserializer::from_slice(line);
        let fields = reader
            .deserialize_map(FieldsVisitor)
            .and_then(|fields| reader.end().map(|()| fields))
            .map_err(|error| Unreadable::NotJson {
                column: error.column(),
            })?;
        let mut entry = Self {
            at: None,
            level: Level::Unknown,
            logger: String::new(),
            msg: String::new(),
            fields,
        };
        let msg = entry.text("msg").ok_or(Unreadable::NoMessage)?;
        entry.msg = msg.to_owned();
        entry.at = entry.field("ts").and_then(stamp_of);
        entry.level = entry.text("level").map_or(Level::Unknown, Level::from_word);
        entry.logger = entry.text("logger").unwrap_or_default().to_owned();
        Ok(entry)
    }

    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// A field as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    /// A field as a whole number.
    pub fn count(&self, name: &str) -> Option<u32> {
        u32::try_from(self.field(name)?.as_u64()?).ok()
    }

    /// A field as a moment: a number of seconds, milliseconds or nanoseconds, or a printed time.
    /// Caddy's zero time (-6795364578.87) and `null` are no moments.
    pub fn moment(&self, name: &str) -> Option<LogTime> {
        stamp_of(self.field(name)?).filter(|time| time.micros() > 0)
    }

    /// A field as a length: a number of seconds, or a Go duration such as `1m0s`.
    pub fn length(&self, name: &str) -> Option<TimeDelta> {
        match self.field(name)? {
            Value::Number(number) => stamp::seconds(&number.to_string()),
            Value::String(text) => stamp::go_duration(text),
            _ => None,
        }
    }

    /// A field as a list of texts; a single text is a list of one.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.field(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// The `error` field as text. Since acmez v3 it may be an ACME problem object, which is spelled
    /// here the way acmez prints it (acmez v3.1.6 `acme/problem.go`).
    pub fn error(&self) -> Option<String> {
        match self.field("error")? {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) => self.problem("error"),
            _ => None,
        }
    }

    /// An ACME problem object under `name`, spelled as `TYPE - DETAIL`; a text is returned as it is.
    pub fn problem(&self, name: &str) -> Option<String> {
        let value = self.field(name)?;
        let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) => Some(format!("{} - {}", part("type"), part("detail"))),
            _ => None,
        }
    }
}

fn stamp_of(value: &Value) -> Option<LogTime> {
    match value {
        Value::Number(number) => stamp::number(&number.to_string()),
        Value::String(text) => stamp::text(text),
        _ => None,
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_caddy_is_decoded() {
        let line = br#"{"level":"error","ts":1777845841.489,"logger":"tls.renew","msg":"will retry","error":"[a] Renew: x","attempt":29,"retrying_in":21600,"elapsed":151329.147}"#;
        let entry = Entry::decode(line).unwrap();
        assert_eq!(entry.at.map(LogTime::micros), Some(1_777_845_841_489_000));
        assert_eq!(
            (entry.level, entry.logger.as_str()),
            (Level::Error, "tls.renew")
        );
        assert_eq!(entry.count("attempt"), Some(29));
        assert_eq!(entry.length("retrying_in"), Some(TimeDelta::hours(6)));
        assert_eq!(
            entry.length("elapsed"),
            Some(TimeDelta::milliseconds(151_329_147))
        );
    }

    #[test]
    fn of_duplicate_keys_the_first_counts() {
        let entry =
            Entry::decode(br#"{"msg":"a","logger":"tls","msg":"b","logger":"http.log.access"}"#);
        assert_eq!(
            entry.map(|entry| (entry.msg, entry.logger)),
            Ok(("a".into(), "tls".into()))
        );
    }

    #[test]
    fn broken_lines_say_where_they_break() {
        assert_eq!(
            Entry::decode(b"not json"),
            Err(Unreadable::NotJson { column: 2 })
        );
        assert_eq!(
            Entry::decode(br#"{"level":"info"}"#),
            Err(Unreadable::NoMessage)
        );
        assert_eq!(Entry::decode(br#"{"msg":5}"#), Err(Unreadable::NoMessage));
        for broken in [
            &b""[..],
            b"[]",
            b"{",
            br#"{"msg":"a""#,
            b"{\"msg\":\"\xff\"}",
            br#"{"msg":"a"} {"#,
        ] {
            assert!(matches!(
                Entry::decode(broken),
                Err(Unreadable::NotJson { .. })
            ));
        }
    }

    #[test]
    fn odd_types_are_survived() {
        let entry = Entry::decode(
            br#"{"msg":"x","ts":[1],"level":7,"attempt":-1,"elapsed":{},"previous":9223372036854775807}"#,
        )
        .unwrap();
        assert_eq!(
            (entry.at, entry.count("attempt"), entry.length("elapsed")),
            (None, None, None)
        );
    }

    #[test]
    fn the_zero_time_of_go_is_no_moment() {
        let entry =
            Entry::decode(br#"{"msg":"x","next_start":-6795364578.8713455,"next_update":null}"#)
                .unwrap();
        assert_eq!(
            (entry.moment("next_start"), entry.moment("next_update")),
            (None, None)
        );
    }

    #[test]
    fn an_error_may_be_a_problem_object() {
        let entry = Entry::decode(br#"{"msg":"x","error":{"type":"urn:ietf:params:acme:error:dns","detail":"SERVFAIL looking up CAA"}}"#).unwrap();
        assert_eq!(
            entry.error().as_deref(),
            Some("urn:ietf:params:acme:error:dns - SERVFAIL looking up CAA")
        );
    }
}
