//! The bytes of a container's streams into new lines, and the place behind them.

use super::container::Handed;
use super::frame::{Framing, Garbage};
use super::join::Joining;
use super::order::Order;
use super::place::{Memory, Place, Verdict};
use crate::source::batch::{BATCH_BYTES_MAX, Gathering};
use crate::source::texts::Texts;
use crate::time::LogTime;
use std::sync::Arc;

/// A part of what a read brings: it holds no more lines than a batch does.
pub(super) const PART_BYTES: usize = 16 << 10;

/// What was read of a container and is not handed over yet.
#[derive(Debug)]
pub(super) struct Lines {
    framing: Framing,
    order: Order,
    joining: Joining,
    taken: Taken,
    /// Where the pass began.
    from: i64,
    /// Whether the pass follows.
    follows: bool,
}

/// The lines that are new, and how they are told from those that are not.
#[derive(Debug)]
struct Taken {
    memory: Memory,
    texts: Texts,
    /// Where no text was open last, and how many had been handed over by then.
    idle: (Place, u64),
    gathering: Gathering,
    is_unsent: bool,
    has_lost: bool,
}

impl Lines {
    pub(super) fn new(place: Place) -> Self {
        Self {
            framing: Framing::new(false),
            order: Order::default(),
            joining: Joining::default(),
            from: place.since,
            follows: false,
            taken: Taken {
                texts: Texts::resumed(0, place.line, place.texts),
                idle: (place.clone(), 0),
                gathering: Gathering::default(),
                memory: Memory::new(place),
                is_unsent: false,
                has_lost: false,
            },
        }
    }

    /// A pass begins; tells the time that its stream has to start at.
    pub(super) fn begin(&mut self, is_terminal: bool, follows: bool) -> i64 {
        self.from = self.place().since;
        self.follows = follows;
        self.framing = Framing::new(is_terminal);
        self.order = Order::default();
        self.joining = Joining::default();
        self.taken.memory.begin_pass();
        self.from
    }

    /// Takes the next bytes; says whether the stream can be trusted still.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<bool, Garbage> {
        let mut is_trusted = true;
        let Self {
            framing,
            order,
            joining,
            taken,
            follows,
            ..
        } = self;
        framing.feed(bytes, &mut |piece| {
            // What is known already is passed over, and may lie as it likes.
            is_trusted &= !*follows || taken.memory.is_searching() || order.allows(&piece);
            if is_trusted {
                if *follows {
                    order.note(&piece);
                }
                joining.take(piece, &mut |at, line| taken.line(at, line));
            }
        })?;
        Ok(is_trusted)
    }

    /// Takes what was begun and will not be ended any more.
    pub(super) fn finish(&mut self) {
        let Self { joining, taken, .. } = self;
        joining.finish(&mut |at, line| taken.line(at, line));
    }

    pub(super) fn is_unsent(&self) -> bool {
        self.taken.is_unsent
    }

    pub(super) fn is_full(&self) -> bool {
        self.taken.gathering.is_full() || self.taken.texts.counts().bytes >= BATCH_BYTES_MAX as u64
    }

    /// Whether a line of this time cannot have come by this stream.
    pub(super) fn lacks(&self, at: i64) -> bool {
        let open = self.joining.open_since().unwrap_or(i64::MIN);
        at > open.max(self.taken.memory.place().latest)
    }

    /// Whether the anchor was missed since this was asked last.
    pub(super) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.taken.has_lost)
    }

    /// Gives what there is to hand over.
    pub(super) fn take(&mut self, file: Arc<str>, caught_up: bool) -> Handed {
        self.taken.is_unsent = false;
        Handed {
            file,
            lines: self.taken.gathering.take(),
            counts: self.taken.texts.take_counts(),
            rejected_until: self.taken.texts.take_rejected(),
            place: self.place(),
            caught_up,
        }
    }

    /// Where to go on once everything so far is in the store.
    fn place(&self) -> Place {
        let mut place = self.taken.place();
        // What came before the anchor may have begun earlier.
        place.since = if self.taken.memory.is_searching() {
            self.from
        } else {
            let open = self.joining.open_since().unwrap_or(i64::MAX);
            open.min(place.since)
        };
        place
    }
}

