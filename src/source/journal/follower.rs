//! One round: all there is, then what comes.

use super::JournalSource;
use super::child::{Ending, Leash, Running};
use super::join::Joining;
use super::record::Record;
use super::trouble::{self, Trouble};
use super::{JournalPosition, PAUSE_MAX};
use crate::source::batch::{BATCH_BYTES_MAX, Batch, FromSource, Gathering, Reached, Stopped};
use crate::source::notice::{Notice, NoticeKind};
use crate::source::texts::Texts;
use crate::source::wake::Stop;
use crate::time::LogTime;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an object of journalctl may be long: a line of 1 MiB, every byte of it a number.
const OBJECT_BYTES_MAX: u64 = 8 << 20;

/// Where batches and notices go.
type To<'a> = &'a mut dyn FnMut(FromSource) -> Result<(), Stopped>;

/// What follows one unit or container.
pub(super) struct Follower {
    source: JournalSource,
    stop: Stop,
    /// What the lines of a batch are said to come from.
    file: Arc<str>,
    joining: Joining,
    texts: Texts,
    /// Where no text was open last, and how many had been handed over by then.
    idle: (JournalPosition, u64),
    gathering: Gathering,
    /// The record that a pass must begin with, until it has.
    expected: Option<String>,
    /// What came without a message since the last batch.
    without_message: u64,
    told_without_message: bool,
    /// Whether records came since the last batch.
    is_unsent: bool,
    is_first: bool,
    /// How long journalctl followed last. That it ended after a while is over once the journal is read to its
    /// end again.
    followed: Duration,
    trouble: Option<Trouble>,
}

/// Whether a pass ends at the end of the journal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    CatchUp,
    Follow,
}

impl Follower {
    pub(super) fn new(source: JournalSource, resume: &JournalPosition, stop: Stop) -> Self {
        let file = format!("journal:{}", source.matching.shown());
        Self {
            source,
            stop,
            file: file.into(),
            joining: Joining::resumed(resume),
            texts: Texts::resumed(0, resume.line, resume.texts),
            idle: (resume.clone(), 0),
            gathering: Gathering::default(),
            expected: None,
            without_message: 0,
            told_without_message: false,
            is_unsent: false,
            is_first: true,
            followed: Duration::ZERO,
            trouble: None,
        }
    }

    /// Reads all there is and what comes, until journalctl ends; it may be started again then.
    pub(super) fn round(&mut self, leash: &Leash, to: To<'_>) -> Result<(), Stopped> {
        let Some(ending) = self.pass(Pass::CatchUp, leash, to)? else {
            return Ok(());
        };
        if let Some(trouble) = Trouble::of_ending(&ending) {
            return self.fail(trouble, &ending, to);
        }
        let mut is_back = false;
        if self.joining.reached().is_some() {
            let lasted = self.followed >= PAUSE_MAX;
            is_back = self.recover_from(|trouble| trouble != Trouble::Ended || lasted, to)?;
        } else if trouble::is_kept_from_us(&self.source) {
            return self.enter(Trouble::NotAllowed, "", to);
        } else if self.trouble.is_none() {
            self.enter(Trouble::Empty, "", to)?;
        }
        // Nothing falls due of what was out of reach until it is said to be read to its end.
        if self.is_unsent || self.is_first || is_back {
            self.is_first = false;
            self.send(true, to)?;
        }
        let began = Instant::now();
        let ending = self.pass(Pass::Follow, leash, to)?;
        self.followed = began.elapsed();
        match ending {
            Some(ending) => self.enter(Trouble::Ended, &trouble::of_ending(&ending), to),
            None => Ok(()),
        }
    }

