//! A rule's examples, run on the same engine that watches and replays.

use crate::caddy::entry::Entry;
use crate::engine::evidence::{Origin, Quote};
use crate::engine::message::Reason;
use crate::engine::{AlertRow, Engine};
use crate::rules::{Example, Expectation, RuleSet, Severity};
use std::sync::Arc;

/// Runs one example of a rule. The error says what happened instead, for a person.
pub fn run(rules: &Arc<RuleSet>, rule: &str, example: &Example) -> Result<(), String> {
    let rules = &Arc::new(rules.with(rule));
    let rows: Vec<AlertRow> = rows(rules, example)?
        .into_iter()
        .filter(|row| row.rule == rule)
        .filter(|row| example.certificate.is_none() || row.certificate == example.certificate)
        .collect();
    let opened = rows.iter().filter(|row| row.reason != Reason::Closed);
    let loudest: Option<Severity> = opened.map(|row| row.severity).max();
    let closed = rows.last().is_some_and(|row| row.reason == Reason::Closed);
    match (example.expect, loudest) {
        (Expectation::Silent, None) => Ok(()),
        (Expectation::Silent, Some(severity)) => Err(format!("an alert opened ({severity})")),
        (_, None) => Err("no alert opened".to_owned()),
        (Expectation::Opens(wanted), Some(severity)) if wanted == severity => Ok(()),
        (Expectation::Opens(wanted), Some(severity)) => {
            Err(format!("the alert became {severity}, not {wanted}"))
        }
        (Expectation::Closes, Some(_)) if closed => Ok(()),
        (Expectation::Closes, Some(_)) => Err("the alert opened and stayed open".to_owned()),
    }
}

/// Every change that the example's lines make.
fn rows(rules: &Arc<RuleSet>, example: &Example) -> Result<Vec<AlertRow>, String> {
    const INSTANCE: &str = "example";
    let mut engine = Engine::new(Arc::clone(rules));
    let mut rows = Vec::new();
    for (number, line) in (1_u64..).zip(&example.lines) {
        let entry = Entry::decode(line.as_bytes()).map_err(|_| {
            format!("line {number} of the example is not a line of Caddy's JSON log")
        })?;
        let origin = Origin {
            source: INSTANCE.into(),
            line: number,
        };
        let quote = || Quote::new(&origin, line.as_bytes());
        engine.entry(INSTANCE, &entry, quote, &mut rows);
    }
    if let Some(lost) = example.lost {
        engine.reach(INSTANCE, lost, Some("the example loses its log"), &mut rows);
    }
    if let Some(found) = example.found {
        engine.tick(INSTANCE, found, &mut rows);
        engine.reach(INSTANCE, found, None, &mut rows);
    }
    if let Some(until) = example.until {
        engine.tick(INSTANCE, until, &mut rows);
    }
    Ok(rows)
}
