//! How long files and functions may be, and what must not be left behind in them.

use crate::code::{find_word, is_word};
use crate::tree::{File, Tree, numbered};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Notes to oneself, in comments.
const NOTES: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// Leftovers in code, each with the reason against it.
const LEFTOVERS: [(&str, &str); 6] = [
    ("dbg!", "it is for the desk"),
    ("todo!", "a verb or a branch appears when it works"),
    ("unimplemented!", "a verb or a branch appears when it works"),
    ("#[ignore", "a test runs or is not there"),
    (
        "#[allow(",
        "`expect` with a reason tells when it is no longer needed",
    ),
    (
        "#![allow(",
        "`expect` with a reason tells when it is no longer needed",
    ),
];

pub(crate) fn too_long(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let lines = if file.path.starts_with("src/") {
            file.own_lines
        } else {
            file.split.code.lines().count()
        };
        if lines > FILE_LINES {
            let why = "split it by what its parts hold";
            findings.push(format!(
                "{}:{FILE_LINES}: {lines} lines, {why} (at most {FILE_LINES})",
                file.path
            ));
        }
        for (name, line, length) in functions(&file.split.code) {
            if length > FUNCTION_LINES {
                let why = "give its parts names";
                findings.push(format!(
                    "{}:{line}: `{name}` has {length} lines, {why} (at most {FUNCTION_LINES})",
                    file.path
                ));
            }
        }
    }
    findings
}

pub(crate) fn leftovers(tree: &Tree) -> Vec<String> {
    tree.files.iter().flat_map(left_in).collect()
}

fn left_in(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, comment) in numbered(&file.split.comments) {
        for note in NOTES
            .iter()
            .filter(|note| find_word(comment, note).is_some())
        {
            findings.push(format!(
                "{}:{line}: `{note}`, do it now or write it elsewhere",
                file.path
            ));
        }
    }
    for (line, code) in numbered(&file.split.code) {
        for (leftover, why) in LEFTOVERS {
            let place = code.find(leftover);
            let before = place.and_then(|place| code.split_at(place).0.chars().next_back());
            if place.is_some() && !before.is_some_and(is_word) {
                findings.push(format!("{}:{line}: `{leftover}`, {why}", file.path));
            }
        }
    }
    findings
}

/// Every function with a body: its name, its line and how many lines stand between its braces.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (place, _) in code.match_indices("fn ") {
        let (before, rest) = code.split_at(place);
        if before.chars().next_back().is_some_and(is_word) {
            continue;
        }
        let rest = rest.split_at(3).1;
        let name: String = rest
            .chars()
            .take_while(|character| is_word(*character))
            .collect();
        let line = before.matches('\n').count() + 1;
        if let Some(length) = body_lines(rest).filter(|_| !name.is_empty()) {
            found.push((name, line, length));
        }
    }
    found
}

/// The lines between the braces of the function that begins here; none without a body.
fn body_lines(rest: &str) -> Option<usize> {
    let mut brackets = 0_usize;
    let mut braces = 0_usize;
    let mut breaks = 0_usize;
    for character in rest.chars() {
        match character {
            '(' | '[' if braces == 0 => brackets += 1,
            ')' | ']' if braces == 0 => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' if brackets == 0 => braces += 1,
            '}' if brackets == 0 => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(breaks.saturating_sub(1));
                }
            }
            '\n' if braces > 0 => breaks += 1,
            _ => {}
        }
    }
    None
}

#[test]
fn bodies_are_counted_between_their_braces() {
    let code =
        "trait A { fn b(&self) -> [u8; 2]; }\nfn c(d: fn(u8) -> u8) {\n    if e {\n    }\n}\n";
    assert_eq!(functions(code), [("c".to_owned(), 2, 2)]);
}
