//! The `[match]` table of a rule: which log lines it is about, and what it takes from them.
//!
//! Every test must hold. A test is an exact text, a prefix, or a regex that may match anywhere in
//! the text; its named groups become `line.NAME`. The regexes are the `regex` crate's, so a hostile
//! line costs linear time.

use super::check::reason_of;
use super::scope::Captures;
use crate::caddy::head::is_traffic;
use crate::document::{Spanned, Table};
use regex::Regex;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What `line.NAME` can always name in a rule with a matcher.
const ALWAYS: [&str; 4] = ["msg", "logger", "level", "known"];

/// A decoded log line, as far as a matcher looks at it.
pub trait LineFields {
    /// The message.
    fn msg(&self) -> Option<&str>;
    /// The logger's name.
    fn logger(&self) -> Option<&str>;
    /// The level, in lower case.
    fn level(&self) -> Option<&str>;
    /// Whether it is anything but a message about certificates that notafter does not understand.
    fn is_known(&self) -> bool;
    /// Another field, as text.
    fn field(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// What a text must be.
#[derive(Clone, Debug)]
enum Pattern {
    Exact(String),
    Prefix(String),
    Regex(Regex),
}

impl Pattern {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    fn groups(&self) -> impl Iterator<Item = &str> {
        let regex = match self {
            Self::Regex(regex) => Some(regex),
            _ => None,
        };
        regex.into_iter().flat_map(Regex::capture_names).flatten()
    }

    fn capture(&self, text: &str, captures: &mut Captures) {
        let Self::Regex(regex) = self else { return };
        let found = regex.captures(text);
        for name in self.groups() {
            let group = found.as_ref().and_then(|found| found.name(name));
            captures.keep(name, group.map(|group| group.as_str()));
        }
    }
}

/// Where a text is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Msg,
    Logger,
    Level,
    Field(String),
}

impl Place {
    fn text<'l>(&self, line: &'l dyn LineFields) -> Option<Cow<'l, str>> {
        match self {
            Self::Msg => line.msg().map(Cow::Borrowed),
            Self::Logger => line.logger().map(Cow::Borrowed),
            Self::Level => line.level().map(Cow::Borrowed),
            Self::Field(name) => line.field(name),
        }
    }
}

/// What a line must have to be one of a rule's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sieve {
    /// This message.
    Msg(String),
    /// This logger.
    Logger(String),
    /// A message in which this regex matches.
    Pattern(String),
    /// Nothing that an index could tell.
    Anything,
}

/// The lines a rule is about.
#[derive(Clone, Debug)]
pub struct Matcher(Vec<(Place, Pattern)>);

impl Matcher {
    /// What it takes from a line, or `None` when the line is not one of its lines.
    pub fn matches(&self, line: &dyn LineFields) -> Option<Captures> {
        let holds = |(place, pattern): &(Place, Pattern)| {
            place.text(line).is_some_and(|text| pattern.holds(&text))
        };
        if !self.0.iter().all(holds) {
            return None;
        }
        let mut captures = Captures::default();
        captures.keep("msg", line.msg());
        captures.keep("logger", line.logger());
        captures.keep("level", line.level());
        captures.keep("known", Some(if line.is_known() { "yes" } else { "no" }));
        for (place, pattern) in &self.0 {
            if let Some(text) = place.text(line) {
                pattern.capture(&text, &mut captures);
            }
        }
        Some(captures)
    }

    /// Every name it can give.
    pub fn names(&self) -> BTreeSet<String> {
        let groups = self.0.iter().flat_map(|(_, pattern)| pattern.groups());
        ALWAYS
            .into_iter()
            .chain(groups)
            .map(str::to_owned)
            .collect()
    }

    /// The most telling of its tests, to leave out lines without trying the others.
    pub(super) fn sieve(&self) -> Sieve {
        let of = |place: Place| self.0.iter().find(|(own, _)| *own == place);
        match (of(Place::Msg), of(Place::Logger)) {
            (Some((_, Pattern::Exact(msg))), _) => Sieve::Msg(msg.clone()),
            (_, Some((_, Pattern::Exact(logger)))) => Sieve::Logger(logger.clone()),
            (Some((_, Pattern::Prefix(prefix))), _) => {
                Sieve::Pattern(format!("^{}", regex::escape(prefix)))
            }
            (Some((_, Pattern::Regex(regex))), _) => Sieve::Pattern(regex.as_str().to_owned()),
            _ => Sieve::Anything,
        }
    }

    /// Reads a `[match]` table and notes its mistakes; what is left is only good for going on.
    pub(super) fn read(table: &Table<'_>) -> Self {
        let mut tests = Vec::new();
        let mut taken = BTreeSet::from(ALWAYS.map(str::to_owned));
        let places = [
            ("msg", Place::Msg),
            ("logger", Place::Logger),
            ("level", Place::Level),
        ];
        for (key, place) in places {
            tests.push((place, pattern(table, key, &mut taken)));
        }
        if let Some(fields) = table.table("field") {
            for key in fields.keys() {
                let place = Place::Field(key.value.clone());
                tests.push((place, pattern(&fields, &key.value, &mut taken)));
            }
            fields.finish();
        }
        let given = table.keys();
        table.finish();
        if given.is_empty() {
            let error = table.error("`[match]` tests nothing");
            let help = "give at least one of `msg`, `logger`, `level`, `[match.field]`";
            table.note(error.at(table.header(), "empty").help(help));
        }
        let tests = tests.into_iter();
        let tests = tests.filter_map(|(place, pattern)| Some((place, pattern?)));
        Self(tests.collect())
    }
}

