//! Every condition of every built-in rule, turned into its opposite or with one comparison flipped:
//! the rule's own examples must notice.

#[path = "../kit/mutants.rs"]
mod kit;

use notafter::engine::example;
use notafter::rules::{Configured, RuleSet};
use std::sync::Arc;

/// Whether an example of the rule fails under this text of its file.
fn is_noticed(file: &str, text: String) -> bool {
    let id = file.trim_end_matches(".toml");
    let Ok(rules) = RuleSet::new(&[], vec![(file.to_owned(), text)], &Configured::default()) else {
        panic!("a mutant of {id} is no rule");
    };
    let rules = Arc::new(rules);
    let rule = rules.get(id).unwrap();
    let fails = |one| example::run(&rules, id, one).is_err();
    rule.examples.iter().any(fails)
}

#[test]
fn the_examples_of_a_rule_notice_every_mutant_of_its_conditions() {
    let mut unnoticed = Vec::new();
    for (file, text) in notafter::rules::BUILT_IN {
        for mutant in kit::of_file(file, text) {
            if !is_noticed(file, mutant.text) {
                unnoticed.push(mutant.shown);
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

#[test]
fn a_condition_has_a_mutant_for_each_comparison() {
    let found = kit::mutants(r#"a >= 2 && b == ">" || c < d"#);
    assert_eq!(
        found,
        [
            r#"!(a >= 2 && b == ">" || c < d)"#,
            r#"a < 2 && b == ">" || c < d"#,
            r#"a >= 2 && b != ">" || c < d"#,
            r#"a >= 2 && b == ">" || c >= d"#,
        ]
    );
}

/// Examples need not tell minutes apart; the lives of the simulation do.
#[test]
fn every_moment_has_a_mutant_a_minute_later() {
    let rules = notafter::rules::BUILT_IN.iter();
    for (file, text) in rules {
        let moments = text.lines().filter(|line| line.starts_with("at = '"));
        let mutants = kit::later(file, text);
        assert_eq!(mutants.len(), moments.count(), "{file}");
        assert!(mutants.iter().all(|mutant| mutant.text.contains("1m")));
    }
}
