//! What is left of an object that was clipped, elided or redacted by hand, or cut by `systemctl`.
//!
//! Strings stay strings: zap escapes every quote that a stranger may send, so a bare quote is always
//! the encoder's own, and what looks like a key inside a value is never taken for one.

use crate::caddy::balance::Balance;
use serde_json::Value;

/// A nested value is looked through no deeper than this.
const DEPTH_MAX: usize = 64;
/// Objects in objects of which the fields are read: a problem has its subproblems.
const OBJECTS_MAX: usize = 3;
/// What programs and people write where they left something out.
const ELLIPSIS: &str = "\u{2026}";

/// The fields that can still be read; `None` when the text does not even begin like an object, or like
/// the rest of one.
pub fn fields(text: &[u8]) -> Option<Vec<(String, Value)>> {
    let text = String::from_utf8_lossy(text);
    // What goes on behind a whole object is no clipped one: a message may quote anything. Where the
    // middle was left out, braces that it opened are closed.
    let unclosed = text.trim_end_matches(['}', ']']);
    if text.starts_with('{') && Balance::default().feed(unclosed.as_bytes()) {
        return None;
    }
    let fields = fields_in(beginning(&text)?, 0);
    // Whose beginning is gone may be an entry of the traffic, with fields that a site added behind.
    let is_request = !text.starts_with('{') && fields.iter().any(|(key, _)| is_of_request(key));
    (!fields.is_empty() && !is_request).then_some(fields)
}

/// Every `"key":value` that can be read; `depth` is that of the object.
fn fields_in(mut rest: &str, depth: usize) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    while let Some((key, after)) = next_key(rest) {
        let (value, after) = value(after, depth);
        rest = after;
        fields.extend(value.map(|value| (key, value)));
    }
    fields
}

fn is_of_request(key: &str) -> bool {
    matches!(
        key,
        "request" | "method" | "uri" | "headers" | "resp_headers" | "bytes_read"
    )
}

/// The text behind an opening brace, or behind a mark that something was left out. Without one, a row of
/// a wrapped message would do.
fn beginning(text: &str) -> Option<&str> {
    if let Some(inside) = text.strip_prefix('{') {
        return Some(inside);
    }
    ["...", ELLIPSIS, "[...]", "[\u{2026}]"]
        .iter()
        .find_map(|mark| text.strip_prefix(mark))
}

/// The next `"key":`, wherever it comes, and what follows it. Escaped quotes open nothing.
fn next_key(mut text: &str) -> Option<(String, &str)> {
    loop {
        let at = text.find(['"', '\\'])?;
        let found = text.get(at..)?;
        if found.starts_with('\\') {
            let escaped = found.chars().nth(1).map_or(0, char::len_utf8);
            text = found.get(1 + escaped..)?;
            continue;
        }
        let Some((key, after)) = key_at(found) else {
            text = found.get(1..)?;
            continue;
        };
        if let Some(after) = after.trim_start().strip_prefix(':') {
            return Some((key.to_owned(), after.trim_start()));
        }
        text = after;
    }
}

/// A quoted name at the very start.
fn key_at(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = text.strip_prefix('"')?.split_once('"')?;
    let shaped =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@');
    (!key.is_empty() && key.bytes().all(shaped)).then_some((key, rest))
}

/// A value, as far as it can be read, and what follows it. A number or word that ends with the text may
/// have been longer, and so may a name or an address, which is a text without a space.
fn value(text: &str, depth: usize) -> (Option<Value>, &str) {
    match text.chars().next() {
        Some('"') => {
            let (value, mut rest) = string(text);
            // The quote behind a gap may be the first one of the next key.
            if value.ends_with(',') && value.contains(ELLIPSIS) {
                rest = text.get(text.len() - rest.len() - 1..).unwrap_or(rest);
            }
            let is_cut =
                !string_is_closed(text) || value.contains(ELLIPSIS) || value.contains("...");
            let is_kept = !is_cut || value.contains(' ');
            (is_kept.then_some(Value::String(value)), rest)
        }
        Some('[' | '{') => nested(text, depth),
        _ => {
            let end = text.find([',', '}', ']', ' ', '"']);
            let Some((word, rest)) = end.and_then(|end| text.split_at_checked(end)) else {
                return (None, "");
            };
            (serde_json::from_str(word).ok(), rest)
        }
    }
}

/// The string at the start: to its closing quote, to an ellipsis with no quote after it that closes a
/// value, or to the end.
fn string(text: &str) -> (String, &str) {
    let inside = text.get(1..).unwrap_or_default();
    let mut escaped = false;
    let end = inside.char_indices().find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    let (raw, rest) = match end {
        Some((end, _)) => (
            inside.get(..end).unwrap_or_default(),
            inside.get(end + 1..).unwrap_or_default(),
        ),
        None => (inside, ""),
    };
    (unescape(raw), rest)
}

/// The text of a string, whose end may have been cut in the middle of an escape.
fn unescape(raw: &str) -> String {
    (0..=6)
        .filter_map(|cut| raw.get(..raw.len().checked_sub(cut)?))
        .find_map(|raw| serde_json::from_str(&format!("\"{raw}\"")).ok())
        .unwrap_or_else(|| raw.to_owned())
}

