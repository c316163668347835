//! Tests of rules, run on the same engine that watches and replays; time is that of the lines.

use crate::caddy::entry::Entry;
use crate::caddy::layout::Layout;
use crate::engine::evidence::{Origin, Quote};
use crate::engine::message::Reason;
use crate::engine::{AlertRow, Engine, Explained, ExplainedSource};
use crate::rules::{Case, Check, Expectation, RuleSet, Severity};
use crate::time::LogTime;
use std::collections::BTreeMap;
use std::sync::Arc;

const INSTANCE: &str = "test";

/// A given line that nothing can be made of: its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine(pub usize);

/// A check that was not met.
#[derive(Debug)]
pub struct Unmet<'a> {
    /// The check.
    pub check: &'a Check,
    /// What happened instead.
    pub instead: String,
    /// What is known at that moment of each certificate that the lines name.
    pub known: Vec<Explained<'a>>,
    /// What is known at that moment of the log itself.
    pub source: Option<ExplainedSource<'a>>,
}

/// Runs one test, hands over every check that was not met, and gives every change of an alert.
pub fn run(
    rules: &Arc<RuleSet>,
    case: &Case,
    mut unmet: impl FnMut(Unmet<'_>),
) -> Result<Vec<AlertRow>, BadLine> {
    let mut run = Run {
        engine: Engine::new(Arc::clone(rules)),
        rows: Vec::new(),
        lines: entries(case)?.into_iter().peekable(),
    };
    let mut moments: Vec<(LogTime, Moment<'_>)> = Vec::new();
    moments.extend(case.lost.map(|at| (at, Moment::Lost)));
    moments.extend(case.found.map(|at| (at, Moment::Found)));
    let timed = case.checks.iter();
    moments.extend(timed.filter_map(|check| Some((check.at?, Moment::Check(check)))));
    moments.sort_by_key(|(at, _)| *at);
    let mut is_lost = false;
    for (at, moment) in moments {
        if !is_lost {
            run.lines_until(Some(at));
        }
        run.tick(at);
        match moment {
            Moment::Lost => {
                run.reach(at, Some("the test loses its log"));
                is_lost = true;
            }
            Moment::Found => {
                run.reach(at, None);
                is_lost = false;
            }
            Moment::Check(check) => run.judge(case, check, &mut unmet),
        }
    }
    run.lines_until(None);
    for check in case.checks.iter().filter(|check| check.at.is_none()) {
        run.judge(case, check, &mut unmet);
    }
    Ok(run.rows)
}

enum Moment<'a> {
    Lost,
    Found,
    Check(&'a Check),
}

/// A given line: its entry, and how it is quoted.
struct Given<'a> {
    number: u64,
    text: &'a str,
    entry: Entry,
}

fn entries(case: &Case) -> Result<Vec<Given<'_>>, BadLine> {
    let mut layout = Layout::default();
    let mut entries = Vec::new();
    for (place, line) in case.given.iter().enumerate() {
        let text = line.value.as_str();
        let entry = Entry::read(text.as_bytes(), &layout).map_err(|_| BadLine(place))?;
        layout.unit = entry.proven_unit().or(layout.unit);
        let number = place as u64 + 1;
        entries.push(Given {
            number,
            text,
            entry,
        });
    }
    Ok(entries)
}

/// A test under way.
struct Run<L: Iterator> {
    engine: Engine,
    rows: Vec<AlertRow>,
    lines: std::iter::Peekable<L>,
}

impl<'c, L: Iterator<Item = Given<'c>>> Run<L> {
    /// Takes in the lines up to a moment; a line without a time comes with the one before it.
    fn lines_until(&mut self, moment: Option<LogTime>) {
        let is_in = |given: &Given<'_>| match (given.entry.at, moment) {
            (Some(at), Some(moment)) => at <= moment,
            _ => true,
        };
        while let Some(given) = self.lines.next_if(is_in) {
            if given.entry.is_traffic() {
                if let Some(at) = given.entry.at {
                    self.engine.advance(INSTANCE, at, &mut self.rows);
                }
                continue;
            }
            let origin = Origin {
                source: INSTANCE.into(),
                line: given.number,
            };
            let quote = || Quote::new(&origin, given.text.as_bytes());
            self.engine
                .entry(INSTANCE, &given.entry, quote, &mut self.rows);
        }
    }

    fn reach(&mut self, at: LogTime, lost: Option<&str>) {
        self.engine.reach(INSTANCE, at, lost, &mut self.rows);
    }

    fn tick(&mut self, at: LogTime) {
        self.engine.tick(INSTANCE, at, &mut self.rows);
    }

    fn judge(&self, case: &Case, check: &Check, unmet: &mut impl FnMut(Unmet<'_>)) {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| row.rule == check.rule);
        let rows =
            rows.filter(|row| check.certificate.is_none() || row.certificate == check.certificate);
        // Nothing opens about a name that is misspelt.
        let named = check.certificate.as_ref();
        let unheard = named.filter(|name| !names_it(case, name));
        let unheard = unheard.filter(|_| self.engine.explained(INSTANCE).next().is_some());
        let unheard = unheard.map(|name| format!("the lines name others, and never {name}"));
        if let Some(instead) = unheard.or_else(|| instead(check.expect, rows)) {
            unmet(Unmet {
                check,
                instead,
                known: self.engine.explained(INSTANCE).collect(),
                source: self.engine.explained_source(INSTANCE),
            });
        }
    }
}

/// Whether a given line names a certificate.
fn names_it(case: &Case, name: &str) -> bool {
    case.given.iter().any(|line| line.value.contains(name))
}

/// What these rows of one rule show instead of what is expected; `None` when it is that.
fn instead<'r>(expect: Expectation, rows: impl Iterator<Item = &'r AlertRow>) -> Option<String> {
    let mut last: BTreeMap<&str, &AlertRow> = BTreeMap::new();
    let mut loudest: Option<Severity> = None;
    for row in rows {
        last.insert(&row.id, row);
        if row.reason != Reason::Closed {
            loudest = loudest.max(Some(row.severity));
        }
    }
    let firing: Vec<Severity> = last
        .values()
        .filter(|row| row.reason != Reason::Closed)
        .map(|row| row.severity)
        .collect();
    let when = |row: &&&AlertRow| row.at.map(LogTime::utc).unwrap_or_default();
    let Some(loudest) = loudest else {
        let silent = expect == Expectation::Silent;
        return (!silent).then(|| "no alert opened".to_owned());
    };
    match expect {
        Expectation::Silent => Some(format!("an alert opened ({loudest})")),
        Expectation::Opens(wanted) if wanted == loudest => None,
        Expectation::Opens(wanted) => Some(format!("the alert became {loudest}, not {wanted}")),
        Expectation::Closes if firing.is_empty() => None,
        Expectation::Closes => Some("the alert opened and stayed open".to_owned()),
        Expectation::Fires(wanted) => match (wanted, firing.as_slice()) {
            (_, []) => {
                let at = last.values().last().as_ref().map(when);
                Some(format!("the alert closed at {}", at.unwrap_or_default()))
            }
            (None, _) => None,
            (Some(wanted), firing) if firing.contains(&wanted) => None,
            (Some(wanted), [other, ..]) => {
                Some(format!("the alert fires as {other}, not {wanted}"))
            }
        },
    }
}
