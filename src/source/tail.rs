//! A live log and its rotated set into batches, one look at a time.
//!
//! A look reads everything there is and ends at the end of the live file. Between two looks the file
//! stays open: what a writer still puts into it after a rename is read before the next one. The next
//! file is begun only when it holds something; so the position is always in a file that can be told
//! from others by its head.

use crate::source::batch::{Batch, FromSource, Gathering, Reached, Stopped};
use crate::source::buffer::Buffer;
use crate::source::file::FileSource;
use crate::source::line::Counts;
use crate::source::notice::{self, Notice, NoticeKind};
use crate::source::onward::{How, Place, members, onward};
use crate::source::position::{Inode, Position};
use crate::source::reading::Reading;
use crate::source::wake::Stop;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// How long a log may be missing in the middle of a rotation before it is worth a word.
const ROTATION_TAKES: Duration = Duration::from_secs(2);
/// A file system whose inodes do not hold still would otherwise keep us running in a circle.
const AGAIN_MAX: u32 = 100;

/// Where batches and notices go.
pub(super) type To<'a> = &'a mut dyn FnMut(FromSource) -> Result<(), Stopped>;

/// What follows one live log.
pub(super) struct Tail {
    source: FileSource,
    stop: Stop,
    reading: Option<Reading>,
    position: Option<Position>,
    gathering: Gathering,
    buffer: Buffer,
    /// Members that could not be opened, and are passed over.
    unreadable: Vec<(Inode, i64)>,
    trouble: Option<NoticeKind>,
    missing_since: Option<Instant>,
    told_caught_up: bool,
    opened: bool,
    /// How often in a row the directory changed between listing and opening.
    again: u32,
}

/// How a look ended: at the end for now, or there is more to read.
#[derive(PartialEq, Eq)]
enum Pace {
    Rest,
    GoOn,
}

impl Tail {
    pub(super) fn new(source: FileSource, resume: Option<Position>, stop: Stop) -> Self {
        Self {
            source,
            stop,
            reading: None,
            position: resume,
            gathering: Gathering::default(),
            buffer: Buffer::new(READ_BYTES),
            unreadable: Vec::new(),
            trouble: None,
            missing_since: None,
            told_caught_up: false,
            opened: false,
            again: 0,
        }
    }

    /// Reads everything there is.
    pub(super) fn look(&mut self, to: To<'_>) -> Result<(), Stopped> {
        loop {
            let pace = match self.reading.take() {
                None => self.begin(to)?,
                Some(reading) => self.read_on(reading, to)?,
            };
            if pace == Pace::Rest {
                return Ok(());
            }
        }
    }

    /// Opens the file to start with.
    fn begin(&mut self, to: To<'_>) -> Result<Pace, Stopped> {
        match self.place(None, None) {
            Err(error) => self.fail(&error, to),
            Ok(None) => {
                let missing = io::Error::from(io::ErrorKind::NotFound);
                self.fail(&missing, to)
            }
            Ok(Some(place)) => self.enter(&place, None, to),
        }
    }

