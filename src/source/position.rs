//! Where a follower stands, in a form that survives restarts and rotations.
//!
//! A file is known by its first bytes. Device and inode only say where to look first: the inode freed
//! by the oldest rotated file is often taken at once by the newest.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// How many bytes of a file's head tell it from other files.
pub const HEAD_BYTES: usize = 1024;

/// The end of a line at which no text was open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Device of the file; a hint.
    pub device: u64,
    /// Inode of the file; a hint.
    pub inode: u64,
    /// The head of the file.
    pub fingerprint: Fingerprint,
    /// When the file was last modified, in microseconds since the epoch: should the file be gone, what
    /// was written later is new.
    pub modified: i64,
    /// Offset of the end of that line; in a compressed file, of the text inside.
    pub offset: u64,
    /// Number of that line in its file.
    pub line: u64,
    /// Texts from behind it that were handed over while another was still open.
    #[serde(default)]
    pub ahead: u64,
}

impl Position {
    /// Whether no line was ever handed over.
    pub fn is_start(&self) -> bool {
        self.fingerprint.length == 0
    }
}

/// A hash of the first bytes of a file, no more of them than were handed over as lines: these do not
/// change any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many bytes were hashed, at most [`HEAD_BYTES`].
    pub length: usize,
    /// SHA-256, its first half, in hexadecimal.
    pub hash: String,
}

impl Fingerprint {
    /// The fingerprint of these bytes, cut at [`HEAD_BYTES`].
    pub fn of(bytes: &[u8]) -> Self {
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
        let digest = Sha256::digest(head);
        let mut hash = String::with_capacity(32);
        for byte in digest.iter().take(16) {
            let _infallible = write!(hash, "{byte:02x}");
        }
        Self {
            length: head.len(),
            hash,
        }
    }

    /// Whether a file with this head is the one.
    pub fn matches(&self, head: &[u8]) -> bool {
        self.length > 0
            && head
                .get(..self.length)
                .is_some_and(|head| Self::of(head) == *self)
    }
}

/// Device and inode: an identity only while the file is held open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inode {
    pub(super) device: u64,
    pub(super) number: u64,
}

impl Inode {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }
}

/// When a file was last modified, in microseconds since the epoch.
pub(super) fn modified(metadata: &Metadata) -> i64 {
    metadata
        .mtime()
        .saturating_mul(1_000_000)
        .saturating_add(metadata.mtime_nsec() / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_file_is_still_the_same() {
        let fingerprint = Fingerprint::of(b"first line\n");
        assert!(fingerprint.matches(b"first line\nsecond line\n"));
        assert!(!fingerprint.matches(b"first lime\n"));
        assert!(!fingerprint.matches(b"first"));
        assert!(!Fingerprint::of(b"").matches(b"anything"));
    }

    #[test]
    fn a_position_survives_json() {
        let position = Position {
            device: 1,
            inode: u64::MAX,
            fingerprint: Fingerprint::of(b"x\n"),
            modified: -1,
            offset: 2,
            line: 1,
            ahead: 3,
        };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
    }
}
