//! A message into the body of ntfy's JSON publish, which goes to the root of the server.
//!
//! The watched Caddy is a tag, because several may serve one name. The message's stable id is the last tag:
//! ntfy has no idempotency key, so a reader that must not see a message twice can tell by it.

use crate::engine::message::{Message, Reason, Status};
use crate::rules::Severity;
use serde::Serialize;
use std::borrow::Cow;

/// ntfy turns a message of more than 4,096 bytes into an attachment that phones do not show.
const TEXT_BYTES: usize = 3_800;

/// ntfy reads 8,192 bytes of JSON; escapes count there, and title, topic and tags need room.
const TEXT_JSON_BYTES: usize = 6_800;

const TITLE_BYTES: usize = 250;
const TITLE_JSON_BYTES: usize = 500;

/// The JSON that ntfy takes.
#[derive(Serialize)]
pub(super) struct Publication<'a> {
    topic: &'a str,
    title: Cow<'a, str>,
    message: Cow<'a, str>,
    priority: u8,
    tags: [&'a str; 3],
}

impl<'a> Publication<'a> {
    pub(super) fn of(topic: &'a str, message: &'a Message) -> Self {
        let (priority, tag) = loudness(message);
        // Without a text ntfy would show "triggered".
        let text = if message.body.trim().is_empty() {
            &message.title
        } else {
            &message.body
        };
        Self {
            topic,
            title: cut(&message.title, "…", TITLE_BYTES, TITLE_JSON_BYTES),
            message: cut(text, "\n…", TEXT_BYTES, TEXT_JSON_BYTES),
            priority,
            tags: [tag, &message.instance, &message.id],
        }
    }
}

/// ntfy's priority (5 rings through a silent phone) and the emoji of the first tag.
fn loudness(message: &Message) -> (u8, &'static str) {
    match (message.status, message.reason, message.severity) {
        (Status::Resolved, ..) => (3, "white_check_mark"),
        (Status::Firing, Reason::Improved, _) => (3, "ballot_box_with_check"),
        (Status::Firing, _, Severity::Critical) => (5, "rotating_light"),
        (Status::Firing, _, Severity::Warning) => (4, "warning"),
        (Status::Firing, _, Severity::Info) => (2, "information_source"),
    }
}

/// The text if it fits, else as many whole characters as fit together with `mark`.
fn cut<'a>(text: &'a str, mark: &str, bytes: usize, json_bytes: usize) -> Cow<'a, str> {
    let (mut plain, mut escaped) = (0, 0);
    // Where the text ends if it has to be cut.
    let mut end = 0;
    for letter in text.chars() {
        plain += letter.len_utf8();
        escaped += match letter {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            '\0'..' ' => 6,
            _ => letter.len_utf8(),
        };
        if plain > bytes || escaped > json_bytes {
            let kept = text.get(..end).unwrap_or_default().trim_end();
            return Cow::Owned(format!("{kept}{mark}"));
        }
        if plain + mark.len() <= bytes && escaped + mark.len() < json_bytes {
            end = plain;
        }
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_marked() {
        let text = "é".repeat(3_000);
        let cut = cut(&text, "\n…", TEXT_BYTES, TEXT_JSON_BYTES);
        assert_eq!(cut.len(), TEXT_BYTES);
        assert!(cut.ends_with("é\n…"));
    }

    #[test]
    fn a_text_that_fits_is_left_alone() {
        let text = "x".repeat(TEXT_BYTES);
        assert!(matches!(
            cut(&text, "\n…", TEXT_BYTES, TEXT_JSON_BYTES),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn escapes_count_towards_the_json() {
        for hostile in ["\"", "\u{1}", "\n\\"] {
            let text = format!("{}.", hostile.repeat(TEXT_BYTES / hostile.len()));
            let cut = cut(&text, "\n…", TEXT_BYTES, TEXT_JSON_BYTES);
            let json = serde_json::to_string(&cut).unwrap();
            assert!(json.len() <= TEXT_JSON_BYTES + 2, "{}", json.len());
        }
    }
}
