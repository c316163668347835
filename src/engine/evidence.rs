//! The lines that prove an alert, cut and made harmless.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a line came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file, container or unit.
    pub source: Arc<str>,
    /// Its number in the file, from 1.
    pub line: u64,
}

/// One line that proves something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The file, container or unit.
    pub source: Arc<str>,
    /// Its number in the file, from 1.
    pub line: u64,
    /// Its text: control and bidi characters neutralised, cut at [`Quote::CHARS_MAX`].
    pub text: Box<str>,
}

impl Quote {
    /// Longest text kept of a line, in characters.
    pub const CHARS_MAX: usize = 600;

    /// Quotes a line.
    pub fn new(origin: &Origin, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let source = neutral(&origin.source);
        // All quotes of a source share its name.
        let source = if *source == *origin.source {
            Arc::clone(&origin.source)
        } else {
            source.into()
        };
        Self {
            source,
            line: origin.line,
            text: neutral(&text).into(),
        }
    }
}

/// Makes log text safe to show, and cuts what is longer than [`Quote::CHARS_MAX`].
pub fn neutral(text: &str) -> String {
    match text.char_indices().nth(Quote::CHARS_MAX) {
        Some((end, _)) => harmless(text.get(..end).unwrap_or_default()) + "…",
        None => harmless(text),
    }
}

/// Control, bidi and other invisible characters become `\u{fffd}`.
pub fn harmless(text: &str) -> String {
    let shown = |c: char| {
        if is_harmless(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    let mut text: String = text.chars().map(shown).collect();
    text.shrink_to_fit();
    text
}

fn is_harmless(c: char) -> bool {
    let invisible = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !invisible
}

/// What is kept of a streak: its first failure, and its latest line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The line of the first failure.
    pub first: Option<Quote>,
    /// The latest line that failed, succeeded or called it due.
    pub last: Option<Quote>,
}

impl Evidence {
    /// Notes a failure.
    pub fn failure(&mut self, quote: Quote) {
        if self.first.is_none() {
            self.first = Some(quote.clone());
        }
        self.last = Some(quote);
    }

    /// The lines, first to last, none twice.
    pub fn quotes(&self) -> Vec<Quote> {
        let mut quotes: Vec<Quote> = self.first.iter().chain(&self.last).cloned().collect();
        quotes.dedup();
        quotes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_neutralised_and_cut() {
        assert_eq!(
            neutral("a\u{1b}[31mb\u{202e}c\n"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}"
        );
        assert_eq!(
            neutral(&"x".repeat(700)).chars().count(),
            Quote::CHARS_MAX + 1
        );
        assert_eq!(neutral("héllo 👋"), "héllo 👋");
    }

    #[test]
    fn a_single_line_is_quoted_once() {
        let origin = Origin {
            source: "caddy.log".into(),
            line: 3,
        };
        let mut evidence = Evidence::default();
        evidence.failure(Quote::new(&origin, b"x"));
        assert_eq!(evidence.quotes().len(), 1);
    }
}
