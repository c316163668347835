//! Lines into texts: pieces that Docker, Kubernetes or the journal cut, objects that were printed over
//! many lines, and lines that were wrapped by hand are put together again; stack traces are left out.
//!
//! A text is open from its first line to its last. As long as any is, the state cannot be had by
//! starting at the next line: [`Joiner::is_idle`] tells whoever keeps positions. Everything is bounded:
//! how many texts are open, how long each is, in bytes and in lines, and how long any is open at all.

use crate::caddy::ansi;
use crate::caddy::balance::Balance;
use crate::caddy::console;
use crate::caddy::head;
use crate::caddy::pasted;
use crate::caddy::transport::{self, Piece};
use crate::time::LogTime;
use chrono::{Offset, Utc};
use std::borrow::Cow;

/// What is kept of a text.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// One more than is kept, so that a `\r` right behind the longest line is seen for what it is.
const HELD_MAX: usize = TEXT_BYTES_MAX + 1;
/// Layers of transport around one line.
const LAYERS_MAX: usize = 4;
/// Texts that are open at once.
const OPEN_MAX: usize = 4;
/// Lines of one text; a printed object of an access entry has some eighty.
const TEXT_LINES_MAX: u64 = 1_000;
/// Lines after which every open text is ended, so that reading again never goes further back.
const BUSY_LINES_MAX: u64 = 4_000;
const ELLIPSIS: &[u8] = "\u{2026}".as_bytes();

/// Adds a part to a line that is not whole yet. Of a line that is too long one byte more is kept than
/// it may have, so that it is seen for what it is.
pub fn hold(held: &mut Vec<u8>, part: &[u8]) {
    let room = HELD_MAX.saturating_sub(held.len());
    let kept = part.get(..room.min(part.len())).unwrap_or_default();
    let needed = held.len() + kept.len();
    if needed > held.capacity() {
        // Doubling alone would end at 2 MiB for a line of one.
        let target = (held.capacity() * 2).clamp(needed, HELD_MAX);
        held.reserve_exact(target - held.len());
    }
    held.extend_from_slice(kept);
}

/// One whole text, as Caddy wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text without its newline, cut at [`TEXT_BYTES_MAX`].
    pub bytes: &'a [u8],
    /// The number of its first line in its file, from 1.
    pub number: u64,
    /// Whether it was cut.
    pub overlong: bool,
    /// When it was brought, where the transport tells.
    pub at: Option<LogTime>,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined<'a> {
    /// A text.
    Text(Text<'a>),
    /// A text whose head proves it to be an access or proxy line: its raw stamp.
    Traffic(&'a [u8]),
}

/// Where texts go.
type On<'a> = &'a mut dyn FnMut(Joined<'_>);

/// Puts lines together.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Vec<Open>,
    /// Lines since there was nothing open.
    busy: u64,
    /// The record of `journalctl -o export` that has begun.
    record: Option<Record>,
    /// Whether what is open began with marks of quotation: then each of its lines does.
    quoted: bool,
}

/// A record of several lines, and when the journal took it.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    at: Option<LogTime>,
}

/// A text whose end has not come yet.
#[derive(Debug)]
struct Open {
    writer: String,
    bytes: Vec<u8>,
    number: u64,
    /// Number of its latest line.
    last: u64,
    at: Option<LogTime>,
    /// How far an object has got; `None` where the transport tells the end.
    balance: Option<Balance>,
}

/// A line with everything around it taken off.
struct Bare<'a> {
    bytes: Cow<'a, [u8]>,
    writer: String,
    number: u64,
    at: Option<LogTime>,
    /// Whether anything was around it.
    brought: bool,
}

