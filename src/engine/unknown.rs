//! Messages about certificates that the table does not know: a guard against a newer Caddy.

use crate::engine::evidence::harmless;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an instance said that nobody understood. Bounded, whatever it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknowns {
    /// Lines in all.
    pub lines: u64,
    /// Of these, lines at level error.
    pub errors: u64,
    /// The first few different messages, made harmless and cut, with how often each came.
    pub messages: BTreeMap<String, u64>,
}

impl Unknowns {
    /// Different messages kept.
    pub const MESSAGES_MAX: usize = 8;
    /// Longest text kept of a message, in characters.
    const CHARS_MAX: usize = 120;

    /// Takes in a line.
    pub fn note(&mut self, msg: &str, is_error: bool) {
        self.lines += 1;
        self.errors += u64::from(is_error);
        let msg = harmless(&msg.chars().take(Self::CHARS_MAX).collect::<String>());
        if self.messages.len() < Self::MESSAGES_MAX || self.messages.contains_key(&msg) {
            *self.messages.entry(msg).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_messages_is_counted_and_not_kept() {
        let mut unknowns = Unknowns::default();
        for number in 0..1_000 {
            unknowns.note(
                &format!("message {number}\u{1b}[2J{}", "x".repeat(5_000)),
                number < 3,
            );
        }
        unknowns.note("message 1", false);
        assert_eq!((unknowns.lines, unknowns.errors), (1_001, 3));
        assert_eq!(unknowns.messages.len(), Unknowns::MESSAGES_MAX);
        let longest = unknowns
            .messages
            .keys()
            .map(|msg| msg.chars().count())
            .max();
        assert!(longest <= Some(Unknowns::CHARS_MAX));
        assert!(unknowns.messages.keys().all(|msg| !msg.contains('\u{1b}')));
    }
}
