//! What documents name must be there, and what is there must be documented.

use crate::tree::{Tree, numbered};

const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// A path in backticks is taken for one of ours if it begins like this.
const TOPS: [&str; 9] = [
    ".ci/",
    "docs/",
    "fixtures/",
    "fuzz/",
    "packaging/",
    "rules/",
    "src/",
    "systemd/",
    "tests/",
];

/// Paths in the documents that lead nowhere.
pub(crate) fn missing_paths(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        let text = tree.document(document).unwrap_or_default();
        for (line, path) in named_paths(&text) {
            if !exists(tree, &path) {
                findings.push(format!(
                    "{document}:{line}: `{path}` is not there, a reader would look for it"
                ));
            }
        }
    }
    findings
}

/// What stands between single backticks, outside blocks, and looks like a path of the repository.
fn named_paths(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (number, line) in numbered(text) {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let quoted = line.split('`').skip(1).step_by(2);
            let paths = quoted.filter(|word| TOPS.iter().any(|top| word.starts_with(top)));
            found.extend(
                paths
                    .filter(|word| is_path(word))
                    .map(|word| (number, word.to_owned())),
            );
        }
    }
    found
}

fn is_path(word: &str) -> bool {
    word.chars()
        .all(|character| character.is_ascii_alphanumeric() || "_./-*".contains(character))
}

/// Whether a path is there; of one with a star, the directory must have a file that fits.
fn exists(tree: &Tree, path: &str) -> bool {
    let Some((before, after)) = path.split_once('*') else {
        return tree.has(path);
    };
    let (directory, start) = before.rsplit_once('/').unwrap_or((".", before));
    let end = after.rsplit('*').next().unwrap_or(after);
    tree.names(directory)
        .iter()
        .any(|name| name.starts_with(start) && name.ends_with(end))
}

/// Directories of fixtures that their index does not introduce.
pub(crate) fn unknown_fixtures(tree: &Tree) -> Vec<String> {
    let index = "fixtures/README.md";
    let text = tree.document(index).unwrap_or_default();
    tree.names("fixtures")
        .iter()
        .filter(|name| tree.is_directory(&format!("fixtures/{name}")))
        .filter(|name| !text.contains(&format!("`{name}`")))
        .map(|name| format!("{index}:1: `{name}` is missing, every fixture says what it is for"))
        .collect()
}

#[test]
fn only_our_paths_in_backticks_count() {
    let text = "`src/a.rs` and `/etc/x`, `src/<ROOM>/`\n```\n`src/b.rs`\n```\n`rules/*.toml`\n";
    let expected = [(1, "src/a.rs".to_owned()), (5, "rules/*.toml".to_owned())];
    assert_eq!(named_paths(text), expected);
}
