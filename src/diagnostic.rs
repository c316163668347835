//! A mistake in a file, with its place, the line drawn, and what to do.
//!
//! Whoever reads a file turns what it could not read into [`Diagnostic`]s: one lower-case sentence,
//! places as byte ranges of the file's text, and perhaps help. They are gathered in [`Problems`], so
//! that one run shows every mistake of a file, in file order. [`render`] draws them for a person and
//! [`Diagnostic::one_line`] for an editor. Nothing here reads a file; text from the file is
//! neutralised before it is drawn.

mod draw;
mod nearest;
mod veil;

pub use draw::{draw, render};
pub use nearest::nearest;
use veil::veil;

use miette::{LabeledSpan, NamedSource};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file's name, as the person gave it, and its text; cheap to clone.
#[derive(Clone, Debug)]
pub struct Source(Arc<NamedSource<String>>);

impl Source {
    /// A file of this name with this text.
    pub fn new(name: impl AsRef<str>, text: impl Into<String>) -> Self {
        Self(Arc::new(NamedSource::new(name, text.into())))
    }

    /// The name to show.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        self.0.inner()
    }

    /// The line and column of a byte offset, both counted from 1, columns in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let place = self.place(offset);
        (place.line, place.column)
    }

    /// The text of a span, with credentials hidden as in a drawing; the part on its first line.
    pub fn shown(&self, span: &Range<usize>) -> String {
        let place = self.place(span.start);
        let part = self.text().get(span.clone()).unwrap_or_default();
        let length = part.lines().next().unwrap_or_default().chars().count();
        let line = veil(place.text);
        line.chars().skip(place.column - 1).take(length).collect()
    }

    /// The line around a byte offset. The end of a file that ends with a line break counts as the
    /// end of its last line, because an empty line helps nobody.
    fn place(&self, offset: usize) -> Place<'_> {
        let text = self.text();
        let mut offset = text.floor_char_boundary(offset);
        if offset == text.len() && text.ends_with('\n') {
            offset -= 1;
        }
        let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(text.len(), |at| offset + at);
        let whole = text.get(start..end).unwrap_or_default();
        Place {
            line: before.matches('\n').count() + 1,
            column: text
                .get(start..offset)
                .map_or(1, |part| part.chars().count() + 1),
            offset,
            start,
            text: whole.strip_suffix('\r').unwrap_or(whole),
        }
    }
}

/// One line of a source, and where in it we are.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    line: usize,
    column: usize,
    offset: usize,
    start: usize,
    text: &'a str,
}

/// Whether a diagnostic stops the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file cannot be used.
    Error,
    /// The file can be used, but a person should look at it.
    Warning,
}

impl Level {
    /// The word that opens a message.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake: what is wrong, where, and what to do.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    level: Level,
    title: String,
    labels: Vec<(Range<usize>, String)>,
    help: Option<String>,
    source: Source,
}

impl Diagnostic {
    /// An error; `title` is one lower-case sentence without a full stop.
    pub fn error(source: &Source, title: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            title: title.into(),
            labels: Vec::new(),
            help: None,
            source: source.clone(),
        }
    }

    /// A warning; `title` is one lower-case sentence without a full stop.
    pub fn warning(source: &Source, title: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(source, title)
        }
    }

    /// Adds a place with a few words; the first place added is the one the message is filed under.
    #[must_use]
    pub fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// Says what to do or type.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says "did you mean" when a known word is near, else nothing.
    #[must_use]
    pub fn help_nearest<'k>(self, word: &str, known: impl Iterator<Item = &'k str>) -> Self {
        match nearest(word, known) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Whether it stops the program.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The sentence.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The places, the primary one first.
    pub fn labels(&self) -> &[(Range<usize>, String)] {
        &self.labels
    }

    /// The file it is about.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// `file:line:column: error: sentence`, for editors and logs.
    pub fn one_line(&self) -> String {
        let (line, column) = self.source.line_column(self.start());
        let name = veil::safe(self.source.name());
        let title = veil::safe(&self.title);
        format!("{name}:{line}:{column}: {}: {title}", self.level.word())
    }

    /// The byte offset the message is filed under.
    fn start(&self) -> usize {
        self.labels.first().map_or(0, |(span, _)| span.start)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl std::error::Error for Diagnostic {}

/// For programs that gather reports of several crates; our own text comes from [`render`].
impl miette::Diagnostic for Diagnostic {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.level {
            Level::Error => miette::Severity::Error,
            Level::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&*self.source.0)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().map(|(span, label)| {
            LabeledSpan::new(Some(label.clone()), span.start, span.len())
        })))
    }
}

/// Every mistake found so far, of one file or of several, given out in file order.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Diagnostic>);

impl Problems {
    /// Adds a mistake.
    pub fn note(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
        self.0
            .sort_by(|a, b| (a.source.name(), a.start()).cmp(&(b.source.name(), b.start())));
    }

    /// Adds everything another reader found.
    pub fn extend(&mut self, other: Self) {
        for diagnostic in other.0 {
            self.note(diagnostic);
        }
    }

    /// Whether nothing at all was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something stops the program.
    pub fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    /// How many there are of one level.
    pub fn count(&self, level: Level) -> usize {
        self.iter().filter(|one| one.level == level).count()
    }

    /// Each mistake, in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

/// One line each: what a log or a failed test shows.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{}", diagnostic.one_line())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_the_end_is_on_the_last_line() {
        let source = Source::new("f.toml", "é = 1\r\nb\n");
        assert_eq!(source.line_column(3), (1, 3));
        assert_eq!(source.line_column(8), (2, 1));
        assert_eq!(source.line_column(9), (2, 2));
        assert_eq!(source.line_column(400), (2, 2));
        assert_eq!(Source::new("f", "").line_column(0), (1, 1));
    }

    #[test]
    fn problems_come_in_file_order_whatever_order_they_were_found_in() {
        let source = Source::new("f.toml", "a = 1\nb = 2\n");
        let mut problems = Problems::default();
        problems.note(Diagnostic::warning(&source, "`b` is odd").at(6..7, "here"));
        problems.note(Diagnostic::error(&source, "`a` is wrong").at(0..1, "here"));
        assert!(problems.has_errors());
        assert_eq!(
            problems.to_string(),
            "f.toml:1:1: error: `a` is wrong\nf.toml:2:1: warning: `b` is odd"
        );
    }
}
