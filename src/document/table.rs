//! Typed getters over one table: each notes what is wrong with its value, and goes on.

use super::Document;
use super::length::parse_length;
use super::value::{Entry, Scalar, Spanned, Value};
use crate::diagnostic::{Diagnostic, nearest};
use chrono::TimeDelta;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

/// Above this many words a list of what could have been written explains nothing.
const LISTED_MAX: usize = 8;

/// One table of a [`Document`]. A getter gives `None` where the key is absent, and where its value
/// is wrong and has been noted. Whoever reads a table ends with [`Table::finish`].
#[derive(Debug)]
pub struct Table<'a> {
    document: &'a Document,
    entries: &'a [Entry],
    header: Range<usize>,
    name: String,
    asked: RefCell<BTreeSet<String>>,
    settled: RefCell<BTreeSet<String>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        document: &'a Document,
        entries: &'a [Entry],
        header: Range<usize>,
        name: String,
    ) -> Self {
        Self {
            document,
            entries,
            header,
            name,
            asked: RefCell::default(),
            settled: RefCell::default(),
        }
    }

    /// How messages call the table, in backticks: `[alerts]`, `[[source]]`, or `this file`.
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            "this file".to_owned()
        } else {
            format!("`{}`", self.name)
        }
    }

    /// Where the table's header stands.
    pub fn header(&self) -> Range<usize> {
        self.header.clone()
    }

    /// Notes a mistake found by someone who understands the content.
    pub fn note(&self, diagnostic: Diagnostic) {
        self.document.note(diagnostic);
    }

    /// Starts an error about this file.
    pub fn error(&self, title: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.document.source(), title)
    }

    /// Starts a warning about this file.
    pub fn warning(&self, title: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(self.document.source(), title)
    }

    /// Text in quotes.
    pub fn text(&self, key: &str) -> Option<Spanned<String>> {
        self.read(key, "text", |value| match value {
            Value::Scalar(Scalar::Text(text)) => Some(text.clone()),
            _ => None,
        })
    }

    /// Text that must be there.
    pub fn required_text(&self, key: &str) -> Option<Spanned<String>> {
        self.require(key);
        self.text(key)
    }

    /// A whole number.
    pub fn integer(&self, key: &str) -> Option<Spanned<i64>> {
        self.read(key, "a whole number", |value| match value {
            Value::Scalar(Scalar::Integer(number)) => Some(*number),
            _ => None,
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Option<Spanned<bool>> {
        self.read(key, "true or false", |value| match value {
            Value::Scalar(Scalar::Boolean(truth)) => Some(*truth),
            _ => None,
        })
    }

    /// A length of time: `"30s"`, `"5 min"`, `"6h"`, `"1d"`.
    pub fn length(&self, key: &str) -> Option<Spanned<TimeDelta>> {
        let text = self.read(
            key,
            "a length of time such as \"5 min\"",
            |value| match value {
                Value::Scalar(Scalar::Text(text)) => Some(text.clone()),
                _ => None,
            },
        )?;
        let length = parse_length(&text.value);
        if length.is_none() {
            let title = format!("`{}` is not a length of time", text.value);
            self.note(self.error(title).at(
                text.span.clone(),
                "expected a whole number and one of `s`, `min`, `h`, `d`",
            ));
        }
        length.map(|length| text.map(|_| length))
    }

    /// One of a few words.
    pub fn one_of<'w>(&self, key: &str, words: &[&'w str]) -> Option<Spanned<&'w str>> {
        let text = self.text(key)?;
        let word = words.iter().copied().find(|word| *word == text.value);
        if word.is_none() {
            let title = format!("`{}` is not a value of `{key}`", text.value);
            let label = format!("expected {}", list(words, "or"));
            let known = words.iter().copied();
            self.note(
                self.error(title)
                    .at(text.span.clone(), label)
                    .help_nearest(&text.value, known),
            );
        }
        word.map(|word| text.map(|_| word))
    }

    /// A list of texts; empty where the key is absent.
    pub fn texts(&self, key: &str) -> Vec<Spanned<String>> {
        let mut texts = Vec::new();
        for item in self.list(key, "a list of texts") {
            match &item.value {
                Value::Scalar(Scalar::Text(text)) => texts.push(item.clone().map(|_| text.clone())),
                other => self.wrong_kind(key, "text", other, &item.span),
            }
        }
        texts
    }

    /// Text, a whole number, or `true` or `false`.
    pub fn scalar(&self, key: &str) -> Option<Spanned<Scalar>> {
        self.read(
            key,
            "text, a whole number, or true or false",
            |value| match value {
                Value::Scalar(scalar) => Some(scalar.clone()),
                _ => None,
            },
        )
    }

    /// Whether the key is there and holds a table, for keys that take a text or a table.
    pub fn is_table(&self, key: &str) -> bool {
        let entry = self.entry(key);
        entry.is_some_and(|entry| matches!(entry.value.value, Value::Table(_)))
    }

    /// A table inside this one.
    pub fn table(&self, key: &str) -> Option<Table<'a>> {
        let entry = self.entry(key)?;
        match &entry.value.value {
            Value::Table(entries) => Some(Table::new(
                self.document,
                entries,
                entry.value.span.clone(),
                format!("[{}]", self.path(key)),
            )),
            other => {
                self.wrong_kind(key, "a table", other, &entry.value.span);
                None
            }
        }
    }

    /// The tables of an array of tables; empty where there is none.
    pub fn tables(&self, key: &str) -> Vec<Table<'a>> {
        let name = format!("[[{}]]", self.path(key));
        if let Some(entry) = self.entry(key)
            && matches!(entry.value.value, Value::Table(_))
        {
            let title = format!("`{key}` can be given several times, so it needs two brackets");
            self.note(
                self.error(title)
                    .at(entry.value.span.clone(), "expected two brackets")
                    .help(format!("write `{name}`")),
            );
            return Vec::new();
        }
        let mut tables = Vec::new();
        for item in self.list(key, "a list of tables") {
            match &item.value {
                Value::Table(entries) => {
                    let header = item.span.clone();
                    tables.push(Table::new(self.document, entries, header, name.clone()));
                }
                other => self.wrong_kind(key, "a table", other, &item.span),
            }
        }
        tables
    }

    /// An array of tables that must be there, with at least one.
    pub fn required_tables(&self, key: &str) -> Vec<Table<'a>> {
        self.require(key);
        if let Some(entry) = self.entry(key)
            && matches!(&entry.value.value, Value::List(items) if items.is_empty())
        {
            let error = self.error(format!("`{key}` is empty"));
            let name = format!("`[[{}]]`", self.path(key));
            self.note(error.at(entry.value.span.clone(), format!("expected {name}")));
        }
        self.tables(key)
    }

    /// Every key with its place, for tables whose keys are names; asking for them stays to be done.
    pub fn keys(&self) -> Vec<Spanned<String>> {
        self.entries.iter().map(|entry| entry.key.clone()).collect()
    }

    /// The keys not asked for so far, for tables that end in keys only others know.
    pub fn rest(&self) -> Vec<Spanned<String>> {
        let asked = self.asked.borrow();
        let settled = self.settled.borrow();
        let rest = self.entries.iter().map(|entry| &entry.key);
        rest.filter(|key| !asked.contains(&key.value) && !settled.contains(&key.value))
            .cloned()
            .collect()
    }

    /// Notes a key that must be there and is not; for the getters without a `required_` twin.
    pub fn require(&self, key: &str) {
        if self.entry(key).is_some() {
            return;
        }
        let title = format!("{} has no `{key}`", self.title());
        let label = format!("`{key}` is required");
        self.note(self.error(title).at(self.header.clone(), label));
    }

    /// Leaves a key out of [`Table::finish`], when the caller has said all there is to say about it.
    pub fn settle(&self, key: &str) {
        self.settled.borrow_mut().insert(key.to_owned());
    }

    /// Notes every key that was never asked for.
    pub fn finish(&self) {
        let asked = self.asked.borrow();
        let free: Vec<&str> = asked
            .iter()
            .map(String::as_str)
            .filter(|word| self.entries.iter().all(|entry| entry.key.value != *word))
            .collect();
        for key in self.rest() {
            let word = &key.value;
            let place = match self.name.as_str() {
                "" => String::new(),
                name => format!(" in `{name}`"),
            };
            let unknown = self.error(format!("unknown key `{word}`{place}")).at(
                key.span.clone(),
                format!("not a setting of {}", self.title()),
            );
            let known: Vec<&str> = asked.iter().map(String::as_str).collect();
            self.note(match nearest(word, free.iter().copied()) {
                Some(near) => unknown.help(format!("did you mean `{near}`?")),
                None if (1..=LISTED_MAX).contains(&known.len()) => {
                    unknown.help(format!("{} takes {}", self.title(), list(&known, "and")))
                }
                None => unknown,
            });
        }
    }

    fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.entries.iter().find(|entry| entry.key.value == key)
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        take: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let entry = self.entry(key)?;
        let taken = take(&entry.value.value);
        if taken.is_none() {
            self.wrong_kind(key, expected, &entry.value.value, &entry.value.span);
        }
        taken.map(|value| entry.value.clone().map(|_| value))
    }

    fn list(&self, key: &str, expected: &str) -> &'a [Spanned<Value>] {
        let Some(entry) = self.entry(key) else {
            return &[];
        };
        match &entry.value.value {
            Value::List(items) => items,
            other => {
                self.wrong_kind(key, expected, other, &entry.value.span);
                &[]
            }
        }
    }

    fn wrong_kind(&self, key: &str, expected: &str, found: &Value, span: &Range<usize>) {
        let label = format!("expected {expected}, found {}", found.kind());
        let title = format!("`{key}` has a value of the wrong kind");
        self.note(self.error(title).at(span.clone(), label));
    }

    /// The dotted name of a table inside this one.
    fn path(&self, key: &str) -> String {
        match self.name.trim_matches(['[', ']']) {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }
}

/// `a`, `b` or `c`, each in backticks.
fn list(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((end, start)) if !start.is_empty() => format!("{} {last} {end}", start.join(", ")),
        _ => quoted.join(""),
    }
}
