//! Where the state directory is.

use crate::command::exit::{Exit, Failed};
use std::env;
use std::path::{Path, PathBuf};

/// `--state`, else the configuration's, else `$STATE_DIRECTORY` (systemd), else `/var/lib/notafter`
/// for root (`HOME` is `/root` or unset), else `notafter` in `$XDG_STATE_HOME` or in `~/.local/state`.
pub(super) fn directory(flag: Option<&Path>, configured: Option<&Path>) -> Result<PathBuf, Failed> {
    if let Some(path) = flag.or(configured) {
        return Ok(path.to_owned());
    }
    if let Some(path) = env::var_os("STATE_DIRECTORY") {
        return Ok(PathBuf::from(path));
    }
    let system = PathBuf::from("/var/lib/notafter");
    let home = env::var_os("HOME").map(PathBuf::from);
    if home
        .as_deref()
        .is_none_or(|home| home == Path::new("/root"))
    {
        return Ok(system);
    }
    env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".local/state")))
        .map(|base| base.join("notafter"))
        .ok_or_else(|| {
            Failed::new(
                Exit::Usage,
                "error: no place for the state\nhelp: give one with --state DIR",
            )
        })
}
