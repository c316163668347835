//! The text of a rule file into a checked [`Rule`], or every mistake with its place.

use super::condition::{Condition, ConditionError, Moment};
use super::fact::Scope;
use super::matcher::Matcher;
use super::rule::{Closing, Example, Expectation, Level, Rule, Texts};
use super::scope::{Names, scalar_kind};
use super::severity::Severity;
use super::template::{Samples, Template};
use crate::diagnostic::Problems;
use crate::document::{Document, Scalar, Spanned, Table};
use crate::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Values of parameters that replace those of the rule file.
pub(super) type Parameters = BTreeMap<String, Scalar>;

/// A rule file and what could be read of it.
#[derive(Debug)]
pub struct RuleFile {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) rule: Option<Rule>,
    pub(super) problems: Problems,
}

impl RuleFile {
    /// Reads a file; `name` is its path or file name.
    pub fn read(name: &str, text: &str) -> Self {
        let mut problems = Problems::default();
        let rule = rule(name, text, &mut problems);
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            rule,
            problems,
        }
    }
}

/// Reads a rule file; `name` is its path or file name. `None` when something is wrong with it.
pub fn rule(name: &str, text: &str, problems: &mut Problems) -> Option<Rule> {
    rule_with(name, text, &Parameters::new(), problems)
}

/// The same with other values for its parameters.
pub(super) fn rule_with(
    name: &str,
    text: &str,
    replaced: &Parameters,
    problems: &mut Problems,
) -> Option<Rule> {
    let document = match Document::parse(name, text) {
        Ok(document) => document,
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    let rule = read(&document.root(), name, replaced);
    let found = document.take_problems();
    let sound = !found.has_errors();
    problems.extend(found);
    rule.filter(|_| sound)
}

/// The file's name without folders and `.toml`.
pub(super) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.strip_suffix(".toml").unwrap_or(file)
}

fn read(root: &Table<'_>, name: &str, replaced: &Parameters) -> Option<Rule> {
    let id = id(root, stem(name));
    let title = filled(root, "title");
    let scope = word(root, "scope", Scope::ALL, Scope::word);
    let why = filled(root, "why");
    let false_positives = root.text("false_positives").map(|text| text.value);
    let closes = closing(root, scope);
    let enabled = root.boolean("enabled").is_none_or(|enabled| enabled.value);
    let matcher = root.table("match").map(|table| Matcher::read(&table));
    let names = Arc::new(Names {
        scope: scope.unwrap_or_default(),
        parameters: parameters(root, replaced),
        line: matcher.iter().flat_map(Matcher::names).collect(),
    });
    let mut severities = BTreeSet::new();
    let levels = levels(root, &names, &mut severities);
    let texts = texts(root, &names);
    let examples = examples(root, &severities);
    root.finish();
    Some(Rule {
        id: id?,
        file: name.to_owned(),
        title: title?,
        scope: scope?,
        why: why?,
        false_positives,
        closes: closes?,
        enabled,
        names,
        matcher,
        levels,
        texts: texts?,
        examples,
    })
}

/// A source has no attempts and no expiry, so only the condition itself can close its alerts.
fn closing(root: &Table<'_>, scope: Option<Scope>) -> Option<Closing> {
    let closes = word(root, "closes", Closing::ALL, Closing::word)?;
    if scope == Some(Scope::Source) && closes != Closing::Untrue {
        let span = root.text("closes").map(|text| text.span)?;
        let error = root.error("a rule about a source cannot close like this");
        let help = "write closes = \"untrue\"";
        root.note(error.at(span, "only certificates recover").help(help));
        return None;
    }
    Some(closes)
}

fn id(root: &Table<'_>, stem: &str) -> Option<String> {
    let id = root.required_text("id")?;
    if id.value != stem {
        let error = root.error(format!(
            "the rule `{}` is in the file of `{stem}`",
            id.value
        ));
        let help = "a rule's file is called after its id, because files override by name";
        root.note(error.at(id.span, format!("expected \"{stem}\"")).help(help));
        return None;
    }
    Some(id.value)
}

/// A text that must be there and say something.
pub(super) fn filled(table: &Table<'_>, key: &str) -> Option<String> {
    let text = table.required_text(key)?;
    if text.value.trim().is_empty() {
        table.note(
            table
                .error(format!("`{key}` is empty"))
                .at(text.span, "expected a text"),
        );
        return None;
    }
    Some(text.value)
}

pub(super) fn word<T: Copy, const N: usize>(
    table: &Table<'_>,
    key: &str,
    all: [T; N],
    spelled: impl Fn(T) -> &'static str,
) -> Option<T> {
    table.require(key);
    let found = table.one_of(key, &all.map(&spelled))?;
    all.into_iter().find(|one| spelled(*one) == found.value)
}

fn parameters(root: &Table<'_>, replaced: &Parameters) -> Parameters {
    let Some(table) = root.table("parameters") else {
        return Parameters::new();
    };
    let keys = table.keys().into_iter();
    let pairs = keys.filter_map(|key| {
        let own = table.scalar(&key.value)?.value;
        let other = replaced.get(&key.value).cloned();
        let fits = |other: &Scalar| scalar_kind(other) == scalar_kind(&own);
        Some((key.value, other.filter(fits).unwrap_or(own)))
    });
    pairs.collect()
}

