//! Records into whole lines, and the position that goes with them.
//!
//! A long line comes in pieces, with other records in between. The position stays before the first
//! piece of the oldest unfinished line, and counts the lines that were handed over since: reading from
//! there again completes the same lines in the same order, so that many are passed over. What ends a
//! line must therefore depend on the records alone, never on the clock.

use super::JournalPosition;
use super::record::Record;
use crate::caddy::join::hold;

/// A line that got no further piece for this long, by the time of other records, will get none.
const PATIENCE: u64 = 10_000_000;
/// Lines unfinished at once; the oldest gives way.
const OPEN_MAX: usize = 16;

/// Joins the pieces of lines.
#[derive(Debug, Default)]
pub(super) struct Joining {
    /// The record that was read last.
    reached: Option<String>,
    /// In the order of their first pieces.
    open: Vec<Open>,
    records: u64,
    completed: u64,
    /// Lines to come that were handed over before.
    known: u64,
}

#[derive(Debug)]
struct Open {
    key: String,
    bytes: Vec<u8>,
    /// The record before its first piece.
    before: Option<String>,
    /// Lines completed by then, without those that are not completed again when read from there.
    completed: u64,
    first: u64,
    last: u64,
    at: u64,
}

impl Joining {
    pub(super) fn resumed(position: &JournalPosition) -> Self {
        Self {
            reached: position.cursor.clone(),
            known: position.ahead,
            ..Self::default()
        }
    }

    /// The record that was read last.
    pub(super) fn reached(&self) -> Option<&str> {
        self.reached.as_deref()
    }

    /// The journal is not the one that was read before: nothing in it is known.
    pub(super) fn forget_known(&mut self) {
        self.known = 0;
    }

    /// Takes the next record and hands over the lines that are now complete.
    pub(super) fn take(&mut self, record: Record, on: &mut impl FnMut(Vec<u8>)) {
        self.records += 1;
        self.give_up(record.at, on);
        let Some(message) = record.message else {
            self.reached = Some(record.cursor);
            return;
        };
        let open = self.open.iter().position(|open| open.key == record.key);
        match (open, record.goes_on) {
            (None, false) => self.complete(message, on),
            (Some(index), false) => {
                let mut open = self.open.remove(index);
                hold(&mut open.bytes, &message);
                self.complete(open.bytes, on);
            }
            (Some(index), true) => {
                if let Some(open) = self.open.get_mut(index) {
                    hold(&mut open.bytes, &message);
                    (open.last, open.at) = (self.records, record.at);
                }
            }
            (None, true) => {
                let mut open = Open {
                    key: record.key,
                    bytes: Vec::new(),
                    before: self.reached.take(),
                    completed: self.completed,
                    first: self.records,
                    last: self.records,
                    at: record.at,
                };
                hold(&mut open.bytes, &message);
                self.open.push(open);
            }
        }
        self.reached = Some(record.cursor);
    }

    /// Where to go on once every line so far is in the store; `line` is their number.
    pub(super) fn position(&self, line: u64) -> JournalPosition {
        let (cursor, ahead) = match self.open.first() {
            Some(open) => (&open.before, self.completed - open.completed),
            None => (&self.reached, 0),
        };
        JournalPosition {
            cursor: cursor.clone(),
            ahead: ahead + self.known,
            line,
            texts: 0,
        }
    }

    /// Ends the lines that will not be finished any more.
    fn give_up(&mut self, now: u64, on: &mut impl FnMut(Vec<u8>)) {
        loop {
            let stale = |open: &Open| now.saturating_sub(open.at) > PATIENCE;
            let index = match self.open.iter().position(stale) {
                Some(index) => index,
                None if self.open.len() > OPEN_MAX => 0,
                None => return,
            };
            let ended = self.open.remove(index);
            for later in &mut self.open {
                // Read again from its first piece, nothing is seen of the line that ends here.
                later.completed += u64::from(later.first > ended.last);
            }
            self.complete(ended.bytes, on);
        }
    }