impl Joiner {
    /// Whether no text is open: whoever starts at the next line comes to the same.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty() && self.record.is_none()
    }

    /// Takes the next line, numbered in its file, and hands over what is complete now. `at` is when it
    /// was brought, where the source knows.
    pub fn take(&mut self, line: &[u8], number: u64, at: Option<LogTime>, on: On<'_>) {
        self.busy = if self.is_idle() { 0 } else { self.busy + 1 };
        if self.busy > BUSY_LINES_MAX {
            self.finish(on);
        }
        let line = self.unquoted(ansi::strip(transport::behind_zeros(line)));
        if self.is_export(&line) || line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let bare = Bare {
            bytes: line,
            writer: String::new(),
            number,
            at: self.record.and_then(|record| record.at).or(at),
            brought: false,
        };
        if let Some(bare) = self.unwrap(bare, on) {
            self.text(bare, on);
        }
    }

    /// Ends every open text: nothing follows any more.
    pub fn finish(&mut self, on: On<'_>) {
        (self.busy, self.record) = (0, None);
        for open in std::mem::take(&mut self.open) {
            open.end(on);
        }
    }

    /// The line without what mails and Markdown quote it with. Inside a text that is not quoted itself such a
    /// mark may be its own.
    fn unquoted<'a>(&mut self, line: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let marks = pasted::quoted(&line);
        if self.is_idle() {
            self.quoted = marks > 0;
        }
        if marks == 0 || !self.quoted {
            return line;
        }
        match line {
            Cow::Borrowed(line) => Cow::Borrowed(line.get(marks..).unwrap_or_default()),
            Cow::Owned(mut line) => {
                line.drain(..marks);
                Cow::Owned(line)
            }
        }
    }

    /// Whether the line is one of a record of `journalctl -o export` and not the message.
    fn is_export(&mut self, line: &[u8]) -> bool {
        match transport::export_field(line) {
            Some(("MESSAGE", _)) => false,
            Some(("__CURSOR", _)) => {
                self.record = Some(Record::default());
                true
            }
            Some(("__REALTIME_TIMESTAMP", micros)) => {
                let micros = std::str::from_utf8(micros)
                    .ok()
                    .and_then(|text| text.parse().ok());
                if let Some(record) = &mut self.record {
                    record.at = micros
                        .map(LogTime::from_micros)
                        .filter(|at| at.is_plausible());
                }
                true
            }
            Some(_) => true,
            None if line.is_empty() => self.record.take().is_some(),
            None => self.record.is_some() && line == b"MESSAGE",
        }
    }

    /// Takes the layers off; `None` when the line is a piece and more of it will come.
    fn unwrap<'a>(&mut self, mut bare: Bare<'a>, on: On<'_>) -> Option<Bare<'a>> {
        for _ in 0..LAYERS_MAX {
            let Some(layer) = transport::layer(bare.bytes.trim_ascii_start()) else {
                break;
            };
            if !bare.writer.is_empty() && !layer.writer.is_empty() {
                bare.writer.push('/');
            }
            bare.writer.push_str(&layer.writer);
            bare.at = layer.at.or(bare.at);
            bare.brought = true;
            let piece = layer.piece;
            bare.bytes = Cow::Owned(layer.inside.into_owned());
            match piece {
                Piece::Line => {}
                Piece::Part => {
                    self.part(bare, on);
                    return None;
                }
                Piece::Last => {
                    let place = self.place(&bare.writer, false);
                    if let Some(place) = place {
                        let mut open = self.open.remove(place);
                        open.append(&bare.bytes, bare.number);
                        (bare.number, bare.at) = (open.number, open.at);
                        bare.bytes = Cow::Owned(open.bytes);
                    }
                }
            }
        }
        Some(bare)
    }

    /// The open text of a writer: one that is an object, or one that the transport cut.
    fn place(&self, writer: &str, is_object: bool) -> Option<usize> {
        self.open
            .iter()
            .position(|open| open.writer == writer && open.balance.is_some() == is_object)
    }

    fn part(&mut self, bare: Bare<'_>, on: On<'_>) {
        match self.place(&bare.writer, false) {
            Some(place) => {
                if let Some(open) = self.open.get_mut(place) {
                    open.append(&bare.bytes, bare.number);
                }
            }
            None => self.begin(bare, None, on),
        }
    }

    fn begin(&mut self, bare: Bare<'_>, balance: Option<Balance>, on: On<'_>) {
        if self.open.len() == OPEN_MAX {
            self.open.remove(0).end(on);
        }
        self.open.push(Open {
            bytes: bare.bytes.into_owned(),
            writer: bare.writer,
            number: bare.number,
            last: bare.number,
            at: bare.at,
            balance,
        });
    }

    /// A line without anything around it: the next of an open object, or a text of its own.
    fn text(&mut self, bare: Bare<'_>, on: On<'_>) {
        if let Some(place) = self.object_before(&bare) {
            let mut open = self.open.remove(place);
            if open.goes_on_with(&bare) {
                let is_whole = open.append(&bare.bytes, bare.number);
                if is_whole || open.is_too_long() {
                    open.end(on);
                } else {
                    self.open.insert(place, open);
                }
                return;
            }
            open.end(on);
        }
        let text = Text {
            bytes: bare.bytes.trim_ascii(),
            number: bare.number,
            overlong: bare.bytes.len() > TEXT_BYTES_MAX,
            at: bare.at,
        };
        if let Some(stamp) = head::reject(text.bytes) {
            return on(Joined::Traffic(stamp));
        }
        if is_trace(&bare.bytes) {
            return;
        }
        let mut balance = Balance::default();
        let object = object_in(text.bytes).filter(|object| !balance.feed(object));
        if object.is_none() || text.overlong || is_clipped(text.bytes) {
            on(Joined::Text(text));
        } else {
            let bytes = Cow::Owned(bare.bytes.trim_ascii_start().to_vec());
            self.begin(Bare { bytes, ..bare }, Some(balance), on);
        }
    }

    /// The open object of the same writer; what nobody is said to have brought belongs to the latest.
    fn object_before(&self, bare: &Bare<'_>) -> Option<usize> {
        if bare.brought {
            return self.place(&bare.writer, true);
        }
        let objects = self.open.iter().enumerate();
        objects
            .filter(|(_, open)| open.balance.is_some())
            .max_by_key(|(_, open)| open.last)
            .map(|(place, _)| place)
    }
}