/// The levels that could be read; `severities` also gets those that could not.
fn levels(root: &Table<'_>, names: &Arc<Names>, severities: &mut BTreeSet<Severity>) -> Vec<Level> {
    root.require("severity");
    let Some(table) = root.table("severity") else {
        return Vec::new();
    };
    let mut levels = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        if let Some(level) = table.table(severity.word()) {
            severities.insert(severity);
            levels.extend(read_level(&level, severity, names));
        }
    }
    if table.keys().is_empty() {
        let error = table.error("this rule has no severity");
        table.note(error.at(table.header(), "expected `[severity.warning]` or another"));
    }
    table.finish();
    levels
}

fn read_level(table: &Table<'_>, severity: Severity, names: &Arc<Names>) -> Option<Level> {
    let when = table.required_text("when");
    let when = when.and_then(|text| accept(table, &text, Condition::parse(&text.value, names)));
    let at = table
        .text("at")
        .map(|text| accept(table, &text, Moment::parse(&text.value, names)));
    table.finish();
    Some(Level {
        severity,
        when: when?,
        at: match at {
            Some(at) => Some(at?),
            None => None,
        },
    })
}

fn texts(root: &Table<'_>, names: &Names) -> Option<Texts> {
    root.require("message");
    let table = root.table("message")?;
    let samples = Samples::of(names);
    let template = |key| {
        let text = table.required_text(key)?;
        let template = Template::parse(&text.value, names, &samples);
        accept(&table, &text, template)
    };
    let (title, summary, remedy) = (template("title"), template("summary"), template("remedy"));
    table.finish();
    Some(Texts {
        title: title?,
        summary: summary?,
        remedy: remedy?,
    })
}

/// Notes the mistakes of a text at their places in the file.
fn accept<T>(
    table: &Table<'_>,
    text: &Spanned<String>,
    parsed: Result<T, Vec<ConditionError>>,
) -> Option<T> {
    match parsed {
        Ok(parsed) => Some(parsed),
        Err(errors) => {
            for ConditionError {
                range,
                message,
                help,
            } in errors
            {
                let error = table.error(message).at(text.inner(range), "");
                table.note(match help {
                    Some(help) => error.help(help),
                    None => error,
                });
            }
            None
        }
    }
}

fn examples(root: &Table<'_>, severities: &BTreeSet<Severity>) -> Vec<Example> {
    let tables = root.tables("example");
    let read = tables.iter().map(|table| example(table, severities));
    let examples: Vec<Option<Example>> = read.collect();
    let expects = |wanted: fn(Expectation) -> bool| {
        let mut known = examples.iter().flatten();
        // An example that could not be read has been noted; it may be the one looked for.
        examples.iter().any(Option::is_none) || known.any(|example| wanted(example.expect))
    };
    let missing = [
        (
            expects(|one| matches!(one, Expectation::Opens(_))),
            "opens",
            "open",
        ),
        (
            expects(|one| one == Expectation::Silent),
            "silent",
            "not open",
        ),
    ];
    for (given, word, does) in missing {
        if !given {
            let error = root.error(format!("no example shows lines that must {does} this rule"));
            let help = format!("add an `[[example]]` with `expect = \"{word}\"` and its `lines`");
            root.note(error.at(root.header(), "").help(help));
        }
    }
    examples.into_iter().flatten().collect()
}

fn example(table: &Table<'_>, severities: &BTreeSet<Severity>) -> Option<Example> {
    let why = filled(table, "why");
    let expect = expectation(table, severities);
    let expect_span = table.text("expect").map(|text| text.span);
    let certificate = table.text("certificate").map(|text| text.value);
    let moments = ["lost", "found", "until"].map(|key| moment(table, key));
    table.require("lines");
    let lines = table.texts("lines");
    if lines.is_empty() && !moments.iter().any(|one| matches!(one, Ok(Some(_)))) {
        table.note(
            table
                .error("an example has no lines")
                .at(table.header(), ""),
        );
    }
    table.finish();
    let [lost, found, until] = moments;
    Some(Example {
        why: why?,
        expect: expect?,
        expect_span: expect_span?,
        certificate,
        lost: lost.ok()?,
        found: found.ok()?,
        until: until.ok()?,
        lines,
    })
}

/// A moment of an example or a test; an error has been noted.
pub(super) fn moment(table: &Table<'_>, key: &str) -> Result<Option<LogTime>, ()> {
    let Some(text) = table.text(key) else {
        return Ok(None);
    };
    LogTime::parse_rfc3339(&text.value)
        .map(Some)
        .ok_or_else(|| {
            let error = table.error(format!("`{}` is not a time", text.value));
            table.note(error.at(text.span, "expected \"2026-05-03T23:37:59Z\""));
        })
}

fn expectation(table: &Table<'_>, severities: &BTreeSet<Severity>) -> Option<Expectation> {
    table.require("expect");
    let words = Severity::ALL.map(Severity::word);
    let severity = table.one_of("severity", &words);
    let expect = table
        .one_of("expect", &["opens", "silent", "closes"])?
        .value;
    match (expect, severity) {
        ("opens", None) => {
            table.require("severity");
            None
        }
        ("opens", Some(word)) => {
            let severity = Severity::from_word(word.value)?;
            if severities.contains(&severity) {
                return Some(Expectation::Opens(severity));
            }
            let error = table.error(format!("this rule has no severity `{severity}`"));
            table.note(error.at(word.span, "no such table under `[severity]`"));
            None
        }
        (_, Some(word)) => {
            let error = table.error("only `expect = \"opens\"` takes a `severity`");
            table.note(error.at(word.span, "remove this"));
            None
        }
        ("silent", None) => Some(Expectation::Silent),
        _ => Some(Expectation::Closes),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::GOOD;
