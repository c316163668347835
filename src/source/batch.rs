//! What a follower hands over: lines in bounded batches, and what it has to say.

use crate::caddy::join::Text;
use crate::source::docker::DockerPosition;
use crate::source::journal::JournalPosition;
use crate::source::line::{Counts, Stamp};
use crate::source::notice::Notice;
use crate::source::position::Position;
use crate::time::LogTime;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Lines a batch holds at most.
pub const BATCH_LINES_MAX: usize = 512;
/// Line bytes after which a batch is full; one line may go beyond.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// How far a source has been read, in the words of its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Reached {
    /// A file, or a stream that cannot be read twice.
    File(Position),
    /// The systemd journal.
    Journal(JournalPosition),
    /// Containers of a Docker Engine.
    Docker(DockerPosition),
}

/// One thing a follower hands over.
#[derive(Debug)]
pub enum FromSource {
    /// Lines were read.
    Lines(Batch),
    /// The state of the source changed.
    Said(Notice),
}

/// Lines of one file, in order.
#[derive(Debug)]
pub struct Batch {
    /// Name of the source.
    pub source: Arc<str>,
    /// Path of the file the lines came from, or `journal:UNIT`, `docker:NAME`.
    pub file: Arc<str>,
    /// The lines that were not rejected; may be empty.
    pub lines: Vec<OwnedText>,
    /// What was read since the last batch, rejected lines included.
    pub counts: Counts,
    /// The stamp of the last rejected line, when it came after the last of `lines`.
    pub rejected_until: Option<Box<Stamp>>,
    /// Where to go on once this batch is in the store.
    pub position: Reached,
    /// Whether everything that was in the log has now been handed over.
    pub caught_up: bool,
}

/// A [`Text`] with its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedText {
    /// The text without its newline.
    pub bytes: Vec<u8>,
    /// The number of its first line in its file, from 1.
    pub number: u64,
    /// Whether it was cut.
    pub overlong: bool,
    /// When it was brought, where the transport tells.
    pub at: Option<LogTime>,
}

impl OwnedText {
    /// The text, borrowed.
    pub fn text(&self) -> Text<'_> {
        Text {
            bytes: &self.bytes,
            number: self.number,
            overlong: self.overlong,
            at: self.at,
        }
    }
}

/// Whoever took the batches is gone, or asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// The lines of the batch to come.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    lines: Vec<OwnedText>,
    bytes: usize,
}

impl Gathering {
    pub(super) fn push(&mut self, text: Text<'_>) {
        self.bytes += text.bytes.len();
        self.lines.push(OwnedText {
            bytes: text.bytes.to_vec(),
            number: text.number,
            overlong: text.overlong,
            at: text.at,
        });
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= BATCH_LINES_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    pub(super) fn take(&mut self) -> Vec<OwnedText> {
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }
}
