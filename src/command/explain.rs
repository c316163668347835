//! `notafter rules explain`: pasted lines, what was understood of them, and which rules they opened.

use crate::caddy::entry::Entry;
use crate::caddy::event::{Event, is_unknown};
use crate::caddy::failure::Failure;
use crate::caddy::layout::Layout;
use crate::caddy::name::Name;
use crate::caddy::pasted::undressed;
use crate::caddy::vocabulary::Means;
use crate::command::exit::{Exit, Failed, of_source, print, say};
use crate::engine::evidence::{Origin, Quote};
use crate::engine::{Engine, Seen};
use crate::report::explain::{self, Heading, PastedLine};
use crate::rules::RuleSet;
use crate::source::archive;
use crate::source::error::SourceError;
use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

/// The name of the watched Caddy that the lines are taken for, where none is given.
const INSTANCE: &str = "these lines";
/// Lines told one by one: the last ones about certificates.
const LINES_TOLD: usize = 20;
/// Certificates told one by one, and failures kept.
const NAMES_TOLD: usize = 5;

/// Explains a file, or standard input, whose lines are printed like this by a watched Caddy.
pub(super) fn run(
    file: Option<&Path>,
    instance: Option<&str>,
    rules: RuleSet,
    layout: Layout,
) -> Result<Exit, Failed> {
    let path = file.unwrap_or(Path::new("-"));
    if path.as_os_str() == "-" && io::stdin().is_terminal() {
        say("Paste lines of Caddy's log, then press Ctrl-D on a line of its own.");
    }
    let rules = Arc::new(rules);
    let mut paste = Paste::new(&rules, instance.unwrap_or(INSTANCE), layout);
    let read = archive::read(path, &mut |text| {
        paste.line(text.number, text.bytes, text.overlong);
    });
    let (counts, broken) = match read {
        Ok((counts, _)) => (counts, None),
        Err(SourceError::BrokenArchive { counts, .. }) => (counts, read.err()),
        Err(error) => return Err(of_source(&error)),
    };
    paste.heading.other += counts.rejected;
    print(&paste.told())?;
    broken.map_or(Ok(Exit::Fine), |error| Err(of_source(&error)))
}

/// What has been read of a paste.
struct Paste<'a> {
    rules: &'a Arc<RuleSet>,
    instance: &'a str,
    engine: Engine,
    layout: Layout,
    heading: Heading,
    /// The last lines about certificates.
    lines: VecDeque<String>,
    /// Rules about lines that took one.
    matched: BTreeSet<String>,
    /// The last failure that lines tell of each name, or of nobody; the latest is the last.
    failures: Vec<(Option<Name>, Failure)>,
}

impl<'a> Paste<'a> {
    fn new(rules: &'a Arc<RuleSet>, instance: &'a str, layout: Layout) -> Self {
        Self {
            rules,
            instance,
            engine: Engine::new(Arc::clone(rules)),
            layout,
            heading: Heading::default(),
            lines: VecDeque::new(),
            matched: BTreeSet::new(),
            failures: Vec::new(),
        }
    }

    fn line(&mut self, number: u64, bytes: &[u8], overlong: bool) {
        if bytes.trim_ascii().is_empty() {
            return;
        }
        let decoded = decode(bytes, &self.layout).filter(|_| !overlong);
        let Some((entry, format)) = decoded else {
            match error_text(bytes) {
                Some(failure) => self.error_text(number, failure),
                None => self.heading.unreadable(number),
            }
            return;
        };
        self.layout.unit = entry.proven_unit().or(self.layout.unit);
        if entry.is_traffic() {
            self.heading.other += 1;
            return;
        }
        let taking = self.rules.rules_matching(&entry);
        let matched: Vec<&str> = taking.map(|(rule, _)| rule.id.as_str()).collect();
        let mut rows = Vec::new();
        let origin = Origin {
            source: self.instance.into(),
            line: number,
        };
        let quote = || Quote::new(&origin, bytes);
        let seen = self.engine.entry(self.instance, &entry, quote, &mut rows);
        self.heading.untimed += usize::from(seen == Seen::Untimed);
        self.matched
            .extend(matched.iter().map(|id| (*id).to_owned()));
        let event = Event::of(&entry);
        if event.is_none() && !is_unknown(&entry) && matched.is_empty() && rows.is_empty() {
            self.heading.other += 1;
            return;
        }
        self.tell(explain::line(&PastedLine {
            number,
            format,
            entry: &entry,
            rows: &rows,
            matched,
        }));
        if let Some(event) = event {
            self.note(event);
        }
    }

