//! What a rule file and a test file may hold, as JSON Schema, so that an editor can complete and check them.
//!
//! The readers, `load` and `case`, decide; `tests/schema.rs` holds the two together. Draft 7 is what
//! editors of TOML understand.

use super::case::EXPECTED;
use super::fact::Scope;
use super::rule::Closing;
use super::severity::Severity;
use serde_json::{Map, Value as Json, json};

/// The dialect of every schema.
pub const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// A text that says something.
const FILLED: &str = r"\S";

/// The schema of a rule file.
pub fn schema() -> Json {
    json!({
        "$schema": DRAFT,
        "title": "Rule of notafter",
        "description": "One rule: when it opens an alert, how loud, when it closes, what it says, and examples both ways.",
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "title", "scope", "why", "closes", "severity", "message", "example"],
        "properties": {
            "id": text("The rule's name: that of its file without `.toml`."),
            "title": filled("What the rule is about, in a sentence without a full stop."),
            "scope": word("What its alerts are about.", &Scope::ALL.map(Scope::word)),
            "why": filled("Why it matters."),
            "false_positives": text("When it may be wrong."),
            "closes": word("When its alerts close: `recovery` when a later notAfter from an issuer that counts is known, `attempt` when the condition was untrue for one whole attempt, `untrue` at once.", &Closing::ALL.map(Closing::word)),
            "enabled": {"type": "boolean", "default": true, "description": "Whether it is judged at all."},
            "match": matching(),
            "parameters": {
                "type": "object",
                "description": "Values that the configuration may change, read as `param.NAME`.",
                "additionalProperties": {"type": ["string", "integer", "boolean"]},
            },
            "severity": severities(),
            "message": message(),
            "example": examples(),
        },
        "if": {"properties": {"scope": {"const": Scope::Source.word()}}, "required": ["scope"]},
        "then": {"properties": {"closes": {"const": Closing::Untrue.word()}}},
    })
}

/// The schema of a test file.
pub fn tests() -> Json {
    json!({
        "$schema": DRAFT,
        "title": "Tests of notafter's rules",
        "description": "Lines of a log, and what rules must have made of them at given moments; `notafter rules test FILE` runs them.",
        "type": "object",
        "additionalProperties": false,
        "required": ["test"],
        "properties": {
            "test": {"type": "array", "minItems": 1, "items": {
                "if": {"required": ["rule"]},
                "else": {"properties": {"check": {"items": {"required": ["rule"]}}}},
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "given", "check"],
                "properties": {
                    "name": filled("What is tried."),
                    "rule": text("The rule of those checks that name none."),
                    "certificate": text("The certificate of those checks that name none."),
                    "given": lines("Lines of Caddy's log, as it printed them."),
                    "lost": moment("From here on the log cannot be read."),
                    "found": moment("From here on it can be read again."),
                    "check": {"type": "array", "minItems": 1, "items": check()},
                },
            }},
        },
    })
}

fn check() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["expect"],
        "properties": {
            "at": moment("When to look; without it, after the last line."),
            "rule": text("The rule."),
            "certificate": text("Only its alerts about this certificate."),
            "expect": word("What must be: an alert is open, none has opened so far, or all that opened have closed.", &EXPECTED),
            "severity": word("How loud it must be.", &Severity::ALL.map(Severity::word)),
        },
        "if": {"properties": {"expect": {"const": "fires"}}, "required": ["expect"]},
        "else": {"not": {"required": ["severity"]}},
    })
}

fn lines(description: &str) -> Json {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

fn moment(description: &str) -> Json {
    json!({"type": "string", "format": "date-time", "description": description})
}

fn text(description: &str) -> Json {
    json!({"type": "string", "description": description})
}

fn filled(description: &str) -> Json {
    json!({"type": "string", "pattern": FILLED, "description": description})
}

fn word(description: &str, words: &[&str]) -> Json {
    json!({"enum": words, "description": description})
}

fn matching() -> Json {
    let test = |description: &str| {
        json!({
            "description": description,
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "additionalProperties": false,
                    "minProperties": 1,
                    "maxProperties": 1,
                    "properties": {
                        "prefix": text("What the text begins with."),
                        "regex": text("A regular expression that fits anywhere in the text; its named groups become `line.NAME`."),
                    },
                },
            ],
        })
    };
    json!({
        "type": "object",
        "description": "The log lines that the rule is about; every test must hold.",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {
            "msg": test("The message."),
            "logger": test("The logger."),
            "level": test("The level, in lower case."),
            "field": {
                "type": "object",
                "description": "Other fields of the line, by name.",
                "additionalProperties": test("The field, as text."),
            },
        },
    })
}

fn severities() -> Json {
    let level = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["when"],
        "properties": {
            "when": filled("A CEL condition over the facts of `rules/README.md`."),
            "at": filled("A CEL time: from when on, such as `cert.due_since + duration(\"24h\")`. Without it: at once."),
        },
    });
    let levels = Severity::ALL.map(|severity| (severity.word().to_owned(), level.clone()));
    json!({
        "type": "object",
        "description": "How loud the rule is, each with its own condition.",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": Json::Object(Map::from_iter(levels)),
    })
}

fn message() -> Json {
    json!({
        "type": "object",
        "description": "What a person is told; templates of minijinja over the facts.",
        "additionalProperties": false,
        "required": ["title", "summary", "remedy"],
        "properties": {
            "title": text("One line."),
            "summary": text("What is wrong, since when, and by when it hurts."),
            "remedy": text("The one next thing to do."),
        },
    })
}

fn examples() -> Json {
    let one = |word: &str| json!({"contains": {"properties": {"expect": {"const": word}}}});
    json!({
        "type": "array",
        "description": "Lines that must open the rule, and lines that must not; `notafter rules test` runs them.",
        "allOf": [one("opens"), one("silent")],
        "items": example(),
    })
}

fn example() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["why", "expect", "lines"],
        "properties": {
            "why": filled("Why the lines must do that."),
            "expect": word("What the lines must make the rule do.", &["opens", "silent", "closes"]),
            "severity": word("How loud it opens.", &Severity::ALL.map(Severity::word)),
            "certificate": text("The certificate it is about, where the lines name several."),
            "lost": moment("After the last line, from here on the log cannot be read."),
            "found": moment("From here on it can be read again."),
            "until": moment("Log time moves on to here at the end."),
            "lines": lines("Lines of Caddy's log."),
        },
        "if": {"properties": {"expect": {"const": "opens"}}, "required": ["expect"]},
        "then": {"required": ["severity"]},
        "else": {"not": {"required": ["severity"]}},
        "anyOf": [
            {"properties": {"lines": {"minItems": 1}}},
            {"required": ["lost"]},
            {"required": ["found"]},
            {"required": ["until"]},
        ],
    })
}
