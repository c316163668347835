//! One question to the running watch.

use super::{Reply, Request};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use thiserror::Error;

/// A watch that turns at all answers within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thousand silences fit well.
const REPLY_BYTES: u64 = 4 * 1024 * 1024;

/// Why there is no reply.
#[derive(Debug, Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no watch runs")]
    NoWatch,
    /// It runs as somebody else.
    #[error("the running watch belongs to another user")]
    Denied,
    /// It could not be asked.
    #[error("the running watch cannot be asked: {0}")]
    Failed(#[from] io::Error),
    /// It is of another version.
    #[error("the reply of the running watch cannot be read: {0}")]
    Garbled(#[from] serde_json::Error),
}

/// Asks the watch that listens at a socket.
pub fn ask(socket: &Path, request: &Request) -> Result<Reply, AskError> {
    let mut stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NoWatch,
        io::ErrorKind::PermissionDenied => AskError::Denied,
        _ => AskError::Failed(error),
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = serde_json::to_string(request)? + "\n";
    stream.write_all(line.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = String::new();
    stream.take(REPLY_BYTES).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}