    /// Runs journalctl once. `None` when it could not be started, or it is time to stop.
    fn pass(&mut self, pass: Pass, leash: &Leash, to: To<'_>) -> Result<Option<Ending>, Stopped> {
        self.expected = self.joining.reached().map(str::to_owned);
        let follow = pass == Pass::Follow;
        let command = self.source.pass(self.expected.as_deref(), follow);
        let mut running = match leash.start(command) {
            Ok(Some(running)) => running,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.enter(Trouble::Missing, &error.to_string(), to)?;
                return Ok(None);
            }
        };
        self.read(&mut running, pass, to)?;
        let ending = running.finish();
        Ok((!self.stop.is_stopped()).then_some(ending))
    }

    fn read(&mut self, running: &mut Running, pass: Pass, to: To<'_>) -> Result<(), Stopped> {
        let began = Instant::now();
        let mut object = Vec::new();
        // An error reads as the end: how the child ended is judged next.
        while let Ok(true) = self.next(running, &mut object) {
            self.record(&object, to)?;
            if pass == Pass::Follow {
                let lasts = began.elapsed() >= PAUSE_MAX;
                self.recover_from(|trouble| trouble != Trouble::Ended || lasts, to)?;
            }
            let waits = memchr::memchr(b'\n', running.output.buffer()).is_none();
            let is_last_for_now = pass == Pass::Follow && waits;
            let is_full =
                self.gathering.is_full() || self.texts.counts().bytes >= BATCH_BYTES_MAX as u64;
            if self.is_unsent && (is_full || is_last_for_now) {
                self.send(is_last_for_now, to)?;
            }
        }
        Ok(())
    }

    /// Reads the next object; one that is too long reads as an empty one.
    fn next(&self, running: &mut Running, object: &mut Vec<u8>) -> io::Result<bool> {
        object.clear();
        if self.stop.is_stopped() {
            return Ok(false);
        }
        let output = &mut running.output;
        let length = output.take(OBJECT_BYTES_MAX).read_until(b'\n', object)?;
        if object.last() == Some(&b'\n') {
            return Ok(true);
        }
        if (length as u64) < OBJECT_BYTES_MAX {
            // The child died in mid-object; it will be read again.
            return Ok(false);
        }
        object.clear();
        output.skip_until(b'\n')?;
        Ok(true)
    }

    fn record(&mut self, object: &[u8], to: To<'_>) -> Result<(), Stopped> {
        let Some(record) = Record::parse(object) else {
            return self.without_message(to);
        };
        if let Some(expected) = self.expected.take() {
            if record.cursor == expected {
                return Ok(());
            }
            self.joining.forget_known();
            self.texts.forget_known();
            let text = "the journal no longer holds the record that was read last; what came right \
                after it may be missing, going on with the oldest record there is";
            self.say(NoticeKind::Lost, text.to_owned(), to)?;
        }
        self.is_unsent = true;
        if record.message.is_none() {
            self.without_message(to)?;
        }
        if self.texts.is_idle() {
            let position = self.joining.position(self.texts.line());
            self.idle = (position, self.texts.given());
        }
        let at = i64::try_from(record.at).ok().filter(|at| *at > 0);
        self.texts.brought(at.map(LogTime::from_micros));
        let (texts, gathering) = (&mut self.texts, &mut self.gathering);
        self.joining.take(record, &mut |mut line| {
            line.push(b'\n');
            texts.feed(&line, &mut |text| gathering.push(text));
        });
        Ok(())
    }

    /// A record came without its message, or something that is no record, or is too long for one.
    fn without_message(&mut self, to: To<'_>) -> Result<(), Stopped> {
        self.without_message += 1;
        if self.told_without_message {
            return Ok(());
        }
        self.told_without_message = true;
        let text = "journalctl gave something without a message; this and what else is like it is \
            counted and passed over";
        self.say(NoticeKind::Lost, text.to_owned(), to)
    }

    fn send(&mut self, caught_up: bool, to: To<'_>) -> Result<(), Stopped> {
        self.is_unsent = false;
        let mut counts = self.texts.take_counts();
        let without = std::mem::take(&mut self.without_message);
        counts.lines += without;
        counts.overlong += without;
        to(FromSource::Lines(Batch {
            source: Arc::clone(&self.source.name),
            file: Arc::clone(&self.file),
            lines: self.gathering.take(),
            counts,
            rejected_until: self.texts.take_rejected(),
            position: Reached::Journal(self.position()),
            caught_up,
        }))
    }

    fn position(&self) -> JournalPosition {
        let mut position = self.joining.position(self.texts.line());
        position.texts = self.texts.known();
        if !self.texts.is_idle() {
            let (idle, given) = &self.idle;
            position.clone_from(idle);
            position.texts = self.texts.given() - given + self.texts.known();
        }
        position
    }

    fn fail(&mut self, trouble: Trouble, ending: &Ending, to: To<'_>) -> Result<(), Stopped> {
        if self.is_unsent {
            self.send(false, to)?;
        }
        if trouble == Trouble::BadCursor && self.joining.reached().is_some() {
            // Not a state that lasts: the next round begins without a position.
            self.joining = Joining::default();
            self.texts.forget_known();
            return to(FromSource::Said(trouble.notice(&self.source, "")));
        }
        self.enter(trouble, &trouble::of_ending(ending), to)
    }

    fn enter(&mut self, trouble: Trouble, detail: &str, to: To<'_>) -> Result<(), Stopped> {
        if self.trouble == Some(trouble) {
            return Ok(());
        }
        self.trouble = Some(trouble);
        to(FromSource::Said(trouble.notice(&self.source, detail)))
    }

    /// Says that a trouble is over, if there is one and it is. Returns whether it did.
    fn recover_from(
        &mut self,
        is_over: impl Fn(Trouble) -> bool,
        to: To<'_>,
    ) -> Result<bool, Stopped> {
        if !self.trouble.is_some_and(is_over) {
            return Ok(false);
        }
        self.trouble = None;
        let text = format!("{} can be read", self.file);
        self.say(NoticeKind::Recovered, text, to)?;
        Ok(true)
    }

    fn say(&self, kind: NoticeKind, text: String, to: To<'_>) -> Result<(), Stopped> {
        to(FromSource::Said(Notice {
            source: Arc::clone(&self.source.name),
            kind,
            text,
            remedy: None,
        }))
    }
}
