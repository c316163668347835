//! What can go wrong with the store, in words for people: what, where, what to do.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A failure of the store. None of them leaves half a commit behind.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory, the lock file or the database file cannot be made or opened.
    #[error("cannot {doing} {}: {source}; {}", path.display(), advice(source))]
    File {
        /// `create`, `open`, `lock`.
        doing: &'static str,
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another watcher writes here.
    #[error(
        "{} is in use by another notafter{}; stop that one first, or give this one its own directory with --state",
        directory.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The state directory.
        directory: PathBuf,
        /// Who holds it, unless it took the lock just now.
        pid: Option<u32>,
    },
    /// There is nothing to read.
    #[error(
        "no state at {}; has `notafter watch` run with this state directory? Name another with --state",
        path.display()
    )]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// Written by a newer notafter.
    #[error(
        "{} was written by a newer notafter (state version {found}, this one knows {known}); install that version again, or move the file away to start afresh",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version we can read.
        known: i64,
    },
    /// Written by an older notafter, and we may not write.
    #[error(
        "{} is of state version {found} and this notafter reads {known}; restart `notafter watch` with this version, which brings it up to date",
        path.display()
    )]
    Older {
        /// The database file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The version we read.
        known: i64,
    },
    /// A database, but of another program.
    #[error(
        "{} is a database of another program; name another state directory with --state",
        path.display()
    )]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The file's content makes no sense.
    #[error(
        "{} is damaged: {what}; move it away and start again: the logs are then read from their start, and what is still open is told once",
        path.display()
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What does not make sense.
        what: String,
    },
    /// No space left.
    #[error(
        "no space left for {}; nothing is lost yet: free some space and the same data is written at the next try",
        path.display()
    )]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// The database refused for another reason.
    #[error(
        "cannot {doing} {}: {source}; check the disk and the permissions of its directory",
        path.display()
    )]
    Database {
        /// `open`, `read`, `write`, `migrate`.
        doing: &'static str,
        /// The database file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Sorts what `SQLite` said into what a person can act on.
    pub(super) fn from_sqlite(doing: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full { path },
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged {
                    path,
                    what: source.to_string(),
                }
            }
            _ => Self::Database {
                doing,
                path,
                source,
            },
        }
    }

    /// The exit code a verb ends with when it cannot go on without the store.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => 77,
            Self::Database { source, .. } if is_permission(source) => 77,
            Self::Missing { .. } => 66,
            Self::Locked { .. } => 69,
            Self::Newer { .. } | Self::Older { .. } | Self::Foreign { .. } => 78,
            Self::Damaged { .. } => 65,
            Self::File { .. } | Self::Full { .. } | Self::Database { .. } => 74,
        }
    }

    /// Whether the same commit may well succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Database { source, .. } => !is_permission(source),
            _ => false,
        }
    }
}

/// `SQLite` does not say why it cannot open a file that is there.
fn is_permission(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(
        error.sqlite_error_code(),
        Some(CannotOpen | PermissionDenied | ReadOnly)
    )
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "run as the user that owns the state, or name another directory with --state"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only; name another directory with --state"
        }
        io::ErrorKind::Unsupported => {
            "this file system has no locks; name a directory on a local disk with --state"
        }
        _ => "name another directory with --state if this one cannot be used",
    }
}
