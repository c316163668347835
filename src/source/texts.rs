//! Bytes in chunks into whole texts, and where to go on after a stop.
//!
//! While a text is open, the place to go on is the end of the last line before it. What was handed over
//! since then comes again on the way, in the same order, and is passed over by its number.

use crate::caddy::join::{Joined, Joiner, Text};
use crate::source::line::{Candidate, Counts, Scanner, Stamp};
use crate::time::LogTime;
use std::ops::ControlFlow;

/// Splits what it is fed into lines, and puts these together to texts.
#[derive(Debug, Default)]
pub struct Texts {
    scanner: Scanner,
    joiner: Joiner,
    /// The end of the last line at which no text was open.
    idle: Place,
    /// Texts handed over since.
    ahead: u64,
    given: u64,
    /// Texts that were handed over before a stop, and come again.
    known: u64,
    /// The stamp of the last text that its head rejected inside what brought it.
    rejected: Stamp,
    traffic: u64,
    at: Option<LogTime>,
}

/// The end of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    offset: u64,
    line: u64,
}

impl Texts {
    /// For a file read from its start.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a file read from `offset`, where line `line` has just ended, with so many texts handed over
    /// from there before.
    pub fn resumed(offset: u64, line: u64, ahead: u64) -> Self {
        Self {
            scanner: Scanner::resumed(offset, line),
            idle: Place { offset, line },
            known: ahead,
            ..Self::default()
        }
    }

    /// Takes the next bytes of the file and hands over the texts that are now complete.
    pub fn feed(&mut self, chunk: &[u8], on: &mut impl FnMut(Text<'_>)) {
        self.advance(chunk, &mut |text| {
            on(text);
            ControlFlow::Continue(())
        });
    }

    /// Like [`Self::feed`], but stops right behind the line at which `on` breaks; tells how many bytes
    /// of the chunk were taken.
    pub fn advance(
        &mut self,
        chunk: &[u8],
        on: &mut impl FnMut(Text<'_>) -> ControlFlow<()>,
    ) -> usize {
        let mut scanner = std::mem::take(&mut self.scanner);
        let taken = scanner.advance(chunk, &mut |line| self.take(line, on));
        self.scanner = scanner;
        taken
    }

    /// Ends the input: an unfinished last line is a line too, and an open text a text.
    pub fn finish(&mut self, on: &mut impl FnMut(Text<'_>)) {
        let mut on = |text: Text<'_>| {
            on(text);
            ControlFlow::Continue(())
        };
        let mut scanner = std::mem::take(&mut self.scanner);
        scanner.finish(&mut |line| {
            let _goes_on = self.take(line, &mut on);
        });
        self.scanner = scanner;
        let mut joiner = std::mem::take(&mut self.joiner);
        joiner.finish(&mut |joined| {
            let _goes_on = self.give(joined, &mut on);
        });
        self.joiner = joiner;
    }

    fn take(
        &mut self,
        line: Candidate<'_>,
        on: &mut impl FnMut(Text<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        if self.joiner.is_idle() {
            // What is known was handed over before the first text open then was complete.
            if line.from > self.idle.offset {
                self.known = 0;
            }
            self.idle = Place {
                offset: line.from,
                line: line.number - 1,
            };
            self.ahead = 0;
        }
        if line.overlong {
            return self.give(
                Joined::Text(Text {
                    bytes: line.bytes,
                    number: line.number,
                    overlong: true,
                    at: self.at,
                }),
                on,
            );
        }
        let mut joiner = std::mem::take(&mut self.joiner);
        joiner.take(line.bytes, line.number, self.at, &mut |joined| {
            if self.give(joined, on).is_break() {
                flow = ControlFlow::Break(());
            }
        });
        self.joiner = joiner;
        flow
    }

    fn give(
        &mut self,
        joined: Joined<'_>,
        on: &mut impl FnMut(Text<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match joined {
            Joined::Traffic(stamp) => {
                self.traffic += 1;
                self.rejected.remember(stamp);
                ControlFlow::Continue(())
            }
            Joined::Text(text) => {
                self.ahead += 1;
                self.given += 1;
                if self.known > 0 {
                    self.known -= 1;
                    return ControlFlow::Continue(());
                }
                self.rejected = Stamp::default();
                on(text)
            }
        }
    }

    /// When what is fed next was brought, where the source knows.
    pub(super) fn brought(&mut self, at: Option<LogTime>) {
        self.at = at;
    }

    /// Nothing that comes was handed over before.
    pub(super) fn forget_known(&mut self) {
        self.known = 0;
    }

    /// Texts to come that were handed over before.
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// Texts so far, those that came again among them.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// The size of the buffer that holds an unfinished line.
    #[cfg(test)]
    pub(super) fn buffer_bytes(&self) -> usize {
        self.scanner.buffer_bytes()
    }

    /// Whether no text is open.
    pub fn is_idle(&self) -> bool {
        self.joiner.is_idle()
    }

    /// Offset to go on from: the end of the last complete line with no text open.
    pub fn offset(&self) -> u64 {
        if self.is_idle() {
            self.scanner.offset()
        } else {
            self.idle.offset
        }
    }

    /// Number of the line that ends there; 0 before the first.
    pub fn line(&self) -> u64 {
        if self.is_idle() {
            self.scanner.line()
        } else {
            self.idle.line
        }
    }

    /// Texts that were handed over from behind there.
    pub fn ahead(&self) -> u64 {
        self.known + if self.is_idle() { 0 } else { self.ahead }
    }

    /// Offset of the end of what was fed, an unfinished line included.
    pub fn fed(&self) -> u64 {
        self.scanner.fed()
    }

    /// What was read since the last [`Self::take_counts`].
    pub fn counts(&self) -> Counts {
        Counts {
            rejected: self.scanner.counts().rejected + self.traffic,
            ..self.scanner.counts()
        }
    }

    /// What was read since the last call.
    pub fn take_counts(&mut self) -> Counts {
        let counts = self.counts();
        self.traffic = 0;
        self.scanner.take_counts();
        counts
    }

    /// The stamp of the last rejected line, when it came after the last text.
    pub fn rejected_until(&self) -> Stamp {
        let raw = self.scanner.rejected_until();
        if raw.is_none() { self.rejected } else { raw }
    }

    /// As [`Self::rejected_until`], once.
    pub fn take_rejected(&mut self) -> Option<Box<Stamp>> {
        let stamp = self.rejected_until();
        self.scanner.take_rejected();
        self.rejected = Stamp::default();
        (!stamp.is_none()).then(|| Box::new(stamp))
    }
}
