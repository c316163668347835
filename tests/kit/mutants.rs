//! Conditions turned into their opposites, and moments moved.

use notafter::rules::{Configured, Level, RuleSet};

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
    let mut all = Vec::new();
    for (rule, level) in levels(file, text) {
        let condition = level.when.text();
        all.extend(mutants(condition).into_iter().map(|mutant| Mutant {
            shown: format!("{rule} {}: {mutant}", level.severity),
            text: replaced(text, &level, condition, &mutant),
        }));
    }
    all
}

/// Every moment in a rule's file, a minute later.
pub(crate) fn later(file: &'static str, text: &'static str) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (rule, level) in levels(file, text) {
        let Some(moment) = &level.at else { continue };
        let moment = moment.clause().text();
        let mutant = format!("({moment}) + duration(\"1m\")");
        all.push(Mutant {
            shown: format!("{rule} {}: at {mutant}", level.severity),
            text: replaced(
                text,
                &level,
                &format!("at = '{moment}'"),
                &format!("at = '{mutant}'"),
            ),
        });
    }
    all
}

/// The levels of a file's rule, each with its id.
fn levels(file: &'static str, text: &'static str) -> Vec<(String, Level)> {
    let built_in = RuleSet::new(&[(file, text)], Vec::new(), &Configured::default());
    let built_in = built_in.unwrap_or_else(|problems| panic!("{problems}"));
    let rules = built_in.all().iter();
    let levels = rules.flat_map(|rule| {
        rule.levels
            .iter()
            .map(|level| (rule.id.clone(), level.clone()))
    });
    levels.collect()
}

/// The text of a file with the first `part` of a level's table replaced.
fn replaced(text: &str, level: &Level, part: &str, by: &str) -> String {
    let table = format!("[severity.{}]", level.severity);
    let (head, rest) = text.split_once(&table).unwrap();
    let (before, after) = rest.split_once(part).unwrap();
    format!("{head}{table}{before}{by}{after}")
}