impl Taken {
    /// Where to go on: before the first line of a text that is open still.
    fn place(&self) -> Place {
        let mut place = self.memory.place().clone();
        (place.line, place.texts) = (self.texts.line(), self.texts.known());
        if !self.texts.is_idle() {
            let (idle, given) = &self.idle;
            place.clone_from(idle);
            place.texts = self.texts.given() - given + self.texts.known();
        }
        place
    }

    fn line(&mut self, at: i64, line: &[u8]) {
        let before = self.texts.is_idle().then(|| self.memory.place().clone());
        match self.memory.judge(at, line) {
            Verdict::Known => return,
            Verdict::NewAfterLoss => {
                self.texts.forget_known();
                self.has_lost = true;
            }
            Verdict::New => {}
        }
        if let Some(before) = before {
            self.idle = (before, self.texts.given());
            self.idle.0.line = self.texts.line();
        }
        self.is_unsent = true;
        self.texts
            .brought(Some(LogTime::from_micros(at.div_euclid(1_000))));
        let gathering = &mut self.gathering;
        for part in [line, b"\n"] {
            self.texts.feed(part, &mut |text| gathering.push(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::frame;
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    /// A line as the engine keeps it: its stream, time and text.
    #[derive(Clone, Debug)]
    struct Kept {
        stream: u8,
        at: i64,
        text: String,
    }

    /// What the engine sends from a time on, in frames of up to 16 KiB.
    fn stream(log: &[Kept], from: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for kept in log.iter().filter(|kept| kept.at >= from) {
            let stamp = DateTime::from_timestamp_nanos(kept.at).to_rfc3339();
            let text = format!("{}\n", kept.text);
            for piece in text.as_bytes().chunks(16 << 10) {
                let payload = [stamp.as_bytes(), b" ", piece].concat();
                bytes.extend(frame(kept.stream, &payload));
            }
        }
        bytes
    }

    fn texts(lines: &mut Lines) -> (Vec<String>, Place) {
        let handed = lines.take("docker:caddy".into(), false);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let lines = handed.lines.into_iter().map(|line| text(line.bytes));
        (lines.collect(), handed.place)
    }

    fn kept(stream: u8, at: i64, text: &str) -> Kept {
        let text = text.to_owned();
        Kept { stream, at, text }
    }

    #[test]
    fn an_object_over_many_lines_comes_once_whenever_it_stops() {
        let text = ["{", "  \"msg\": \"a\"", "}", "{\"msg\":\"b\"}"];
        let log: Vec<_> = text
            .iter()
            .zip(1..)
            .map(|(text, at)| kept(2, at * 10, text))
            .collect();
        for stop in 0..=log.len() {
            let mut lines = Lines::new(Place::default());
            lines.begin(false, true);
            assert!(lines.feed(&stream(&log[..stop], 0)).unwrap());
            let (mut found, place) = texts(&mut lines);
            let mut lines = Lines::new(place);
            let from = lines.begin(false, true);
            assert!(lines.feed(&stream(&log, from)).unwrap());
            found.extend(texts(&mut lines).0);
            assert_eq!(found, ["{  \"msg\": \"a\"}", "{\"msg\":\"b\"}"], "{stop}");
        }
    }

    #[test]
    fn a_stream_that_repeats_itself_is_read_anew_and_each_line_once() {
        let log: Vec<_> = (0..2_000)
            .map(|number| kept(2, number * 10, &format!("line {number}")))
            .collect();
        let mut lines = Lines::new(Place::default());
        lines.begin(false, true);
        // After a rotation Docker 20.10 goes back to an older file.
        assert!(lines.feed(&stream(&log[..1_500], 0)).unwrap());
        assert!(!lines.feed(&stream(&log[300..1_600], 0)).unwrap());
        let from = lines.begin(false, false);
        assert!(lines.feed(&stream(&log, from)).unwrap());
        let expected: Vec<_> = log.into_iter().map(|kept| kept.text).collect();
        assert_eq!(texts(&mut lines).0, expected);
    }

    #[test]
    fn a_piece_that_a_rotation_repeats_is_not_taken_twice() {
        // Both measured with Docker 20.10: a whole line, and the end of one of 40 kB.
        let long: String = (0..9_000).map(|number| number.to_string()).collect();
        for text in ["short", &long] {
            let log = [kept(2, 10, "one"), kept(2, 20, text), kept(2, 30, "three")];
            let whole = stream(&log[..2], 0);
            let header = whole.len() - text.len() % (16 << 10) - 1 - 8;
            let stamp = DateTime::from_timestamp_nanos(20).to_rfc3339().len() + 1;
            let repeated = whole[header - stamp..].to_vec();
            let mut lines = Lines::new(Place::default());
            lines.begin(false, true);
            assert!(lines.feed(&whole).unwrap());
            assert!(!lines.feed(&repeated).unwrap());
            let from = lines.begin(false, false);
            assert!(lines.feed(&stream(&log, from)).unwrap());
            assert_eq!(texts(&mut lines).0, ["one", text, "three"]);
        }
    }

    #[test]
    fn a_log_that_was_cut_is_read_on_and_the_loss_is_said() {
        let log: Vec<_> = (0..9).map(|at| kept(2, at, &at.to_string())).collect();
        let mut lines = Lines::new(Place::default());
        lines.begin(false, false);
        lines.feed(&stream(&log[..3], 0)).unwrap();
        let (_, place) = texts(&mut lines);
        let mut lines = Lines::new(place);
        let from = lines.begin(false, false);
        lines.feed(&stream(&log[5..], from)).unwrap();
        assert_eq!(texts(&mut lines).0, ["5", "6", "7", "8"]);
        assert!(lines.take_lost() && !lines.take_lost());
    }

    #[test]
    fn equal_lines_of_one_time_are_counted_across_two_kills() {
        let log = ["0", "1", "0", "1", "2"].map(|text| kept(2, 7, text));
        let (mut place, mut all) = (Place::default(), Vec::new());
        for end in [2, 3, 5] {
            let mut lines = Lines::new(place);
            let from = lines.begin(false, false);
            lines.feed(&stream(&log[..end], from)).unwrap();
            let (some, reached) = texts(&mut lines);
            all.extend(some);
            place = reached;
        }
        assert_eq!(all, ["0", "1", "0", "1", "2"]);
    }

    #[test]
    fn a_clock_that_was_set_back_neither_loses_nor_doubles() {
        let log: Vec<_> = [5, 6, 7, 2, 3, 4, 8]
            .iter()
            .map(|at| kept(2, *at, &at.to_string()))
            .collect();
        let mut lines = Lines::new(Place::default());
        lines.begin(false, false);
        lines.feed(&stream(&log[..4], 0)).unwrap();
        let (before, place) = texts(&mut lines);
        let mut lines = Lines::new(place);
        let from = lines.begin(false, false);
        lines.feed(&stream(&log, from)).unwrap();
        let all = [before, texts(&mut lines).0].concat();
        assert_eq!(all, ["5", "6", "7", "2", "3", "4", "8"]);
        assert!(!lines.take_lost());
    }

    proptest! {
        /// Killed anywhere, also while it reads again what it read before; two streams that race, long
        /// lines, equal times and equal lines.
        #[test]
        fn no_line_is_lost_or_doubled(
            written in prop::collection::vec((1_u8..3, 0_i64..4, 0_usize..3, 0_usize..4), 1..40),
            kills in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..6),
            part in 1_usize..40_000,
        ) {
            let mut at = 1_795_396_624_000_000_000;
            let log: Vec<Kept> = written.iter().map(|(stream, step, text, length)| {
                // Two streams race: one may be a nanosecond behind the other.
                at += step - i64::from(*stream == 1 && *step > 1);
                let text = format!("{text}{}", "x".repeat(length * 9_000));
                Kept { stream: *stream, at, text }
            }).collect();
            let mut place = Place::default();
            let mut all = Vec::new();
            for (kill, follows) in kills.iter().map(Some).chain([None]).map(|kill| match kill {
                Some((kill, follows)) => (Some(kill), *follows),
                None => (None, false),
            }) {
                let mut lines = Lines::new(place.clone());
                let from = lines.begin(false, follows);
                let bytes = stream(&log, from);
                let end = kill.map_or(bytes.len(), |kill| kill.index(bytes.len() + 1));
                for part in bytes[..end].chunks(part) {
                    let is_trusted = lines.feed(part).unwrap();
                    // What is not handed over is lost by a kill.
                    let (some, reached) = texts(&mut lines);
                    all.extend(some);
                    place = reached;
                    if !is_trusted {
                        break;
                    }
                }
            }
            let expected: Vec<_> = log.into_iter().map(|kept| kept.text).collect();
            prop_assert_eq!(all, expected);
        }
    }
}