    fn complete(&mut self, line: Vec<u8>, on: &mut impl FnMut(Vec<u8>)) {
        self.completed += 1;
        if self.known > 0 {
            self.known -= 1;
        } else {
            on(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::line::LINE_BYTES_MAX;
    use proptest::prelude::*;

    fn record(number: usize, key: &str, text: &str, goes_on: bool, at: u64) -> Record {
        Record {
            cursor: number.to_string(),
            at,
            message: Some(text.as_bytes().to_vec()),
            key: key.to_owned(),
            goes_on,
        }
    }

    fn take(joining: &mut Joining, records: Vec<Record>) -> Vec<String> {
        let mut lines = Vec::new();
        for record in records {
            joining.take(record, &mut |line| {
                lines.push(String::from_utf8(line).unwrap());
            });
        }
        lines
    }

    #[test]
    fn others_in_between_do_not_break_a_line() {
        let mut joining = Joining::default();
        let lines = take(
            &mut joining,
            vec![
                record(1, "a", "whole", false, 0),
                record(2, "a", "one, ", true, 0),
                record(3, "b", "another", false, 0),
                record(4, "a", "two, ", true, 0),
            ],
        );
        assert_eq!(lines, ["whole", "another"]);
        let position = joining.position(2);
        assert_eq!((position.cursor.as_deref(), position.ahead), (Some("1"), 1));
        let lines = take(&mut joining, vec![record(5, "a", "three", false, 0)]);
        assert_eq!(lines, ["one, two, three"]);
        assert_eq!(joining.position(3).cursor.as_deref(), Some("5"));
    }

    #[test]
    fn a_line_without_an_end_holds_nothing_up() {
        let mut joining = Joining::default();
        let lines = take(
            &mut joining,
            vec![
                record(1, "a", "no end", true, 0),
                record(2, "b", "soon", false, PATIENCE),
                record(3, "b", "late", false, PATIENCE + 1),
            ],
        );
        assert_eq!(lines, ["soon", "no end", "late"]);
        let many = (0..100).map(|number| record(number, &number.to_string(), "x", true, 0));
        assert!(take(&mut joining, many.collect()).len() >= 100 - OPEN_MAX - 1);
    }

    #[test]
    fn a_line_is_bounded() {
        let mut joining = Joining::default();
        let piece = "x".repeat(49_152);
        let mut length = 0;
        for number in 0..1_000 {
            let piece = record(number, "a", &piece, number < 999, 0);
            joining.take(piece, &mut |line| length = line.len());
        }
        assert_eq!(length, LINE_BYTES_MAX + 1);
    }

    proptest! {
        /// Killed anywhere, and killed again while it reads what it read before.
        #[test]
        fn no_line_is_lost_or_doubled(
            records in prop::collection::vec((0_u8..3, any::<bool>(), 0_u64..4_000_000), 1..60),
            kills in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        ) {
            let mut at = 0;
            let make = |from: usize, to: usize, times: &[u64]| -> Vec<Record> {
                (from..to).map(|index| {
                    let (key, goes_on, _) = records[index];
                    record(index, &key.to_string(), &format!("{index} "), goes_on, times[index])
                }).collect()
            };
            let times: Vec<u64> = records.iter().map(|(_, _, step)| { at += step; at }).collect();
            let whole = take(&mut Joining::default(), make(0, records.len(), &times));

            let (mut lines, mut joining, mut from) = (Vec::new(), Joining::default(), 0);
            for kill in &kills {
                let until = from + kill.index(records.len() - from + 1);
                lines.extend(take(&mut joining, make(from, until, &times)));
                let position = joining.position(0);
                joining = Joining::resumed(&position);
                from = position.cursor.map_or(0, |cursor| cursor.parse::<usize>().unwrap() + 1);
            }
            lines.extend(take(&mut joining, make(from, records.len(), &times)));
            prop_assert_eq!(lines, whole);
        }
    }
}
