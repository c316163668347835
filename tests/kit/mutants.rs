//! Conditions turned into their opposites.

use notafter::rules::{Configured, RuleSet};

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
pub(crate) fn mutants(condition: &str) -> Vec<String> {
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

/// One mutant of a rule's file.
pub(crate) struct Mutant {
    /// The rule, its severity and the condition that it has now.
    pub(crate) shown: String,
    /// The text of the file.
    pub(crate) text: String,
}

/// Every mutant of every condition in a rule's file.
pub(crate) fn of_file(file: &'static str, text: &'static str) -> Vec<Mutant> {
    let built_in = RuleSet::new(&[(file, text)], Vec::new(), &Configured::default());
    let built_in = built_in.unwrap_or_else(|problems| panic!("{problems}"));
    let mut all = Vec::new();
    for rule in built_in.all() {
        for level in &rule.levels {
            let condition = level.when.text();
            let table = format!("[severity.{}]", level.severity);
            let (head, rest) = text.split_once(&table).unwrap();
            let (before, after) = rest.split_once(condition).unwrap();
            all.extend(mutants(condition).into_iter().map(|mutant| Mutant {
                shown: format!("{} {}: {mutant}", rule.id, level.severity),
                text: format!("{head}{table}{before}{mutant}{after}"),
            }));
        }
    }
    all
}
