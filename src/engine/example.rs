//! A rule's own examples, run as tests of it.

use crate::engine::AlertRow;
use crate::engine::case::{self, BadLine};
use crate::engine::message::Reason;
use crate::rules::{Example, Rule, RuleSet};
use std::sync::Arc;

/// Runs one example of a rule. The error says what happened instead, for a person.
pub fn run(rules: &Arc<RuleSet>, rule: &str, example: &Example) -> Result<(), String> {
    let rules = Arc::new(rules.alone(rule));
    let mut instead = Ok(());
    let case = example.case(rule);
    let read = case::run(&rules, &case, |unmet| instead = Err(unmet.instead));
    read.map_err(|BadLine(place)| {
        format!(
            "line {} of the example is not a line of Caddy's log",
            place + 1
        )
    })?;
    instead
}

/// What a rule tells a person, on the first of its examples that opens it.
pub fn told(rules: &RuleSet, rule: &Rule) -> Option<AlertRow> {
    let rules = Arc::new(rules.alone(&rule.id));
    rule.examples.iter().find_map(|example| {
        let rows = case::run(&rules, &example.case(&rule.id), |_| {}).ok()?;
        let mut loud = rows.into_iter().rev();
        loud.find(|row| row.rule == rule.id && row.reason != Reason::Closed)
    })
}
