//! Every built-in rule on its own examples, run by the engine that watches and replays.

#[cfg(test)]
#[path = "rules/mutants.rs"]
mod mutants;
#[cfg(test)]
#[path = "rules/page.rs"]
mod page;

use notafter::engine::example;
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use std::sync::Arc;

#[test]
fn every_example_of_every_rule_does_what_it_says() {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
    let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
    let mut wrong = Vec::new();
    for rule in rules.all() {
        for one in &rule.examples {
            if let Err(why) = example::run(&rules, &rule.id, one) {
                wrong.push(format!(
                    "{}: {} ({:?}): {why}",
                    rule.id, one.why, one.expect
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
