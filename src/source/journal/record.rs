//! One object of `journalctl -o json` into what we need of it.

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::fmt;

/// A record of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) cursor: String,
    /// When the journal took it, in microseconds since the epoch.
    pub(super) at: u64,
    /// What was written, without newlines; `None` when journalctl kept it to itself.
    pub(super) message: Option<Vec<u8>>,
    /// What the pieces of one line have in common.
    pub(super) key: String,
    /// Whether the line goes on in another record.
    pub(super) goes_on: bool,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    at: Value,
    #[serde(rename = "MESSAGE", default)]
    message: Value,
    #[serde(rename = "_LINE_BREAK", default)]
    line_break: Value,
    #[serde(rename = "_STREAM_ID", default)]
    stream: Value,
    #[serde(rename = "_PID", default)]
    pid: Value,
    #[serde(rename = "CONTAINER_ID", default)]
    container: Value,
    #[serde(rename = "CONTAINER_PARTIAL_MESSAGE", default)]
    partial: Value,
    #[serde(rename = "CONTAINER_PARTIAL_ID", default)]
    partial_of: Value,
}

impl Record {
    /// Reads one object; `None` when it is none.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let object: Object = serde_json::from_slice(json).ok()?;
        let key = [
            ("partial", &object.partial_of),
            ("container", &object.container),
            ("stream", &object.stream),
            ("pid", &object.pid),
        ]
        .into_iter()
        .find_map(|(kind, value)| Some(format!("{kind} {}", value.text()?)));
        let goes_on =
            object.line_break.text() == Some("line-max") || object.partial.text() == Some("true");
        let at = object.at.text().and_then(|text| text.parse().ok());
        Some(Self {
            cursor: object.cursor,
            at: at.unwrap_or_default(),
            message: object.message.into_line(),
            key: key.unwrap_or_default(),
            goes_on,
        })
    }
}

/// A field: text, numbers where the bytes cannot be printed, `null` where they are too many, and an
/// array of these where it was set more than once.
#[derive(Debug, Default)]
enum Value {
    #[default]
    None,
    Byte(u8),
    Bytes(Vec<u8>),
}

impl Value {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::None | Self::Byte(_) => None,
        }
    }

    /// A record is a line: a newline inside, which only the native protocol can bring, makes no second
    /// one.
    fn into_line(self) -> Option<Vec<u8>> {
        let Self::Bytes(mut bytes) = self else {
            return None;
        };
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        for byte in &mut bytes {
            if *byte == b'\n' {
                *byte = b' ';
            }
        }
        Some(bytes)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a field of a journal record")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Bytes(text.as_bytes().to_vec()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        u8::try_from(number)
            .map(Value::Byte)
            .map_err(|_| E::custom("a byte is at most 255"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = values.next_element()? {
            match value {
                Value::None => {}
                Value::Byte(byte) => all.push(byte),
                Value::Bytes(bytes) => {
                    if !all.is_empty() {
                        all.push(b' ');
                    }
                    all.extend(bytes);
                }
            }
        }
        Ok(Value::Bytes(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(json: &str) -> Option<String> {
        let json = format!(r#"{{"__CURSOR":"c","MESSAGE":{json},"UNKNOWN":{{"a":[1]}}}}"#);
        let record = Record::parse(json.as_bytes()).unwrap();
        record
            .message
            .map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_message_is_text_or_bytes_or_missing() {
        assert_eq!(message(r#""a \"b\" é""#).as_deref(), Some("a \"b\" é"));
        assert_eq!(message("[27, 91,51,49,109]").as_deref(), Some("\x1b[31m"));
        assert_eq!(message("null"), None);
        assert_eq!(message(r#"["a", [98]]"#).as_deref(), Some("a b"));
        assert_eq!(message(r#""two\nlines\n""#).as_deref(), Some("two lines"));
        assert_eq!(message("[]").as_deref(), Some(""));
    }

    #[test]
    fn pieces_of_a_line_are_known_by_their_stream() {
        let parse = |fields: &str| {
            let json = format!(r#"{{"__CURSOR":"c","__REALTIME_TIMESTAMP":"17",{fields}}}"#);
            let record = Record::parse(json.as_bytes()).unwrap();
            assert_eq!(record.at, 17);
            (record.key, record.goes_on)
        };
        let is = |key: &str, goes_on| (key.to_owned(), goes_on);
        assert_eq!(
            parse(r#""_PID":"7","_STREAM_ID":"ab","_LINE_BREAK":"line-max""#),
            is("stream ab", true)
        );
        assert_eq!(
            parse(r#""_PID":"7","_LINE_BREAK":"eof""#),
            is("pid 7", false)
        );
        assert_eq!(
            parse(r#""_PID":"7","CONTAINER_ID":"f00","CONTAINER_PARTIAL_MESSAGE":"true""#),
            is("container f00", true)
        );
        assert_eq!(
            parse(r#""CONTAINER_ID":"f00","CONTAINER_PARTIAL_ID":"9""#),
            is("partial 9", false)
        );
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in ["", "{}", "[]", "x", r#"{"__CURSOR":"c","MESSAGE":[256]}"#] {
            assert_eq!(Record::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(bytes in any::<Vec<u8>>()) {
            let _any = Record::parse(&bytes);
        }

        #[test]
        fn bytes_come_as_they_were(bytes in prop::collection::vec(11_u8.., 1..50)) {
            let json = format!(r#"{{"__CURSOR":"c","MESSAGE":{bytes:?}}}"#);
            prop_assert_eq!(Record::parse(json.as_bytes()).unwrap().message, Some(bytes));
        }
    }
}
