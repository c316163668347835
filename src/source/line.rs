//! Bytes in chunks of any size into the lines that may concern a certificate.
//!
//! The road of a rejected line is as short as it can be: find the newline, look at the head, done.
//! A line that lies wholly inside a chunk is never copied; of a line cut by the end of a chunk, or
//! longer than [`LINE_BYTES_MAX`], no more than that is ever held.

use crate::caddy::join::{TEXT_BYTES_MAX, hold};
use crate::caddy::{head, stamp};
use crate::time::LogTime;
use chrono::FixedOffset;
use std::ops::ControlFlow;

/// What is kept of a line; the rest of a longer one is skipped, and counted.
pub const LINE_BYTES_MAX: usize = TEXT_BYTES_MAX;

/// What the buffer for cut lines shrinks to after an unusually long one.
const HELD_USUAL: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that was not rejected by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The line without its newline, cut at [`LINE_BYTES_MAX`].
    pub bytes: &'a [u8],
    /// Its number in its file, from 1.
    pub number: u64,
    /// Where it begins in its file.
    pub from: u64,
    /// Whether it was cut.
    pub overlong: bool,
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines, rejected ones included.
    pub lines: u64,
    /// Bytes of these lines, newlines included.
    pub bytes: u64,
    /// Candidates that were cut at [`LINE_BYTES_MAX`].
    pub overlong: u64,
    /// Lines that their head rejected.
    pub rejected: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.overlong += other.overlong;
        self.rejected += other.rejected;
    }
}

/// Splits what it is fed into lines and gives out the candidates.
#[derive(Debug, Default)]
pub struct Scanner {
    held: Vec<u8>,
    /// Bytes of the unfinished line, held or not.
    open: u64,
    end: u64,
    number: u64,
    counts: Counts,
    rejected: Stamp,
}

impl Scanner {
    /// A scanner for a file read from its start.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner for a file read from `offset`, where line `line` has just ended.
    pub fn resumed(offset: u64, line: u64) -> Self {
        Self {
            end: offset,
            number: line,
            ..Self::default()
        }
    }

