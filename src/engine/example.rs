//! A rule's own examples, run as tests of it.

use crate::engine::case::{self, BadLine};
use crate::rules::{Example, RuleSet};
use std::sync::Arc;

/// Runs one example of a rule. The error says what happened instead, for a person.
pub fn run(rules: &Arc<RuleSet>, rule: &str, example: &Example) -> Result<(), String> {
    let rules = Arc::new(rules.with(rule));
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
