//! The repository as the house rules see it: its Rust files, read once and split.

use crate::code::Split;
use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file of `src`, `tests` or `fuzz/targets`.
pub(crate) struct File {
    /// The path from the root of the repository, with forward slashes.
    pub(crate) path: String,
    pub(crate) split: Split,
    /// How many lines come before the trailing `mod tests` block (all, where there is none).
    pub(crate) own_lines: usize,
}

impl File {
    fn new(path: String, text: &str) -> Self {
        let split = Split::of(text);
        let own_lines = own_lines(&split.code);
        Self {
            path,
            split,
            own_lines,
        }
    }

    /// The room that the file belongs to: `src/ROOM.rs` or `src/ROOM/...`; test files have none.
    pub(crate) fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        if rest.ends_with("/tests.rs") {
            return None;
        }
        let room = rest.split('/').next()?;
        let room = room.strip_suffix(".rs").unwrap_or(room);
        (!matches!(room, "lib" | "main")).then_some(room)
    }

    /// Numbered lines of code, without comments, texts and the trailing tests.
    pub(crate) fn own_code(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.split.code).take(self.own_lines)
    }
}

/// Lines with their numbers, from 1.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// The repository.
pub(crate) struct Tree {
    root: PathBuf,
    pub(crate) files: Vec<File>,
}

impl Tree {
    pub(crate) fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut paths = Vec::new();
        for top in ["src", "tests", "fuzz/targets"] {
            collect(&root.join(top), &mut paths);
        }
        paths.sort();
        let files = paths.iter().map(|path| {
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            File::new(name, &fs::read_to_string(path).unwrap())
        });
        let files = files.collect();
        Self { root, files }
    }

    /// The text of a file outside `src` and `tests`, if it is there.
    pub(crate) fn document(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The names in a directory, sorted; none if there is no such directory.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(directory)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn is_directory(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Where the trailing `#[cfg(test)] mod tests { ... }` begins.
fn own_lines(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().collect();
    let opens = lines
        .iter()
        .rposition(|line| line.starts_with("mod tests {"));
    let Some(opens) = opens else {
        return lines.len();
    };
    let before = &lines[..opens];
    before
        .iter()
        .rposition(|line| line.trim() == "#[cfg(test)]")
        .unwrap_or(lines.len())
}

#[test]
fn trailing_tests_are_not_counted() {
    let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    assert_eq!(File::new("src/a.rs".to_owned(), text).own_lines, 2);
    assert_eq!(File::new("src/a.rs".to_owned(), "fn a() {}\n").own_lines, 1);
}

#[test]
fn rooms_are_named_after_their_file_or_directory() {
    let room = |path: &str| File::new(path.to_owned(), "").room().map(str::to_owned);
    assert_eq!(room("src/time.rs").as_deref(), Some("time"));
    assert_eq!(room("src/engine/message.rs").as_deref(), Some("engine"));
    assert_eq!(room("src/lib.rs"), None);
    assert_eq!(room("src/rules/condition/tests.rs"), None);
    assert_eq!(room("tests/tidy.rs"), None);
}
