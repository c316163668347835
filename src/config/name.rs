//! Names of sources and channels: how they may look, and that each is used once.

use crate::document::{Spanned, Table};
use std::collections::BTreeMap;
use std::ops::Range;

/// Whether a text may name a source or a channel: lower-case letters, digits, `.`, `_` and `-`,
/// beginning with a letter or digit. Names appear in metrics, in messages and on the command line.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.as_bytes().first().is_some_and(plain)
        && text
            .bytes()
            .all(|byte| plain(&byte) || b"._-".contains(&byte))
}

/// Notes a name that may not be one.
pub(super) fn check(table: &Table<'_>, name: &Spanned<String>) -> bool {
    let good = is_name(&name.value);
    if !good {
        let title = format!("`{}` is not a name", name.value);
        let lower = name.value.to_lowercase().replace(' ', "-");
        let wrong = table.error(title).at(
            name.span.clone(),
            "expected lower-case letters, digits, `.`, `_` and `-`",
        );
        table.note(if is_name(&lower) {
            wrong.help(format!("write \"{lower}\""))
        } else {
            wrong
        });
    }
    good
}

/// Where each of some values was first used, to find the ones used again.
pub(super) struct Places {
    title: &'static str,
    help: &'static str,
    first: BTreeMap<String, Range<usize>>,
}

impl Places {
    pub(super) fn new(title: &'static str, help: &'static str) -> Self {
        Self {
            title,
            help,
            first: BTreeMap::new(),
        }
    }

    /// Remembers a value, or notes both places when it has been used before.
    pub(super) fn claim(&mut self, table: &Table<'_>, value: &str, span: &Range<usize>) {
        if let Some(first) = self.first.get(value) {
            table.note(
                table
                    .error(format!("{} `{value}`", self.title))
                    .at(span.clone(), "used again here")
                    .at(first.clone(), "first used here")
                    .help(self.help),
            );
        } else {
            self.first.insert(value.to_owned(), span.clone());
        }
    }
}
