//! What can be wrong with an archive or a log that is read once.

use crate::source::line::{Counts, Stamp};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a file could not be read, or not to its end.
#[derive(Debug, Error)]
pub enum SourceError {
    /// There is no such file.
    #[error("{}: no such file or directory", path.display())]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A directory was given and holds nothing that looks like a log.
    #[error("{}: no logs in this directory", path.display())]
    NoLogs {
        /// The directory.
        path: PathBuf,
    },
    /// We may not read it.
    #[error("{}: permission denied", path.display())]
    PermissionDenied {
        /// The path as it was given.
        path: PathBuf,
    },
    /// It is a binary file.
    #[error("{}: not a text file", path.display())]
    NotText {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A compressed file ends early or is damaged; the lines before the damage were handed over.
    #[error("{}: the archive is broken after line {}: {reason}", path.display(), counts.lines)]
    BrokenArchive {
        /// The path as it was given.
        path: PathBuf,
        /// What was read before the damage.
        counts: Counts,
        /// The stamp of the last rejected line before the damage.
        rejected_until: Stamp,
        /// What the decoder says.
        reason: io::Error,
    },
    /// Anything else the system says.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The path as it was given.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

impl SourceError {
    /// What to do about it, where that is not plain.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoLogs { .. } => Some(
                "of a directory the files named like logs are read (.log, .json, .jsonl, .ndjson, .out, .err, and rotated ones); any other has to be named itself",
            ),
            Self::NotText { .. } => Some(
                "Caddy's log is text, plain or packed with gzip or zstd; unpack anything else first",
            ),
            Self::NotFound { .. }
            | Self::PermissionDenied { .. }
            | Self::BrokenArchive { .. }
            | Self::Io { .. } => None,
        }
    }

    pub(super) fn from_io(path: &Path, reason: io::Error) -> Self {
        let path = path.to_path_buf();
        match reason.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path },
            _ => Self::Io { path, reason },
        }
    }
}
