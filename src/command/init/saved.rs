//! The configuration that a unit's Caddy keeps of what it runs with: there also where its admin API is off, or at
//! a place that nobody told us.

use super::host::output;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const BYTES_MAX: u64 = 16 << 20;

/// Caddy 2.6 to 2.11 write it at every load, unless told `persist_config off` (`caddy.go`, `ConfigAutosavePath`).
pub(super) struct Saved {
    pub(super) path: PathBuf,
    /// What is in it, or why it cannot be read.
    pub(super) config: io::Result<Value>,
}

/// What the unit's Caddy has saved, below the home of the unit's user; `None` where nothing is.
pub(super) fn of_unit(unit: &str) -> Option<Saved> {
    let user = output("systemctl", &["show", "--value", "--property=User", unit])?;
    let user = Some(user.trim()).filter(|user| !user.is_empty());
    let entry = output("getent", &["passwd", user.unwrap_or("root")])?;
    let home = entry.trim().split(':').nth(5)?;
    let path = Path::new(home).join(".config/caddy/autosave.json");
    let config = read(&path);
    let is_missing = matches!(&config, Err(error) if error.kind() == io::ErrorKind::NotFound);
    (!is_missing).then_some(Saved { path, config })
}

fn read(path: &Path) -> io::Result<Value> {
    let mut text = Vec::new();
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
