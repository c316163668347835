//! How far a container has been read, and which lines were handed over before.
//!
//! A line is known by its time and a digest of its bytes. The engine's times grow from line to line of
//! one stream, but two streams race for nanoseconds, and a clock may be set back; the order of the log
//! is what counts. So everything up to the anchor is known, whatever its time.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How far a container has been read. Times are in nanoseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The time to read on from: that of the anchor, or of an unfinished line before it.
    pub since: i64,
    /// The latest time of any line that was handed over.
    pub latest: i64,
    /// The line that was handed over last; `None` when there was none.
    pub anchor: Option<Anchor>,
    /// How many lines were handed over, all in all.
    #[serde(default)]
    pub line: u64,
    /// Texts of the lines behind the anchor that were handed over while another was still open.
    #[serde(default)]
    pub texts: u64,
}

/// The line that was handed over last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Its time.
    pub at: i64,
    /// Its SHA-256, the first eight bytes.
    pub digest: u64,
    /// Which it is, from 1, of the lines with this time and digest.
    pub same: u64,
}

/// What is to be done with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is handed over.
    New,
    /// It is, and the anchor was not there: what came right after it may be missing.
    NewAfterLoss,
    /// It was handed over before.
    Known,
}

/// Tells known lines from new ones.
#[derive(Debug, Default)]
pub(super) struct Memory {
    place: Place,
    /// How many lines like the anchor are still to come before the known ones end.
    ahead: Option<u64>,
    /// Digests of the lines that have the anchor's time.
    group: Vec<u64>,
}

impl Memory {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            ..Self::default()
        }
    }

    /// The place without regard to unfinished lines and their number.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// A pass begins: its stream starts at [`Place::since`].
    pub(super) fn begin_pass(&mut self) {
        self.ahead = self.place.anchor.as_ref().map(|anchor| anchor.same);
        if self.is_searching() {
            // The stream brings the lines of the anchor's time again, and they are counted again.
            self.group.clear();
        }
    }

    /// Whether the anchor is still to come in this pass.
    pub(super) fn is_searching(&self) -> bool {
        self.ahead.is_some()
    }

    /// Judges the next line.
    pub(super) fn judge(&mut self, at: i64, line: &[u8]) -> Verdict {
        let digest = digest(line);
        let mut verdict = Verdict::New;
        if let (Some(ahead), Some(anchor)) = (self.ahead, &self.place.anchor) {
            if at <= self.place.latest {
                if at == anchor.at {
                    self.group.push(digest);
                }
                if (at, digest) == (anchor.at, anchor.digest) {
                    self.ahead = ahead.checked_sub(1).filter(|ahead| *ahead > 0);
                }
                return Verdict::Known;
            }
            self.ahead = None;
            verdict = Verdict::NewAfterLoss;
        }
        self.remember(at, digest);
        verdict
    }

    fn remember(&mut self, at: i64, digest: u64) {
        if self
            .place
            .anchor
            .as_ref()
            .is_none_or(|anchor| anchor.at != at)
        {
            self.group.clear();
        }
        let before = self.group.iter().filter(|other| **other == digest).count();
        let same = before as u64 + 1;
        self.group.push(digest);
        self.place.since = at;
        self.place.latest = self.place.latest.max(at);
        self.place.anchor = Some(Anchor { at, digest, same });
    }
}

fn digest(line: &[u8]) -> u64 {
    let hash = Sha256::digest(line);
    let head = hash.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(head)
}
