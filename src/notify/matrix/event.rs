//! A message into the content of an `m.room.message` event.
//!
//! Everything in it may be a stranger's text, so the HTML is built of escaped text alone, and
//! `m.mentions` is there and empty: without it a `@room` in a log line would ring every phone.

use crate::engine::message::Message;
use crate::rules::Severity;
use serde::Serialize;
use std::collections::BTreeSet;

/// A homeserver takes 65,536 bytes for the whole event. A character of ours becomes at most six
/// bytes in each of the two texts.
const TEXT_BYTES: usize = 4_500;
const TITLE_BYTES: usize = 400;

/// The content of the event.
#[derive(Serialize)]
pub(super) struct Content {
    msgtype: &'static str,
    body: String,
    format: &'static str,
    formatted_body: String,
    #[serde(rename = "m.mentions")]
    mentions: Mentions,
}

#[derive(Serialize)]
struct Mentions {}

impl Content {
    pub(super) fn of(message: &Message) -> Self {
        let title = cut(&message.title, TITLE_BYTES);
        let title = harmless(&title).replace('\n', " ");
        let text = cut(message.body.trim(), TEXT_BYTES);
        let text = harmless(&text);
        let word = message.word();
        // A notice makes no phone ring.
        let msgtype = match message.severity {
            Severity::Info => "m.notice",
            Severity::Warning | Severity::Critical => "m.text",
        };
        let plain = format!("{word}: {title}\n\n{text}");
        Self {
            msgtype,
            body: plain.trim_end().to_owned(),
            format: "org.matrix.custom.html",
            formatted_body: html(word, &title, &text, &evidence(message)),
            mentions: Mentions {},
        }
    }
}

fn html(word: &str, title: &str, text: &str, evidence: &BTreeSet<String>) -> String {
    let mut html = format!("<p><strong>{word}: {}</strong></p>", escape(title));
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let mut words: Vec<String> = Vec::new();
        let mut quotes = String::new();
        for line in paragraph.split('\n') {
            if evidence.contains(line) {
                quotes.push_str(&format!("<pre><code>{}</code></pre>", escape(line)));
            } else {
                words.push(escape(line));
            }
        }
        if !words.is_empty() {
            html.push_str(&format!("<p>{}</p>", words.join("<br>")));
        }
        html.push_str(&quotes);
    }
    html
}

/// The log lines that the message's alerts rest on, as they stand in its text.
fn evidence(message: &Message) -> BTreeSet<String> {
    let quotes = message
        .alerts
        .iter()
        .filter_map(|alert| alert.get("evidence")?.as_array())
        .flatten();
    quotes
        .filter_map(|quote| quote.get("text")?.as_str())
        .filter(|text| !text.is_empty())
        .map(harmless)
        .collect()
}

/// What steers a terminal or turns the writing direction becomes a mark.
fn harmless(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.replace(steers, "\u{fffd}")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The text if it fits, else as many whole characters as do, and a mark.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes);
    let kept = text.get(..end).unwrap_or_default();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::message::{Reason, Status};
    use serde_json::{Value, json};

    fn message(title: &str, body: &str) -> Message {
        Message {
            id: "m1".into(),
            incident: "i1".into(),
            instance: "caddy".into(),
            certificate: None,
            certificates: Vec::new(),
            certificates_total: 0,
            severity: Severity::Critical,
            status: Status::Firing,
            reason: Reason::Opened,
            at: None,
            title: title.into(),
            body: body.into(),
            alerts: vec![json!({"evidence": [{"text": "<b>line</b> `x`"}, {"text": ""}]})],
        }
    }

    fn content(message: &Message) -> Value {
        serde_json::to_value(Content::of(message)).unwrap()
    }

    #[test]
    fn paragraphs_lines_and_evidence_are_told_apart() {
        let body = "one\ntwo\n\nWhat to do: a & b\n\ncaddy.log, line 3:\n<b>line</b> `x`";
        let content = content(&message("a.example: bad", body));
        assert_eq!(
            content["body"],
            format!("CRITICAL: a.example: bad\n\n{body}")
        );
        assert_eq!(
            content["formatted_body"],
            "<p><strong>CRITICAL: a.example: bad</strong></p><p>one<br>two</p><p>What to do: a &amp; b</p><p>caddy.log, line 3:</p><pre><code>&lt;b&gt;line&lt;/b&gt; `x`</code></pre>"
        );
        assert_eq!(content["format"], "org.matrix.custom.html");
        assert_eq!(content["m.mentions"], json!({}));
    }

    #[test]
    fn only_what_is_loud_rings() {
        let mut message = message("t", "");
        for (severity, status, msgtype, body) in [
            (Severity::Critical, Status::Firing, "m.text", "CRITICAL: t"),
            (Severity::Warning, Status::Firing, "m.text", "WARNING: t"),
            (Severity::Warning, Status::Resolved, "m.text", "RESOLVED: t"),
            (Severity::Info, Status::Firing, "m.notice", "INFO: t"),
            (Severity::Info, Status::Resolved, "m.notice", "RESOLVED: t"),
        ] {
            (message.severity, message.status) = (severity, status);
            let content = content(&message);
            assert_eq!(content["msgtype"], msgtype);
            assert_eq!(content["body"], body);
            assert_eq!(
                content["formatted_body"],
                format!("<p><strong>{body}</strong></p>")
            );
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile =
            "<script>alert('1')</script><a href=\"https://e\">@room</a>\u{202e}\u{1b}[31m\r```";
        let content = content(&message(&format!("{hostile}\n# x"), hostile));
        let html = content["formatted_body"].as_str().unwrap();
        let ours = html
            .replace("<p>", "")
            .replace("</p>", "")
            .replace("<strong>", "")
            .replace("</strong>", "");
        assert!(!ours.contains(['<', '>', '"', '\'']), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{html}");
        for text in [html, content["body"].as_str().unwrap()] {
            assert!(!text.contains(['\u{202e}', '\u{1b}', '\r']), "{text}");
        }
        let first = content["body"].as_str().unwrap().lines().next().unwrap();
        assert!(first.ends_with("``` # x"), "{first}");
    }

    #[test]
    fn the_longest_message_is_well_below_the_limit() {
        for letter in ["<", "\"", "'", "\u{1}", "\\", "\n", "a\n\n", "é", "👋"] {
            let long = letter.repeat(20_000);
            let mut message = message(&long, &format!("x{long}"));
            message.alerts = vec![json!({"evidence": [{"text": long}]})];
            let json = serde_json::to_vec(&Content::of(&message)).unwrap();
            assert!(json.len() < 50_000, "{letter:?}: {}", json.len());
        }
    }
}
