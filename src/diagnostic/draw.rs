//! Diagnostics into text: the sentence, `file:line:column`, the line with carets, the help.
//!
//! ```text
//! error: two sources are named `edge-1`
//!   --> notafter.toml:7:8
//!    |
//!  2 | name = "edge-1"
//!    |        -------- first used here
//! ...
//!  7 | name = "edge-1"
//!    |        ^^^^^^^^ used again here
//!    = help: each source needs its own name
//! ```
//!
//! Lines longer than the terminal are cut around the mistake.

use super::veil::safe;
use super::{Diagnostic, Level, Place, Problems};
use std::ops::Range;

/// The narrowest drawing that is still readable.
const WIDTH_MIN: usize = 40;

/// Draws one mistake.
pub fn draw(diagnostic: &Diagnostic, width: usize, color: bool) -> String {
    let pen = Pen {
        width: width.max(WIDTH_MIN),
        color,
    };
    let mut out = String::new();
    pen.diagnostic(&mut out, diagnostic);
    out
}

/// Draws every mistake in file order, then says how many there are.
pub fn render(problems: &Problems, width: usize, color: bool) -> String {
    let mut out = String::new();
    for diagnostic in problems.iter() {
        out.push_str(&draw(diagnostic, width, color));
        out.push('\n');
    }
    if !problems.is_empty() {
        out.push_str(&tally(problems));
        out.push('\n');
    }
    out
}

/// `2 errors and 1 warning in notafter.toml`.
fn tally(problems: &Problems) -> String {
    let counted = |level: Level| match problems.count(level) {
        0 => None,
        1 => Some(format!("1 {}", level.word())),
        many => Some(format!("{many} {}s", level.word())),
    };
    let counts: Vec<String> = [Level::Error, Level::Warning]
        .into_iter()
        .filter_map(counted)
        .collect();
    let mut names: Vec<&str> = problems.iter().map(|one| one.source().name()).collect();
    names.dedup();
    let place = match names.as_slice() {
        [name] => safe(name),
        names => format!("{} files", names.len()),
    };
    format!("{} in {place}", counts.join(" and "))
}

struct Pen {
    width: usize,
    color: bool,
}

/// A label with the line it is on; the columns are those of the line, counted from 0.
struct Mark<'a> {
    place: Place<'a>,
    columns: Range<usize>,
    label: &'a str,
    primary: bool,
}

impl<'a> Mark<'a> {
    fn new(diagnostic: &'a Diagnostic, index: usize, span: &Range<usize>, label: &'a str) -> Self {
        let place = diagnostic.source().place(span.start);
        let first = place.column - 1;
        let rest = place.text.get(place.offset - place.start..);
        let length = rest.unwrap_or_default().char_indices();
        let length = length.take_while(|(at, _)| place.offset + at < span.end);
        Self {
            place,
            columns: first..first + length.count().max(1),
            label,
            primary: index == 0,
        }
    }
}

impl Pen {
    fn diagnostic(&self, out: &mut String, diagnostic: &Diagnostic) {
        let level = diagnostic.level();
        let word = self.paint(level_color(level), level.word());
        let title = self.paint("1", &format!(": {}", safe(diagnostic.title())));
        let mut marks: Vec<Mark<'_>> = diagnostic
            .labels()
            .iter()
            .enumerate()
            .map(|(index, (span, label))| Mark::new(diagnostic, index, span, label))
            .collect();
        marks.sort_by_key(|mark| (mark.place.line, mark.columns.start));
        let last = marks.last().map_or(1, |mark| mark.place.line);
        let gutter = last.to_string().len().max(2);
        let (line, column) = diagnostic.source().line_column(diagnostic.start());
        let name = safe(diagnostic.source().name());
        let arrow = self.paint("34", &format!("{:gutter$}-->", ""));
        line_of(out, &format!("{word}{title}"));
        line_of(out, &format!("{arrow} {name}:{line}:{column}"));
        self.lines(out, &marks, gutter, level);
        if let Some(help) = &diagnostic.help {
            let mark = self.paint("34", &format!("{:gutter$} =", ""));
            let word = self.paint("36", "help:");
            line_of(out, &format!("{mark} {word} {}", safe(help)));
        }
    }