/// One test: a text, or a table with `prefix` or `regex`.
fn pattern(table: &Table<'_>, key: &str, taken: &mut BTreeSet<String>) -> Option<Pattern> {
    if !table.is_table(key) {
        let exact = table.text(key)?;
        note_unread(table, key, &exact);
        return Some(Pattern::Exact(exact.value));
    }
    let test = table.table(key)?;
    let (prefix, regex) = (test.text("prefix"), test.text("regex"));
    test.finish();
    if let Some(prefix) = &prefix {
        note_unread(table, key, prefix);
    }
    match (prefix, regex) {
        (Some(prefix), None) => Some(Pattern::Prefix(prefix.value)),
        (None, Some(regex)) => compile(table, &regex, taken),
        _ => {
            let error = test.error(format!("the test of `{key}` is not one test"));
            test.note(error.at(test.header(), "expected `prefix` or `regex`"));
            None
        }
    }
}

/// A rule would wait for ever for lines of requests: they are dropped by their first bytes.
fn note_unread(table: &Table<'_>, key: &str, text: &Spanned<String>) {
    if key == "logger" && is_traffic(text.value.as_bytes()) {
        let error = table.error(format!("lines of `{}` are not read", text.value));
        let help =
            "access logs and those of requests are left out unread, because strangers write them";
        table.note(error.at(text.span.clone(), "no rule sees them").help(help));
    }
}

fn compile(
    table: &Table<'_>,
    text: &Spanned<String>,
    taken: &mut BTreeSet<String>,
) -> Option<Pattern> {
    let regex = match Regex::new(&text.value) {
        Ok(regex) => regex,
        Err(mistake) => {
            let error = table.error("this is not a regular expression");
            table.note(error.at(text.span.clone(), reason_of(&mistake)));
            return None;
        }
    };
    for name in regex.capture_names().flatten() {
        if !taken.insert(name.to_owned()) {
            let at = text.value.find(&format!("<{name}>")).unwrap_or_default() + 1;
            let error = table.error(format!("`line.{name}` is taken twice"));
            table.note(error.at(text.inner(at..at + name.len()), "name this group otherwise"));
        }
    }
    Some(Pattern::Regex(regex))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    struct Line(&'static str);

    impl LineFields for Line {
        fn msg(&self) -> Option<&str> {
            Some(self.0)
        }
        fn logger(&self) -> Option<&str> {
            Some("tls.obtain")
        }
        fn level(&self) -> Option<&str> {
            None
        }
        fn is_known(&self) -> bool {
            false
        }
        fn field(&self, name: &str) -> Option<Cow<'_, str>> {
            (name == "code").then_some(Cow::Borrowed("404"))
        }
    }

    fn matcher(text: &str) -> Result<Matcher, String> {
        let document = Document::parse("m.toml", text).unwrap();
        let matcher = Matcher::read(&document.root());
        let problems = document.take_problems();
        if problems.is_empty() {
            Ok(matcher)
        } else {
            Err(problems.to_string())
        }
    }

    #[test]
    fn every_test_must_hold_and_groups_are_taken() {
        let text = "logger = 'tls.obtain'\nmsg = { regex = '^job (?<what>\\w+)(?<why> now)?' }\n\
                    field.code = { prefix = '4' }\n";
        let matcher = matcher(text).unwrap();
        let captures = matcher.matches(&Line("job failed")).unwrap();
        assert_eq!(captures.get("what"), Some("failed"));
        assert_eq!(captures.get("why"), None);
        assert_eq!(captures.get("logger"), Some("tls.obtain"));
        assert!(matcher.matches(&Line("no job")).is_none());
        assert_eq!(matcher.sieve(), Sieve::Logger("tls.obtain".to_owned()));
        let names: Vec<String> = matcher.names().into_iter().collect();
        assert_eq!(names, ["known", "level", "logger", "msg", "what", "why"]);
        assert!(captures.to_json(str::to_owned)["why"].is_null());
    }

    #[test]
    fn mistakes_are_shown_in_the_table() {
        let told = |text| matcher(text).map(|_| ()).unwrap_err();
        assert_eq!(
            told("msg = { regex = '(a' }\nlevle = 'x'\n"),
            "m.toml:1:17: error: this is not a regular expression\n\
             m.toml:2:1: error: unknown key `levle`"
        );
        assert_eq!(
            told("msg = { regex = '(?<msg>a)' }\n"),
            "m.toml:1:21: error: `line.msg` is taken twice"
        );
        assert_eq!(
            told("msg = { }\n"),
            "m.toml:1:7: error: the test of `msg` is not one test"
        );
        assert_eq!(told(""), "m.toml:1:1: error: `[match]` tests nothing");
        assert_eq!(
            told("logger = 'http.log.access.log0'\n"),
            "m.toml:1:10: error: lines of `http.log.access.log0` are not read"
        );
        assert_eq!(
            told("logger = { prefix = 'http.handlers.reverse_proxy' }\n"),
            "m.toml:1:21: error: lines of `http.handlers.reverse_proxy` are not read"
        );
        assert!(matcher("logger = { prefix = 'http' }\n").is_ok());
    }
}
