//! Every log that a real Caddy wrote for the fixtures.

use crate::program::fixture;
use flate2::read::GzDecoder;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// One log of a recording.
pub(crate) struct Capture {
    /// Version, scenario and file, for whoever reads that a test failed.
    pub(crate) place: String,
    /// Its lines, unpacked.
    pub(crate) text: String,
}

impl Capture {
    /// Whether it is in Caddy's default format: one scenario has the others on purpose.
    pub(crate) fn is_plain(&self) -> bool {
        !self.place.contains("/encoders/") || self.place.ends_with("/caddy.log")
    }
}

/// All of them, in the order of their names.
pub(crate) fn all() -> Vec<Capture> {
    let root = fixture("captures");
    let scenarios = below(&root).into_iter().flat_map(|version| below(&version));
    let files = scenarios.flat_map(|scenario| below(&scenario));
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension != "json")
        })
        .map(|path| Capture {
            place: path.strip_prefix(&root).unwrap().display().to_string(),
            text: unpacked(&path),
        })
        .collect()
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn unpacked(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    text
}