    fn lines(&self, out: &mut String, marks: &[Mark<'_>], gutter: usize, level: Level) {
        let bar = self.paint("34", &format!("{:gutter$} |", ""));
        if !marks.is_empty() {
            line_of(out, &bar);
        }
        let mut drawn: Option<(usize, usize)> = None;
        for mark in marks {
            let line = mark.place.line;
            let (text, taken) = self.cut(mark, gutter);
            // A second mark goes under the same drawn line, unless it needs another piece of it.
            if drawn != Some((line, taken)) {
                if drawn.is_some_and(|(before, _)| before + 1 < line) {
                    line_of(out, &self.paint("34", "..."));
                }
                let number = self.paint("34", &format!("{line:>gutter$} |"));
                line_of(out, &format!("{number} {text}"));
            }
            drawn = Some((line, taken));
            for under in self.underline(mark, gutter, level) {
                line_of(out, &format!("{bar} {under}"));
            }
        }
    }

    /// The line as far as it fits, and how many columns were taken from its start.
    fn cut(&self, mark: &Mark<'_>, gutter: usize) -> (String, usize) {
        let room = self.room(gutter);
        let letters: Vec<char> = safe(mark.place.text).chars().collect();
        let needed = mark.columns.end + 1 + mark.label.chars().count();
        if letters.len() <= room {
            return (letters.into_iter().collect(), 0);
        }
        let taken = if needed <= room {
            0
        } else {
            mark.columns.start.saturating_sub(room / 3)
        };
        let mut shown: Vec<char> = letters.iter().skip(taken).take(room).copied().collect();
        if taken > 0
            && let Some(first) = shown.first_mut()
        {
            *first = '…';
        }
        if taken + shown.len() < letters.len()
            && let Some(last) = shown.last_mut()
        {
            *last = '…';
        }
        (shown.into_iter().collect(), taken)
    }

    /// The carets and their label: beside them where it fits, else below.
    fn underline(&self, mark: &Mark<'_>, gutter: usize, level: Level) -> Vec<String> {
        let room = self.room(gutter);
        let (_, taken) = self.cut(mark, gutter);
        let indent = mark.columns.start - taken;
        let length = mark.columns.len().min(room.saturating_sub(indent).max(1));
        let (sign, color) = if mark.primary {
            ("^", level_color(level))
        } else {
            ("-", "34")
        };
        let carets = self.paint(color, &sign.repeat(length));
        let label = safe(mark.label);
        let beside = indent + length + 1 + label.chars().count() <= room;
        let painted = self.paint(color, &label);
        match (label.is_empty(), beside) {
            (true, _) => vec![format!("{:indent$}{carets}", "")],
            (_, true) => vec![format!("{:indent$}{carets} {painted}", "")],
            _ => vec![
                format!("{:indent$}{carets}", ""),
                format!("{:indent$}{painted}", ""),
            ],
        }
    }

    fn room(&self, gutter: usize) -> usize {
        self.width.saturating_sub(gutter + 3)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn level_color(level: Level) -> &'static str {
    match level {
        Level::Error => "1;31",
        Level::Warning => "1;33",
    }
}

fn line_of(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn drawn(width: usize, diagnostic: Diagnostic) -> String {
        let mut problems = Problems::default();
        problems.note(diagnostic);
        render(&problems, width, false)
    }

    #[test]
    fn two_places_are_drawn_with_a_gap_between() {
        let source = Source::new("n.toml", "name = \"a\"\n\n\nname = \"a\"\n");
        let twice = Diagnostic::error(&source, "two sources are named `a`")
            .at(20..23, "used again here")
            .at(7..10, "first used here")
            .help("each source needs its own name");
        assert_eq!(
            drawn(80, twice),
            r#"error: two sources are named `a`
  --> n.toml:4:8
   |
 1 | name = "a"
   |        --- first used here
...
 4 | name = "a"
   |        ^^^ used again here
   = help: each source needs its own name

1 error in n.toml
"#
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_mistake() {
        let line = format!("{}BAD{}", "a".repeat(200), "b".repeat(200));
        let source = Source::new("n.toml", line);
        let text = drawn(40, Diagnostic::error(&source, "bad").at(200..203, "here"));
        assert_eq!(
            text.lines().nth(3),
            Some(" 1 | …aaaaaaaaaaBADbbbbbbbbbbbbbbbbbbbb…")
        );
        assert_eq!(text.lines().nth(4), Some("   |            ^^^ here"));
    }

    #[test]
    fn text_from_the_file_cannot_steer_the_terminal() {
        let source = Source::new("n.toml", "a = \"\u{1b}[2J\u{202e}\"\n");
        let text = drawn(
            80,
            Diagnostic::error(&source, "bad \u{7} bell").at(4..11, "\u{1b}"),
        );
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        assert!(!text.contains('\u{202e}'));
    }
}
