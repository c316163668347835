//! The parser's tables into our own: owned, in file order, every value with its place.

use crate::diagnostic::{Diagnostic, Problems, Source};
use std::fmt;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value and where in the file it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The bytes of the file that hold it, quotes included.
    pub span: Range<usize>,
    /// Where the content of a text starts, when the file holds it letter for letter.
    content: Option<usize>,
}

impl<T> Spanned<T> {
    /// A value that stands at these bytes of the file.
    pub fn new(value: T, span: Range<usize>) -> Self {
        Self {
            value,
            span,
            content: None,
        }
    }

    /// The bytes of the file for a byte range of the text's content. A text with escapes is not in
    /// the file letter for letter: then it is the whole value.
    pub fn inner(&self, range: Range<usize>) -> Range<usize> {
        match self.content {
            Some(start) => {
                let end = self.span.end;
                (start + range.start).min(end)..(start + range.end).min(end)
            }
            None => self.span.clone(),
        }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: change(self.value),
            span: self.span,
            content: self.content,
        }
    }
}

/// A value that is no list and no table, such as a parameter of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text in quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
}

impl fmt::Display for Scalar {
    /// As a person reads it, a text without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
        }
    }
}

/// Any value; what we never read (fractions, dates) is kept only to be named in messages.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    Fraction,
    Date,
    List(Vec<Spanned<Value>>),
    Table(Vec<Entry>),
}

impl Value {
    /// What a person would call it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(Scalar::Text(_)) => "text",
            Self::Scalar(Scalar::Integer(_)) => "a number",
            Self::Scalar(Scalar::Boolean(_)) => "true or false",
            Self::Fraction => "a fraction",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Spanned<String>,
    pub(super) value: Spanned<Value>,
}

/// The entries of a table in file order.
pub(super) fn entries(table: DeTable<'_>, source: &Source, problems: &mut Problems) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key: Spanned::new(key.get_ref().to_string(), key.span()),
            value: spanned(value, source, problems),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key.span.start);
    entries
}

fn spanned(
    value: toml::Spanned<DeValue<'_>>,
    source: &Source,
    problems: &mut Problems,
) -> Spanned<Value> {
    let span = value.span();
    let mut content = None;
    let value = match value.into_inner() {
        DeValue::String(text) => {
            content = content_start(&text, &span, source);
            Value::Scalar(Scalar::Text(text.into_owned()))
        }
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            if parsed.is_err() {
                let title = format!("`{}` is too large a number", source.shown(&span));
                problems.note(Diagnostic::error(source, title).at(span.clone(), "too large"));
            }
            Value::Scalar(Scalar::Integer(parsed.unwrap_or_default()))
        }
        DeValue::Boolean(truth) => Value::Scalar(Scalar::Boolean(truth)),
        DeValue::Float(_) => Value::Fraction,
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => {
            let items = items.into_iter();
            Value::List(items.map(|item| spanned(item, source, problems)).collect())
        }
        DeValue::Table(table) => Value::Table(entries(table, source, problems)),
    };
    Spanned {
        value,
        span,
        content,
    }
}

/// Where in the file the content of a text starts, when it stands there letter for letter.
fn content_start(value: &str, span: &Range<usize>, source: &Source) -> Option<usize> {
    let raw = source.text().get(span.clone())?;
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| raw.starts_with(quote) && raw.len() >= 2 * quote.len())?;
    let inside = raw.get(quote.len()..raw.len() - quote.len())?;
    // A line break right after three quotes is not part of the text.
    let text = match quote.len() {
        3 => ["\r\n", "\n"]
            .into_iter()
            .find_map(|line_break| inside.strip_prefix(line_break))
            .unwrap_or(inside),
        _ => inside,
    };
    (text == value).then(|| span.end - quote.len() - text.len())
}
