//! `notafter rules explain`: pasted lines, what was understood of them, and which rules they opened.

use crate::caddy::entry::Entry;
use crate::caddy::event::{Event, is_unknown};
use crate::caddy::failure::Failure;
use crate::caddy::layout::Layout;
use crate::caddy::name::Name;
use crate::command::exit::{Exit, Failed, print, say};
use crate::engine::Engine;
use crate::engine::evidence::{Origin, Quote};
use crate::report::explain::{self, PastedLine};
use crate::rules::{Matcher, RuleSet};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

/// The name of the watched Caddy that the lines are taken for.
const INSTANCE: &str = "pasted";
/// More than anybody pastes; a log is read by `replay`.
const BYTES_MAX: u64 = 8 << 20;
/// Lines told one by one: the last ones about certificates.
const LINES_TOLD: usize = 20;
/// Certificates told one by one.
const NAMES_TOLD: usize = 5;

/// Explains a file, or standard input.
pub(super) fn run(file: Option<&Path>, rules: RuleSet) -> Result<Exit, Failed> {
    let file = file.filter(|path| path.as_os_str() != "-");
    let text = if let Some(path) = file {
        let file = File::open(path).and_then(read);
        file.map_err(|error| Failed::io(path.display(), &error))?
    } else {
        if io::stdin().is_terminal() {
            say("Paste lines of Caddy's log, then press Ctrl-D on a line of its own.");
        }
        read(io::stdin().lock()).map_err(|error| Failed::io("standard input", &error))?
    };
    print(&told(&text, &Arc::new(rules)))?;
    Ok(Exit::Fine)
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn told(text: &[u8], rules: &Arc<RuleSet>) -> String {
    let mut paste = Paste::new(rules);
    for (number, bytes) in (1_usize..).zip(text.split(|byte| *byte == b'\n')) {
        if !bytes.trim_ascii().is_empty() {
            paste.line(number, bytes);
        }
    }
    paste.told()
}

/// What has been read of a paste.
struct Paste<'a> {
    rules: &'a Arc<RuleSet>,
    engine: Engine,
    layout: Layout,
    lines: Vec<String>,
    unreadable: usize,
    other: usize,
    /// Rules about lines that took one.
    matched: BTreeSet<String>,
    /// The last failure that a line tells, and of whom.
    failure: Option<(Option<Name>, Failure)>,
}

impl<'a> Paste<'a> {
    fn new(rules: &'a Arc<RuleSet>) -> Self {
        Self {
            rules,
            engine: Engine::new(Arc::clone(rules)),
            layout: Layout::default(),
            lines: Vec::new(),
            unreadable: 0,
            other: 0,
            matched: BTreeSet::new(),
            failure: None,
        }
    }

    fn line(&mut self, number: usize, bytes: &[u8]) {
        let Some((entry, format)) = decode(bytes, &self.layout) else {
            self.unreadable += 1;
            return;
        };
        self.layout.unit = entry.proven_unit().or(self.layout.unit);
        let takes = |matcher: &Matcher| matcher.matches(&entry).is_some();
        let taking = self.rules.rules_matching();
        let taking = taking.filter(|rule| rule.matcher.as_ref().is_some_and(takes));
        let matched: Vec<&str> = taking.map(|rule| rule.id.as_str()).collect();
        let mut rows = Vec::new();
        let origin = Origin {
            source: INSTANCE.into(),
            line: number as u64,
        };
        let quote = || Quote::new(&origin, bytes);
        self.engine.entry(INSTANCE, &entry, quote, &mut rows);
        self.matched
            .extend(matched.iter().map(|id| (*id).to_owned()));
        let event = Event::of(&entry);
        if event.is_none() && !is_unknown(&entry) && matched.is_empty() && rows.is_empty() {
            self.other += 1;
            return;
        }
        self.lines.push(explain::line(&PastedLine {
            number,
            format,
            entry: &entry,
            rows: &rows,
            matched,
        }));
        let failure = event.and_then(|event| Some((event.names.first().cloned(), event.failure?)));
        self.failure = failure
            .filter(|(_, failure)| !failure.canceled)
            .or_else(|| self.failure.take());
    }

    /// The diagnosis first, then the lines, then the rules.
    fn told(mut self) -> String {
        let mut told = explain::heading(self.lines.len(), self.other, self.unreadable);
        let mut explained: Vec<_> = self.engine.explained(INSTANCE).collect();
        explained.sort_by_key(|one| {
            let certificate = one.certificate;
            (certificate.alerts.is_empty(), certificate.failing.is_none())
        });
        for one in explained.iter().take(NAMES_TOLD) {
            told.push_str(&format!("\n{}", explain::certificate(one)));
        }
        if explained.len() > NAMES_TOLD {
            told.push_str(&format!(
                "\nand {} more names\n",
                explained.len() - NAMES_TOLD
            ));
        }
        let failing = explained
            .iter()
            .any(|one| one.certificate.failing.is_some());
        if let (false, Some((name, failure))) = (failing, self.failure.take()) {
            let name = name.or_else(|| Name::parse("your-name.example"));
            let failure = name.map(|name| explain::failure(&name, &failure));
            told.push_str(&format!("\n{}", failure.unwrap_or_default()));
        }
        let hidden = self.lines.len().saturating_sub(LINES_TOLD);
        if hidden > 0 {
            told.push_str(&format!("\nThe last {LINES_TOLD} lines:\n"));
        }
        for line in self.lines.iter().skip(hidden) {
            told.push_str(&format!("\n{line}"));
        }
        for one in explained.iter().take(NAMES_TOLD) {
            told.push_str(&format!(
                "\n{}",
                explain::rules(one, self.rules, &self.matched)
            ));
        }
        told
    }
}

/// Reads a line, also one that still carries what a viewer of logs put before it.
fn decode(bytes: &[u8], layout: &Layout) -> Option<(Entry, &'static str)> {
    let line = bytes.trim_ascii();
    let shape = |line: &[u8]| {
        if !line.starts_with(b"{") {
            "console"
        } else if line.ends_with(b"}") {
            "JSON"
        } else {
            "JSON, cut off"
        }
    };
    if let Ok(entry) = Entry::read(line, layout) {
        return Some((entry, shape(line)));
    }
    let start = line.iter().position(|byte| *byte == b'{')?;
    let rest = line.get(start..)?;
    let entry = Entry::read(rest, layout).ok()?;
    Some((entry, "JSON after a prefix"))
}