    /// Takes the next bytes of the file and hands over the candidates that are now complete.
    pub fn feed(&mut self, chunk: &[u8], on: &mut impl FnMut(Candidate<'_>)) {
        self.advance(chunk, &mut |candidate| {
            on(candidate);
            ControlFlow::Continue(())
        });
    }

    /// Like [`Self::feed`], but stops right behind the candidate for which `on` breaks; tells how many
    /// bytes of the chunk were taken.
    pub fn advance(
        &mut self,
        chunk: &[u8],
        on: &mut impl FnMut(Candidate<'_>) -> ControlFlow<()>,
    ) -> usize {
        let mut newlines = memchr::memchr_iter(b'\n', chunk);
        let mut start = 0;
        if self.open > 0 {
            let Some(at) = newlines.next() else {
                self.hold(chunk);
                return chunk.len();
            };
            self.hold(chunk.get(..at).unwrap_or_default());
            start = at + 1;
            if self.complete_held(1, on).is_break() {
                return start;
            }
        }
        let before = start;
        let mut rejected = None;
        let mut paused = false;
        for at in newlines {
            let line = chunk.get(start..at).unwrap_or_default();
            let from = self.end + (start - before) as u64;
            start = at + 1;
            self.number += 1;
            self.counts.lines += 1;
            if let Some(stamp) = head::reject(line) {
                rejected = Some(stamp);
                self.counts.rejected += 1;
                continue;
            }
            rejected = None;
            if self.offer(line, from, false, on).is_break() {
                paused = true;
                break;
            }
        }
        self.move_on(start - before);
        if let Some(stamp) = rejected {
            self.rejected.remember(stamp);
        }
        if paused {
            return start;
        }
        self.hold(chunk.get(start..).unwrap_or_default());
        chunk.len()
    }

    /// Ends the input: an unfinished last line is a line too.
    pub fn finish(&mut self, on: &mut impl FnMut(Candidate<'_>)) {
        if self.open > 0 {
            let _finished = self.complete_held(0, &mut |candidate| {
                on(candidate);
                ControlFlow::Continue(())
            });
        }
    }

    /// Offset of the end of the last complete line.
    pub fn offset(&self) -> u64 {
        self.end
    }

    /// Number of the last complete line; 0 before the first.
    pub fn line(&self) -> u64 {
        self.number
    }

    /// Offset of the end of what was fed, an unfinished line included.
    pub fn fed(&self) -> u64 {
        self.end + self.open
    }

    /// What was read since the last [`Self::take_counts`].
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What was read since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The stamp of the last rejected line, when it came after the last candidate.
    pub fn rejected_until(&self) -> Stamp {
        self.rejected
    }

    /// As [`Self::rejected_until`], once.
    pub fn take_rejected(&mut self) -> Stamp {
        std::mem::take(&mut self.rejected)
    }

    /// The size of the buffer that holds an unfinished line.
    pub fn buffer_bytes(&self) -> usize {
        self.held.capacity()
    }

    fn hold(&mut self, part: &[u8]) {
        self.open += part.len() as u64;
        hold(&mut self.held, part);
    }

    fn complete_held(
        &mut self,
        newline: usize,
        on: &mut impl FnMut(Candidate<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut line = std::mem::take(&mut self.held);
        let cut = self.open > line.len() as u64;
        let from = self.end;
        self.end += self.open;
        self.counts.bytes += self.open;
        self.open = 0;
        self.move_on(newline);
        self.number += 1;
        self.counts.lines += 1;
        // The end of a cut line is not there to be looked at.
        let proof = if cut { head::prove } else { head::reject };
        let flow = match proof(&line) {
            Some(stamp) => {
                self.counts.rejected += 1;
                self.rejected.remember(stamp);
                ControlFlow::Continue(())
            }
            None => self.offer(&line, from, cut, on),
        };
        line.clear();
        line.shrink_to(HELD_USUAL);
        self.held = line;
        flow
    }

    fn move_on(&mut self, bytes: usize) {
        self.end += bytes as u64;
        self.counts.bytes += bytes as u64;
    }

    fn offer(
        &mut self,
        line: &[u8],
        from: u64,
        cut: bool,
        on: &mut impl FnMut(Candidate<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut bytes = line;
        if self.number == 1
            && let Some(unmarked) = bytes.strip_prefix(BYTE_ORDER_MARK)
        {
            bytes = unmarked;
            if let Some(stamp) = head::reject(bytes) {
                self.counts.rejected += 1;
                self.rejected.remember(stamp);
                return ControlFlow::Continue(());
            }
        }
        if !cut {
            bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        }
        let kept = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
        let overlong = cut || kept.len() < bytes.len();
        self.counts.overlong += u64::from(overlong);
        self.rejected = Stamp::default();
        on(Candidate {
            bytes: kept,
            number: self.number,
            from,
            overlong,
        })
    }
}

/// The stamp of a line as it is spelled, kept unread: it is needed once per batch, and comes once per
/// line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: [u8; 48],
    length: usize,
}

impl Default for Stamp {
    fn default() -> Self {
        Self {
            bytes: [0; 48],
            length: 0,
        }
    }
}

impl Stamp {
    pub(super) fn remember(&mut self, stamp: &[u8]) {
        self.length = stamp.len().min(self.bytes.len());
        for (kept, byte) in self.bytes.iter_mut().zip(stamp) {
            *kept = *byte;
        }
    }

    /// Whether there was any.
    pub fn is_none(&self) -> bool {
        self.length == 0
    }

    /// Reads it; a time that names no zone is in `zone`.
    pub fn read(&self, zone: FixedOffset) -> Option<LogTime> {
        let text = std::str::from_utf8(self.bytes.get(..self.length)?).ok()?;
        match text.strip_prefix('"') {
            Some(quoted) => stamp::text_in(quoted.strip_suffix('"')?, zone),
            None => stamp::number(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset, Utc};
    use proptest::prelude::*;

    type Lines = Vec<(Vec<u8>, u64, bool)>;

    fn scan(chunks: &[&[u8]]) -> (Lines, Scanner) {
        let mut scanner = Scanner::new();
        let mut lines = Vec::new();
        let mut on =
            |line: Candidate<'_>| lines.push((line.bytes.to_vec(), line.number, line.overlong));
        for chunk in chunks {
            scanner.feed(chunk, &mut on);
        }
        scanner.finish(&mut on);
        (lines, scanner)
    }

    const ACCESS: &str = r#"{"level":"info","ts":1777845841.5,"logger":"http.log.access.log0"}"#;

    #[test]
    fn rejected_lines_are_counted_and_their_time_is_kept() {
        let text = format!("a\n{ACCESS}\r\n\nb\r\r\n{ACCESS}\n");
        let (lines, scanner) = scan(&[text.as_bytes()]);
        assert_eq!(
            lines,
            [
                (b"a".to_vec(), 1, false),
                (b"".to_vec(), 3, false),
                (b"b\r".to_vec(), 4, false)
            ]
        );
        assert_eq!(scanner.line(), 5);
        assert_eq!(scanner.offset(), text.len() as u64);
        assert_eq!(scanner.counts().bytes, text.len() as u64);
        assert_eq!(
            scanner
                .rejected_until()
                .read(Utc.fix())
                .map(LogTime::micros),
            Some(1_777_845_841_500_000)
        );
    }

    #[test]
    fn a_rejected_time_before_the_last_candidate_is_forgotten() {
        let (_, scanner) = scan(&[format!("{ACCESS}\nb\n").as_bytes()]);
        assert!(scanner.rejected_until().is_none());
    }

    #[test]
    fn a_byte_order_mark_hides_nothing() {
        let (lines, scanner) = scan(&[b"\xef\xbb", b"\xbfa\n\xef\xbb\xbfb\n"]);
        assert_eq!(lines[0].0, b"a");
        assert_eq!(lines[1].0, b"\xef\xbb\xbfb");
        assert_eq!(scanner.offset(), 10);
        let (lines, _) = scan(&[b"\xef\xbb\xbf", ACCESS.as_bytes(), b"\n"]);
        assert_eq!(lines, []);
    }

    #[test]
    fn a_line_of_64_mib_is_cut_and_the_next_one_found() {
        let mut scanner = Scanner::new();
        let mut lines = Vec::new();
        let mut largest = 0;
        let mut on = |line: Candidate<'_>| lines.push((line.bytes.len(), line.overlong));
        let chunk = vec![b'x'; 100_000];
        for _ in 0..671 {
            scanner.feed(&chunk, &mut on);
            largest = largest.max(scanner.buffer_bytes());
        }
        scanner.feed(b"\nnext\n", &mut on);
        assert_eq!(lines, [(LINE_BYTES_MAX, true), (4, false)]);
        assert!(largest <= 1_300_000, "{largest}");
        assert!(scanner.buffer_bytes() <= HELD_USUAL);
        assert_eq!(scanner.counts().overlong, 1);
    }

    #[test]
    fn the_longest_line_may_end_in_a_carriage_return() {
        for (extra, overlong) in [("", false), ("\r", false), ("x", true), ("\r\r", true)] {
            let text = [
                vec![b'x'; LINE_BYTES_MAX],
                format!("{extra}\n").into_bytes(),
            ]
            .concat();
            let (whole, _) = scan(&[&text]);
            let (cut, _) = scan(&[&text[..1000], &text[1000..]]);
            assert_eq!(whole, cut, "{extra:?}");
            assert_eq!(
                whole,
                [(vec![b'x'; LINE_BYTES_MAX], 1, overlong)],
                "{extra:?}"
            );
        }
    }

    #[test]
    fn a_pause_comes_right_behind_its_line() {
        let mut scanner = Scanner::new();
        let text = b"a\nb\nc";
        let taken = scanner.advance(text, &mut |_| ControlFlow::Break(()));
        assert_eq!((taken, scanner.offset(), scanner.line()), (2, 2, 1));
        let taken = scanner.advance(&text[2..], &mut |_| ControlFlow::Continue(()));
        assert_eq!((taken, scanner.offset(), scanner.fed()), (3, 4, 5));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_lines(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("\n".to_owned()), Just("\r\n".to_owned()), Just(format!("{ACCESS}\n")),
                    Just("\u{feff}".to_owned()), "[a-c\r]{0,9}", Just("will retry\n".to_owned()),
                ],
                0..40,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let text = pieces.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            let (whole, whole_end) = scan(&[&text]);
            let (cut, cut_end) = scan(&chunks);
            prop_assert_eq!(whole, cut);
            prop_assert_eq!(whole_end.offset(), text.len() as u64);
            prop_assert_eq!(whole_end.counts(), cut_end.counts());
            prop_assert_eq!(whole_end.line(), cut_end.line());
            prop_assert_eq!(whole_end.rejected_until(), cut_end.rejected_until());
        }
    }
}
