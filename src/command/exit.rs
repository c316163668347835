//! Every exit code, with when it happens; and the two ways to print.

use crate::engine::evidence::harmless;
use crate::source::error::SourceError;
use crate::store::StoreError;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The answer is "there is something": alerts with `--fail-on`, failing rules, a check that
    /// found a mistake outside the configuration.
    Findings = 1,
    /// The command line is wrong; clap exits with this itself.
    Usage = 2,
    /// An archive is broken, or a file is no text.
    BadData = 65,
    /// A file to read does not exist.
    NoInput = 66,
    /// Something needed is not there or busy: another writer holds the state.
    Unavailable = 69,
    /// Reading or writing failed.
    Io = 74,
    /// A permission is missing.
    Permission = 77,
    /// The configuration or a rule is wrong, or the state is of a newer version.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A verb that could not do its work, in words for a person.
#[derive(Debug)]
pub struct Failed {
    /// The exit code.
    pub exit: Exit,
    /// What could not be done, why, and what to do.
    pub message: String,
}

impl Failed {
    /// A failure in words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// An I/O error at something with a name.
    pub fn io(what: impl std::fmt::Display, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NoInput,
            io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Io,
        };
        Self::new(exit, format!("error: {what}: {error}"))
    }
}

/// The store could not do its work.
pub(super) fn of_store(error: &StoreError) -> Failed {
    let exit = match error.exit_code() {
        65 => Exit::BadData,
        66 => Exit::NoInput,
        69 => Exit::Unavailable,
        77 => Exit::Permission,
        78 => Exit::Config,
        _ => Exit::Io,
    };
    Failed::new(exit, format!("error: {error}"))
}

/// A log or archive could not be read.
pub(super) fn of_source(error: &SourceError) -> Failed {
    let exit = match error {
        SourceError::NotFound { .. } | SourceError::NoLogs { .. } => Exit::NoInput,
        SourceError::PermissionDenied { .. } => Exit::Permission,
        SourceError::NotText { .. } | SourceError::BrokenArchive { .. } => Exit::BadData,
        SourceError::Io { .. } => Exit::Io,
    };
    let help = error.help().map(|help| format!("\nhelp: {help}"));
    Failed::new(exit, format!("error: {error}{}", help.unwrap_or_default()))
}

/// Prints one message for people on standard error. A reader that has gone away is no error.
pub(super) fn say(message: &str) {
    let lines: Vec<String> = message.trim_end().lines().map(harmless).collect();
    let _gone = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
}

/// Prints data on standard output. A closed pipe ends the verb quietly, as it does for `head`.
pub(super) fn print(data: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(data.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failed::io("standard output", &error))
        }
        _ => Ok(()),
    }
}