impl Open {
    /// Adds a line; tells whether an object is whole now.
    fn append(&mut self, line: &[u8], number: u64) -> bool {
        hold(&mut self.bytes, line);
        self.last = number;
        self.balance
            .as_mut()
            .is_some_and(|balance| balance.feed(line))
    }

    fn is_too_long(&self) -> bool {
        self.bytes.len() > TEXT_BYTES_MAX || self.last - self.number >= TEXT_LINES_MAX
    }

    /// Whether a line of the same writer is more of this object, rather than a text of its own. Only
    /// between values a transport brings an object line by line; only side by side lines were wrapped.
    fn goes_on_with(&self, bare: &Bare<'_>) -> bool {
        let is_near = bare.number == self.last + 1;
        let can_be = match &self.balance {
            Some(balance) if bare.brought => !balance.is_in_text(),
            Some(_) => is_near,
            None => true,
        };
        can_be && !begins(&bare.bytes)
    }

    fn end(self, on: On<'_>) {
        let bytes = self.bytes.trim_ascii();
        if let Some(stamp) = head::reject(bytes) {
            return on(Joined::Traffic(stamp));
        }
        on(Joined::Text(Text {
            bytes: bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes),
            number: self.number,
            overlong: bytes.len() > TEXT_BYTES_MAX,
            at: self.at,
        }));
    }
}

/// The object that a line is, or that stands at the end of a console line; nothing of it where the line
/// was wrapped in the middle of a message that Caddy is known to say.
fn object_in(line: &[u8]) -> Option<&[u8]> {
    if line.starts_with(b"{") {
        return Some(line);
    }
    let at = memchr::memmem::find(line, b"\t{").or_else(|| memchr::memmem::find(line, b" {\""));
    let object = match at {
        Some(at) => line.get(at..),
        None => console::ends_in_message(line).then_some(&b""[..]),
    };
    object.filter(|_| console::begins(line, Utc.fix()))
}

/// Whether a line is surely the first of a text: a whole object, one that begins, or a console line.
fn begins(line: &[u8]) -> bool {
    line == b"{"
        || line.starts_with(b"{\"level\":")
        || (line.starts_with(b"{\"") && Balance::default().feed(line))
        || console::begins(line, Utc.fix())
}

/// Whether a line says itself that something was left out of it: what comes next is not its rest.
fn is_clipped(line: &[u8]) -> bool {
    line.ends_with(b"...") || memchr::memmem::find(line, ELLIPSIS).is_some()
}

/// Whether a line is one of a Go stack trace, as zap and the runtime print them.
fn is_trace(line: &[u8]) -> bool {
    let is_frame = || {
        line.iter().all(u8::is_ascii_graphic)
            && line.contains(&b'.')
            && (line.contains(&b'(') || line.contains(&b'/'))
    };
    line.starts_with(b"\t") && !console::begins(line.trim_ascii_start(), Utc.fix())
        || line.starts_with(b"goroutine ")
        || line.starts_with(b"created by ")
        || is_frame()
}
