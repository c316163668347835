//! Every condition of every built-in rule, turned into its opposite or with one comparison flipped:
//! the rule's own examples must notice.

use notafter::engine::example;
use notafter::rules::{Configured, RuleSet};
use std::sync::Arc;

/// Each comparison with what it becomes; longer signs first.
const FLIPS: [(&str, &str); 6] = [
    (">=", "<"),
    ("<=", ">"),
    ("==", "!="),
    ("!=", "=="),
    (">", "<="),
    ("<", ">="),
];

/// The condition negated, and with each of its comparisons flipped.
fn mutants(condition: &str) -> Vec<String> {
    let mut all = vec![format!("!({condition})")];
    let mut quoted = false;
    let mut taken_to = 0;
    for (at, c) in condition.char_indices() {
        quoted ^= c == '"';
        let (before, rest) = condition.split_at(at);
        let flip = FLIPS.iter().find(|(sign, _)| rest.starts_with(sign));
        if let Some((sign, other)) = flip.filter(|_| !quoted && at >= taken_to) {
            taken_to = at + sign.len();
            let (_, after) = condition.split_at(taken_to);
            all.push(format!("{before}{other}{after}"));
        }
    }
    all
}

/// Whether an example of the rule fails under this text of its file.
fn is_noticed(file: &str, text: String, id: &str) -> bool {
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
        let built_in = RuleSet::new(&[(file, text)], Vec::new(), &Configured::default());
        let built_in = built_in.unwrap_or_else(|problems| panic!("{problems}"));
        for rule in built_in.all() {
            for level in &rule.levels {
                let condition = level.when.text();
                let table = format!("[severity.{}]", level.severity);
                let (head, rest) = text.split_once(&table).unwrap();
                let (before, after) = rest.split_once(condition).unwrap();
                for mutant in mutants(condition) {
                    let changed = format!("{head}{table}{before}{mutant}{after}");
                    if !is_noticed(file, changed, &rule.id) {
                        unnoticed.push(format!("{} {}: {mutant}", rule.id, level.severity));
                    }
                }
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

#[test]
fn a_condition_has_a_mutant_for_each_comparison() {
    let found = mutants(r#"a >= 2 && b == ">" || c < d"#);
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
