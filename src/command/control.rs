//! Where the control socket of the running watch is, and how a verb asks through it.

use crate::command::exit::{Exit, Failed};
use crate::control::{AskError, Reply, Request, SOCKET, ask};
use std::env;
use std::path::{Path, PathBuf};

/// Where systemd puts the socket of the packaged service, whose runtime directory no shell knows.
const OF_SERVICE: &str = "/run/notafter";

/// Where a watch with this state listens, the likeliest first: in the runtime directory that systemd
/// made, else beside the state.
pub(super) fn candidates(state: &Path) -> Vec<PathBuf> {
    let runtime = env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from);
    let service = (state == Path::new("/var/lib/notafter")).then(|| OF_SERVICE.into());
    let directories = match runtime {
        Some(runtime) => vec![runtime],
        None => [Some(state.to_owned()), service]
            .into_iter()
            .flatten()
            .collect(),
    };
    let sockets = directories.into_iter().map(|one| one.join(SOCKET));
    sockets.collect()
}

/// Asks the running watch, wherever it listens.
pub(super) fn ask_watch(state: &Path, request: &Request) -> Result<Reply, Failed> {
    let mut last = AskError::NoWatch;
    for socket in candidates(state) {
        match ask(&socket, request) {
            Ok(Reply::Refused { message }) => {
                return Err(Failed::new(Exit::Usage, format!("error: {message}")));
            }
            Ok(reply) => return Ok(reply),
            Err(AskError::NoWatch) => {}
            Err(error) => last = error,
        }
    }
    Err(failed(state, &last))
}

fn failed(state: &Path, error: &AskError) -> Failed {
    let (exit, help) = match error {
        AskError::NoWatch => (
            Exit::Unavailable,
            format!(
                "silences live in the running watch; start it, or name its state with --state (looked beside {})",
                state.display()
            ),
        ),
        AskError::Denied => (
            Exit::Permission,
            "run this as the user of the watch, or as root".to_owned(),
        ),
        AskError::Failed(_) => (
            Exit::Io,
            "`notafter status` still reads the state itself".to_owned(),
        ),
        AskError::Garbled(_) => (
            Exit::Unavailable,
            "restart the watch, so that both are of the same version".to_owned(),
        ),
    };
    Failed::new(exit, format!("error: {error}\nhelp: {help}"))
}
