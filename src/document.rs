//! TOML text into tables that note every wrong, missing and unknown key, and go on.
//!
//! [`Document::parse`] reports all mistakes of the grammar at once. When there are none, the text is
//! walked with the typed getters of [`Table`]: each notes what it could not read and gives `None`,
//! so one run finds every mistake. [`Table::finish`] then notes the keys nobody asked for. Every
//! value is [`Spanned`], so that what is found wrong later can still be shown in the file.
//!
//! A text with grammar mistakes is not walked: what recovery makes of a broken line would be
//! reported as keys that are missing or out of place, which they are not.

mod length;
mod syntax;
mod table;
mod value;

pub use length::parse_length;
pub use table::Table;
pub use value::{Scalar, Spanned};

use crate::diagnostic::{Diagnostic, Problems, Source};
use std::cell::RefCell;
use toml::de::DeTable;
use value::Entry;

/// A TOML text without grammar mistakes, and what has been found wrong with its content so far.
#[derive(Debug)]
pub struct Document {
    source: Source,
    entries: Vec<Entry>,
    problems: RefCell<Problems>,
}

impl Document {
    /// Parses a text, or gives every grammar mistake in it; `name` is how messages call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        // A byte order mark is no column of the first line.
        let source = Source::new(name, text.strip_prefix('\u{feff}').unwrap_or(text));
        let (table, errors) = DeTable::parse_recoverable(source.text());
        let mut problems = syntax::reword(&source, &errors);
        let entries = value::entries(table.into_inner(), &source, &mut problems);
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(Self {
            source,
            entries,
            problems: RefCell::new(problems),
        })
    }

    /// The table of the keys before the first header.
    pub fn root(&self) -> Table<'_> {
        Table::new(self, &self.entries, 0..0, String::new())
    }

    /// The file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Notes a mistake found by someone who understands the content.
    pub fn note(&self, diagnostic: Diagnostic) {
        self.problems.borrow_mut().note(diagnostic);
    }

    /// Everything noted so far; the document starts again with none.
    pub fn take_problems(&self) -> Problems {
        self.problems.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse("f.toml", text).unwrap()
    }

    #[test]
    fn getters_note_and_go_on() {
        let document =
            document("a = 1\nb = \"6 hous\"\nc = \"loud\"\nd = [\"x\", 2]\n[e]\nf = true\n");
        let root = document.root();
        assert_eq!(root.text("a"), None);
        assert_eq!(root.length("b"), None);
        assert_eq!(root.one_of("c", &["cloud", "info"]), None);
        assert_eq!(root.texts("d").len(), 1);
        let table = root.table("e").unwrap();
        assert_eq!(table.title(), "`[e]`");
        assert_eq!(table.required_text("url"), None);
        table.finish();
        root.finish();
        assert_eq!(
            document.take_problems().to_string(),
            "f.toml:1:5: error: `a` has a value of the wrong kind\n\
             f.toml:2:5: error: `6 hous` is not a length of time\n\
             f.toml:3:5: error: `loud` is not a value of `c`\n\
             f.toml:4:11: error: `d` has a value of the wrong kind\n\
             f.toml:5:1: error: `[e]` has no `url`\n\
             f.toml:6:1: error: unknown key `f` in `[e]`"
        );
        assert!(document.take_problems().is_empty());
    }

    #[test]
    fn a_place_inside_a_text_is_a_place_in_the_file() {
        let text = "a = \"cert.age\"\nb = '''\nline one\nline two'''\nc = \"x\\ty\"\nd = ''\n";
        let document = document(text);
        let at = |key: &str, range| {
            let value = document.root().text(key).unwrap();
            text.get(value.inner(range)).unwrap()
        };
        assert_eq!(at("a", 5..8), "age");
        assert_eq!(at("b", 9..13), "line");
        assert_eq!(at("c", 0..1), "\"x\\ty\"");
        assert_eq!(at("d", 0..9), "'");
    }

    #[test]
    fn several_grammar_mistakes_are_found_at_once_one_a_line() {
        let text = "a = \nb = \"x\nc = 6h\n[d\ne = 1\nf\n";
        let problems = Document::parse("f.toml", text).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "f.toml:1:5: error: a value is missing\n\
             f.toml:2:7: error: a text is not closed\n\
             f.toml:3:5: error: `6h` is not a value\n\
             f.toml:4:3: error: a table's name is not closed\n\
             f.toml:6:2: error: `=` is missing after a key"
        );
    }
}
