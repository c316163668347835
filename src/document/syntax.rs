//! Grammar mistakes in a TOML parser's words into a person's words.
//!
//! The parser goes on after a mistake and may then stumble again over the same line, so only the
//! first mistake of each line is kept.

use crate::diagnostic::{Diagnostic, Problems, Source, nearest};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::de::Error;

/// Every mistake, in file order, at most one a line.
pub(super) fn reword(source: &Source, errors: &[Error]) -> Problems {
    let mut spans: Vec<(Range<usize>, &str)> = errors
        .iter()
        .map(|error| (error.span().unwrap_or_default(), error.message()))
        .collect();
    spans.sort_by_key(|(span, _)| span.start);
    let mut lines = BTreeSet::new();
    let mut problems = Problems::default();
    for (span, message) in spans {
        if lines.insert(source.line_column(span.start).0) {
            problems.note(in_words(source, span, message));
        }
    }
    problems
}

fn in_words(source: &Source, span: Range<usize>, message: &str) -> Diagnostic {
    let found = source.shown(&span);
    let say = |title: &str| Diagnostic::error(source, title);
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    match what {
        "string values must be quoted" => unquoted(source, span),
        "missing value" | "missing value for key" => {
            say("a value is missing").at(span, "expected a value after `=`")
        }
        "duplicate key" => set_twice(source, span, &found),
        "key with no value" => {
            say("`=` is missing after a key").at(span, "expected `=` and a value")
        }
        "unclosed table" => say("a table's name is not closed").at(span, "expected `]`"),
        "unclosed array table" => say("a table's name is not closed").at(span, "expected `]]`"),
        "unclosed array" => say("a list is not closed").at(span, "expected `]`"),
        "unclosed inline table" => say("an inline table is not closed").at(span, "expected `}`"),
        "missing comma between array elements" => {
            say("a comma or a closing bracket is missing in a list").at(span, "expected `,` or `]`")
        }
        "missing comma between key-value pairs" => {
            say("a comma is missing in an inline table").at(span, "expected `,` or `}`")
        }
        "unexpected key or value" => {
            say("something follows the value on this line").at(span, "expected a new line")
        }
        "missing escaped value" => say("`\\` starts no known escape here")
            .at(span, "not an escape")
            .help("write `\\\\` for one backslash, or put the text in single quotes"),
        "unexpected leading zero" => say("a number starts with `0`")
            .at(span, "remove this")
            .help("text such as a telephone number needs quotes"),
        "invalid boolean" => {
            match nearest(&found, ["true", "false"].into_iter()) {
                Some(near) => say(&format!("`{found}` is not a value"))
                    .at(span, "expected `true` or `false`")
                    .help(format!("did you mean `{near}`?")),
                // The parser takes any word for a boolean that begins like one.
                None => unquoted(source, span),
            }
        }
        "unquoted keys cannot be empty" => say("a key is missing").at(span, "expected a key"),
        _ if what.starts_with("invalid ") && what.ends_with("string") && found.is_empty() => {
            let quote = match (what.contains("multi-line"), what.contains("literal")) {
                (true, true) => "'''",
                (true, false) => "\"\"\"",
                (false, true) => "'",
                (false, false) => "\"",
            };
            say("a text is not closed").at(span, format!("expected `{quote}`"))
        }
        _ if what.ends_with("string") && found.chars().all(char::is_control) => {
            say("a text holds a control character").at(span, "write it as an escape")
        }
        _ if expected.is_empty() || expected == "nothing" => say(what).at(span, "not TOML"),
        _ => say(what).at(span, format!("expected {expected}")),
    }
}

fn unquoted(source: &Source, span: Range<usize>) -> Diagnostic {
    let found = source.text().get(span.clone()).unwrap_or_default();
    if found.is_empty() {
        return Diagnostic::error(source, "a value is missing")
            .at(span, "expected a value after `=`");
    }
    let shown = source.shown(&span);
    let bare = found.trim_matches(|letter: char| !letter.is_ascii_graphic() || letter == '"');
    let diagnostic = Diagnostic::error(source, format!("`{shown}` is not a value"))
        .at(span, "text needs straight quotes");
    // A secret is shown hidden, and then it cannot be shown in quotes either.
    if shown == found {
        diagnostic.help(format!("write \"{bare}\""))
    } else {
        diagnostic
    }
}

fn set_twice(source: &Source, span: Range<usize>, found: &str) -> Diagnostic {
    let before = source.text().get(..span.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let header = before
        .get(start..)
        .is_some_and(|part| part.trim_start().starts_with('['));
    if header {
        Diagnostic::error(source, format!("the table `{found}` is begun twice"))
            .at(span, "begun again here")
            .help("keep its keys together under one header")
    } else {
        Diagnostic::error(source, format!("`{found}` is set twice")).at(span, "set again here")
    }
}