    /// An error text that somebody took out of its line.
    fn error_text(&mut self, number: u64, failure: Failure) {
        self.tell(explain::error_text(number, &failure));
        self.fails(failure.name.clone(), failure);
    }

    fn tell(&mut self, line: String) {
        self.heading.about += 1;
        if self.lines.len() == LINES_TOLD {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    fn note(&mut self, event: Event) {
        if matches!(event.means, Means::Succeeded | Means::RenewedElsewhere) {
            self.failures.retain(|(name, _)| {
                name.as_ref()
                    .is_some_and(|name| !event.names.contains(name))
            });
        }
        if let Some(failure) = event.failure.filter(|failure| !failure.canceled) {
            self.fails(event.names.into_iter().next(), failure);
        }
    }

    fn fails(&mut self, name: Option<Name>, failure: Failure) {
        self.failures.retain(|(other, _)| *other != name);
        if self.failures.len() == NAMES_TOLD {
            self.failures.remove(0);
        }
        self.failures.push((name, failure));
    }

    /// The diagnosis first, then the lines, then the rules.
    fn told(&self) -> String {
        let mut told = self.heading.told();
        let failure_of = |name: &Name| {
            let mut failures = self.failures.iter();
            let found = failures.find(|(failing, _)| failing.as_ref() == Some(name));
            found.map(|(_, failure)| failure)
        };
        let mut explained: Vec<_> = self.engine.explained(self.instance).collect();
        explained.sort_by_key(|one| {
            let certificate = one.certificate;
            let fails = certificate.failing.is_some() || failure_of(&certificate.name).is_some();
            (certificate.alerts.is_empty(), !fails)
        });
        let hidden = explained.len().saturating_sub(NAMES_TOLD);
        explained.truncate(NAMES_TOLD);
        for one in &explained {
            let failure = failure_of(&one.certificate.name);
            told.push_str(&format!("\n{}", explain::certificate(one, failure)));
        }
        if hidden > 0 {
            told.push_str(&format!("\nand {hidden} more names\n"));
        }
        // What a line tells of nobody belongs to a name that is failing, where there is one.
        let is_told = |name: &Option<Name>| match name {
            Some(name) => explained.iter().any(|one| one.certificate.name == *name),
            None => explained
                .iter()
                .any(|one| one.certificate.failing.is_some()),
        };
        for (name, failure) in self.failures.iter().filter(|(name, _)| !is_told(name)) {
            told.push_str(&format!("\n{}", explain::failure(name.as_ref(), failure)));
        }
        if self.heading.about > LINES_TOLD {
            told.push_str(&format!("\nThe last {LINES_TOLD} lines:\n"));
        }
        for line in &self.lines {
            told.push_str(&format!("\n{line}"));
        }
        for one in &explained {
            told.push_str(&format!(
                "\n{}",
                explain::rules(one, self.rules, &self.matched)
            ));
        }
        let source = self.engine.explained_source(self.instance);
        if let Some(source) = source.filter(|_| self.heading.about > 0) {
            let of_source = explain::rules_on_source(&source, self.rules, &self.matched);
            told.push_str(&format!("\n{of_source}"));
        }
        told
    }
}

/// What certmagic or a CA says of a failure, without the line that said it.
fn error_text(bytes: &[u8]) -> Option<Failure> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.get(text.find('[').unwrap_or(0)..)?;
    let text = text.split("\",\"").next().unwrap_or(text);
    let failure = Failure::read(text);
    let is_of_job = failure.name.is_some() && failure.job.is_some();
    let is_of_ca = text.contains("urn:ietf:params:acme:error:");
    (is_of_job || is_of_ca).then_some(failure)
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
    let line = String::from_utf8_lossy(line);
    let line = undressed(&line).map_or(line, Cow::Owned);
    if let Ok(entry) = Entry::read(line.as_bytes(), layout) {
        return Some((entry, shape(line.as_bytes())));
    }
    let rest = line.get(line.find('{')?..)?;
    let entry = Entry::read(rest.as_bytes(), layout).ok()?;
    Some((entry, "JSON after a prefix"))
}