    /// Reads the open file to its end, and finds out what that end means.
    fn read_on(&mut self, mut reading: Reading, to: To<'_>) -> Result<Pace, Stopped> {
        match reading.was_cut() {
            Ok(false) => {}
            Ok(true) => return self.cut(reading, to),
            Err(error) => return self.fail(&error, to),
        }
        if let Some(place) = self.overlooked(&reading) {
            return self.enter(&place, None, to);
        }
        if let Err(error) = self.drain(&mut reading, to)? {
            // They are read again, from the position.
            drop(self.gathering.take());
            return self.fail(&error, to);
        }
        let live = match std::fs::metadata(&self.source.path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.reading = Some(reading);
                return self.fail(&error, to);
            }
        };
        if live.is_some_and(|live| Inode::of(&live) == reading.inode) {
            self.recover(to)?;
            self.rest(reading, to)?;
            return Ok(Pace::Rest);
        }
        self.flush(&mut reading, to)?;
        match self.place(
            Some((reading.inode, reading.modified)),
            reading.trace().as_ref(),
        ) {
            Err(error) => {
                self.reading = Some(reading);
                self.fail(&error, to)
            }
            Ok(None) => {
                self.rest(reading, to)?;
                self.miss(to)
            }
            Ok(Some(place)) if place.member.is_live && place.member.is_empty() => {
                self.recover(to)?;
                self.rest(reading, to)?;
                Ok(Pace::Rest)
            }
            Ok(Some(place)) => self.enter(&place, Some(reading), to),
        }
    }

    fn place(
        &self,
        read: Option<(Inode, i64)>,
        trace: Option<&Position>,
    ) -> io::Result<Option<Place>> {
        let members = members(&self.source.path, &self.unreadable)?;
        Ok(onward(members, read, trace.or(self.position.as_ref())))
    }

    /// What an empty live file held between two looks, if it was filled, copied and cut: nothing of
    /// it was seen, so its head cannot tell.
    fn overlooked(&self, reading: &Reading) -> Option<Place> {
        if !reading.rested || reading.texts.fed() > 0 {
            return None;
        }
        let place = self.place(None, None).ok()??;
        let is_before = matches!(place.how, How::First | How::Resumed) && !place.member.is_live;
        is_before.then_some(place)
    }

    /// Opens the next file; only then what is left of the last one is handed over.
    fn enter(&mut self, place: &Place, last: Option<Reading>, to: To<'_>) -> Result<Pace, Stopped> {
        let opened = Reading::open(&place.member.path, place.offset, place.line, place.ahead);
        let mut next = match opened {
            Ok(next) if next.inode == place.member.inode => next,
            // The name has moved on since the directory was read.
            Ok(_) => return Ok(self.again(last)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.again(last)),
            Err(error) if place.member.is_live => {
                self.reading = last;
                return self.fail(&error, to);
            }
            Err(error) => {
                self.unreadable
                    .push((place.member.inode, place.member.modified()));
                let text = format!(
                    "{}: {error}; its lines are lost",
                    place.member.path.display()
                );
                self.say(NoticeKind::Lost, text, None, to)?;
                return Ok(self.again(last));
            }
        };
        if let Some(last) = last {
            let was_live = last.was_live;
            self.leave(last, place.how != How::Resumed, to)?;
            if was_live {
                let text = format!("{} was rotated", self.source.path.display());
                self.say(NoticeKind::Rotated, text, None, to)?;
            }
        } else {
            self.say_how(place, to)?;
        }
        if place.member.is_live {
            self.recover(to)?;
            if !self.opened {
                self.opened = true;
                let text = format!("{} is open", self.source.path.display());
                self.say(NoticeKind::Opened, text, None, to)?;
            }
        }
        next.was_live = place.member.is_live;
        self.again = 0;
        self.told_caught_up = false;
        self.reading = Some(next);
        Ok(Pace::GoOn)
    }

    fn again(&mut self, last: Option<Reading>) -> Pace {
        self.reading = last;
        self.again += 1;
        if self.again.is_multiple_of(AGAIN_MAX) {
            Pace::Rest
        } else {
            Pace::GoOn
        }
    }

    fn say_how(&mut self, place: &Place, to: To<'_>) -> Result<(), Stopped> {
        let (live, next) = (self.source.path.display(), place.member.path.display());
        let (kind, text) = match place.how {
            How::Cut => (
                NoticeKind::Truncated,
                format!("{live} was cut while nobody read it; reading it from its start"),
            ),
            How::Later => (
                NoticeKind::Lost,
                format!(
                    "the file that was read last is gone, and what was written to it after line {} \
                     with it; going on at the start of {next}",
                    self.position.as_ref().map_or(0, |position| position.line)
                ),
            ),
            How::First | How::Next | How::Resumed => return Ok(()),
        };
        self.say(kind, text, None, to)
    }

    /// Reads what was still written after the next file was seen. A last line without its newline
    /// will not get one any more, unless it is read again from elsewhere.
    fn leave(&mut self, mut last: Reading, finish: bool, to: To<'_>) -> Result<(), Stopped> {
        if finish {
            // It was read without an error a moment ago; whatever came since is not held back by one.
            let _read = self.drain(&mut last, to)?;
            last.texts.finish(&mut |text| self.gathering.push(text));
        }
        self.flush(&mut last, to)
    }

    fn flush(&mut self, reading: &mut Reading, to: To<'_>) -> Result<(), Stopped> {
        if reading.texts.counts().lines > 0 {
            self.send(reading, false, to)?;
        }
        Ok(())
    }

    /// The live file was cut: what was not read of it may be in a copy.
    fn cut(&mut self, mut reading: Reading, to: To<'_>) -> Result<Pace, Stopped> {
        let text = format!("{} was truncated", self.source.path.display());
        self.say(NoticeKind::Truncated, text, None, to)?;
        self.flush(&mut reading, to)?;
        let place = match self.place(None, reading.trace().as_ref()) {
            Ok(place) => place,
            Err(error) => return self.fail(&error, to),
        };
        if let Some(place) = place.filter(|place| place.how == How::Resumed) {
            return self.enter(&place, None, to);
        }
        reading.texts.finish(&mut |text| self.gathering.push(text));
        self.flush(&mut reading, to)?;
        match Reading::open(&reading.path, 0, 0, 0) {
            Ok(mut anew) => {
                anew.was_live = true;
                self.told_caught_up = false;
                self.reading = Some(anew);
                Ok(Pace::GoOn)
            }
            Err(error) => self.fail(&error, to),
        }
    }

    /// Reads to the end of an open file, in full batches. The inner error is the file's.
    fn drain(&mut self, reading: &mut Reading, to: To<'_>) -> Result<io::Result<()>, Stopped> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = loop {
            if self.stop.is_stopped() {
                return Err(Stopped);
            }
            match reading.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    let chunk = buffer.get(..length).unwrap_or_default();
                    self.scan(reading, chunk, to)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if reading.is_packed() => {
                    reading.give_up();
                    let text = format!("{} is broken: {error}; its rest is lost", reading.shown);
                    self.say(NoticeKind::Lost, text, None, to)?;
                }
                Err(error) => break Err(error),
            }
        };
        self.buffer = buffer;
        Ok(outcome)
    }

    fn scan(&mut self, reading: &mut Reading, mut chunk: &[u8], to: To<'_>) -> Result<(), Stopped> {
        while !chunk.is_empty() {
            let gathering = &mut self.gathering;
            let taken = reading.texts.advance(chunk, &mut |text| {
                gathering.push(text);
                if gathering.is_full() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            chunk = chunk.get(taken..).unwrap_or_default();
            if self.gathering.is_full() {
                self.send(reading, false, to)?;
            }
        }
        Ok(())
    }

    /// Everything was read: says so, once.
    fn rest(&mut self, mut reading: Reading, to: To<'_>) -> Result<(), Stopped> {
        if reading.texts.counts().lines > 0 || !self.told_caught_up {
            self.send(&mut reading, true, to)?;
        }
        reading.rested = true;
        self.reading = Some(reading);
        Ok(())
    }

    fn send(&mut self, reading: &mut Reading, caught_up: bool, to: To<'_>) -> Result<(), Stopped> {
        let counts: Counts = reading.texts.take_counts();
        self.told_caught_up = caught_up;
        if let Some(position) = reading.position() {
            self.position = Some(position);
        }
        to(FromSource::Lines(Batch {
            source: Arc::clone(&self.source.name),
            file: Arc::clone(&reading.shown),
            lines: self.gathering.take(),
            counts,
            rejected_until: reading.texts.take_rejected(),
            position: Reached::File(self.position.clone().unwrap_or_default()),
            caught_up,
        }))
    }

    /// The live file is not there. In the middle of a rotation that is no news.
    fn miss(&mut self, to: To<'_>) -> Result<Pace, Stopped> {
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        if since.elapsed() < ROTATION_TAKES {
            return Ok(Pace::Rest);
        }
        let missing = io::Error::from(io::ErrorKind::NotFound);
        self.fail(&missing, to)
    }

    fn fail(&mut self, error: &io::Error, to: To<'_>) -> Result<Pace, Stopped> {
        let (kind, text, remedy) = notice::of_error(&self.source.path, error);
        if self.trouble != Some(kind) {
            self.trouble = Some(kind);
            self.say(kind, text, remedy, to)?;
        }
        Ok(Pace::Rest)
    }

    fn recover(&mut self, to: To<'_>) -> Result<(), Stopped> {
        self.missing_since = None;
        if self.trouble.take().is_some() {
            // Whoever hears of it waits for the end of the log anew.
            self.told_caught_up = false;
            let text = format!("{} can be read again", self.source.path.display());
            self.say(NoticeKind::Recovered, text, None, to)?;
        }
        Ok(())
    }

    pub(super) fn say(
        &mut self,
        kind: NoticeKind,
        text: String,
        remedy: Option<String>,
        to: To<'_>,
    ) -> Result<(), Stopped> {
        to(FromSource::Said(Notice {
            source: Arc::clone(&self.source.name),
            kind,
            text,
            remedy,
        }))
    }

    /// The size of the largest buffer held between two looks.
    #[cfg(test)]
    pub(super) fn buffer_bytes(&self) -> usize {
        let held = |reading: &Reading| reading.texts.buffer_bytes();
        let held = self.reading.as_ref().map_or(0, held);
        self.buffer.len().max(held)
    }
}