/// A list or an object. A clipped list keeps the texts that are whole, a clipped object its fields.
fn nested(text: &str, outer: usize) -> (Option<Value>, &str) {
    let mut reader = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(value)) = reader.next() {
        let rest = text.get(reader.byte_offset()..).unwrap_or_default();
        return (Some(value), rest);
    }
    let mut rest = text;
    let mut depth = 0_usize;
    let mut texts = Vec::new();
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => {
                let is_closed = string_is_closed(rest);
                let (text, after) = string(rest);
                if is_closed {
                    texts.push(Value::String(text));
                }
                rest = after;
                continue;
            }
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
        if depth == 0 || depth > DEPTH_MAX {
            break;
        }
    }
    let value = if text.starts_with('[') {
        (!texts.is_empty()).then_some(Value::Array(texts))
    } else {
        let end = text.len() - rest.len();
        let inside = text.get(1..end).filter(|_| outer < OBJECTS_MAX);
        let fields = inside.map(|inside| fields_in(inside, outer + 1));
        fields.map(|fields| Value::Object(fields.into_iter().collect()))
    };
    (value, rest)
}

fn string_is_closed(text: &str) -> bool {
    let (_, rest) = string(text);
    !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        let fields = fields(text.as_bytes()).unwrap_or_default();
        Value::Object(fields.into_iter().rev().collect())
    }

    #[test]
    fn what_was_clipped_is_read_as_far_as_it_goes() {
        for (text, left) in [
            (
                r#"{"msg":"will retry","error":"[a.b] Renew: unexp"#,
                json!({"msg": "will retry", "error": "[a.b] Renew: unexp"}),
            ),
            (
                r#"{"msg":"x","error":"a \"b\" \u00e"#,
                json!({"msg": "x", "error": "a \"b\" "}),
            ),
            (r#"{"msg":"x","remaining":56"#, json!({"msg": "x"})),
            (
                r#"{"msg":"x","identifiers":["a.b","c.d"#,
                json!({"msg": "x", "identifiers": ["a.b"]}),
            ),
            (
                r#"{"ts":<redacted>,"msg":"x","n":1}"#,
                json!({"msg": "x", "n": 1}),
            ),
            (
                r#"{"level":"error", ... "msg":"x", … }"#,
                json!({"level": "error", "msg": "x"}),
            ),
            (
                r#"…,"logger":"tls","msg":"x"}"#,
                json!({"logger": "tls", "msg": "x"}),
            ),
            (r#"...,"msg":"x","n":2}"#, json!({"msg": "x", "n": 2})),
        ] {
            assert_eq!(read(text), left, "{text}");
        }
    }

    #[test]
    fn a_clipped_object_keeps_its_fields() {
        for (text, left) in [
            (
                r#"{"msg":"x","problem":{"type":"urn:a:connection","detail":"192.0.2.1: Fetching ht"#,
                json!({"msg": "x", "problem": {"type": "urn:a:connection", "detail": "192.0.2.1: Fetching ht"}}),
            ),
            (
                r#"{"problem":{"type":"urn:a:dns","instance":<hidden>},"msg":"x"}"#,
                json!({"msg": "x", "problem": {"type": "urn:a:dns"}}),
            ),
        ] {
            assert_eq!(read(text), left, "{text}");
        }
    }

    /// `systemctl status` joins the beginning of a line and its end, with whatever braces that has.
    #[test]
    fn braces_that_the_missing_middle_opened_are_closed() {
        assert_eq!(
            read(
                "{\"msg\":\"challenge failed\",\"challenge_type\":\"http\u{2026}problems\":null}}"
            ),
            json!({"msg": "challenge failed"})
        );
        assert_eq!(fields(br#"{"a":1} {"msg":"will retry"}"#), None);
    }

    #[test]
    fn a_key_right_behind_a_gap_is_found() {
        assert_eq!(
            read(
                "{\"msg\":\"x\",\"error\":\"[a.b] Renew: too many\u{2026},\"retrying_in\":60,\"n\":1}"
            ),
            json!({"msg": "x", "error": "[a.b] Renew: too many\u{2026},", "retrying_in": 60, "n": 1})
        );
    }

    #[test]
    fn half_a_name_is_no_name() {
        for text in [
            r#"{"msg":"x","identifier":"shop.exampl"#,
            r#"{"msg":"x","identifier":"shop.exa..."}"#,
            "{\"msg\":\"x\",\"identifier\":\"shop.e\u{2026}079899}",
        ] {
            assert_eq!(read(text), json!({"msg": "x"}), "{text}");
        }
    }

    #[test]
    fn a_quoted_entry_is_never_taken_for_one() {
        for text in [
            r#"{"uri":"/?x={\"msg\":\"will retry\",\"error\":\"[a.b] Renew: x\"}"#,
            r#"…\"msg\":\"will retry\",\"error\":\"[a.b] Renew: x\"}","status":404"#,
            r#"…"\"msg\":\"will retry\",\"error\":\"x"#,
            r#"{"request":{"headers":{"Msg":["will retry"],"msg":["will retry"#,
        ] {
            let fields = fields(text.as_bytes()).unwrap_or_default();
            assert!(fields.iter().all(|(key, _)| key != "msg"), "{text}");
        }
        let added = r#"…","uri":"/"},"size":7,"resp_headers":{},"msg":"will retry","error":"[a.b] Renew: x"}"#;
        assert_eq!(fields(added.as_bytes()), None);
        assert_eq!(fields(br#"GET /x "msg":"will retry" "#), None);
        assert_eq!(fields(b""), None);
    }
}
