//! The parts of a condition, a line each, with what they read.

use crate::engine::evidence::neutral;
use crate::rules::{Account, Facts, Level, Part, Truth};
use std::collections::BTreeSet;

/// Before each part.
const PART: &str = "             ";
/// Before a part that may hold in place of what is above it.
const OR: &str = "          or ";

/// Every part with its values.
pub(super) fn parts(account: &Account) -> String {
    match account {
        Account::All(all) => all.iter().map(parts).collect(),
        Account::Any(any) => {
            let later = any.iter().skip(1).map(|one| {
                let told = parts(one);
                told.strip_prefix(PART)
                    .map_or(told.clone(), |told| format!("{OR}{told}"))
            });
            any.first().map(parts).into_iter().chain(later).collect()
        }
        Account::Part(part) => {
            let mark = match part.truth {
                Truth::True => "yes",
                Truth::False => "no",
                Truth::Unknown => "unknown",
            };
            format!("{PART}{mark:<8}{}\n", clause(part))
        }
    }
}

/// The moment from which on a level holds, with its values and what is not known of them.
pub(super) fn from(level: &Level, facts: &Facts) -> String {
    let Some(at) = &level.at else {
        return String::new();
    };
    let part = at.account(facts);
    let told = format!("{PART}{:<8}{}\n", "from", clause(&part));
    told + &unknown(&part).collect::<String>()
}

/// What is not known that keeps it from being decided, and what that is.
pub(super) fn needs(account: &Account) -> String {
    let blockers = account.blockers().into_iter();
    let told: BTreeSet<String> = blockers.flat_map(unknown).collect();
    told.into_iter().collect()
}

/// What a part reads and is not known, a line each.
fn unknown(part: &Part) -> impl Iterator<Item = String> {
    let facts = part.unknown.iter();
    let facts = facts.map(|fact| format!("{PART}{fact}: {}\n", fact.doc()));
    facts.chain(part.missing.iter().map(|name| format!("{PART}{name}\n")))
}

/// The condition that decides that a level does not hold, and a line for each of the others.
pub(super) fn why_not(account: &Account) -> (String, String) {
    if account.truth() == Truth::True {
        let why = "it holds now, but only another line would open it:";
        return (why.to_owned(), parts(account));
    }
    let all = conjuncts(account);
    let deciding = all.iter().enumerate().find_map(|(place, one)| match one {
        Account::Part(part) if part.truth == Truth::False => Some((place, part)),
        _ => None,
    });
    let Some((place, part)) = deciding else {
        return ("not enough of this holds:".to_owned(), parts(account));
    };
    let others = all.iter().enumerate().filter(|(other, _)| *other != place);
    (clause(part), others.map(|(_, one)| parts(one)).collect())
}

/// Every condition that must hold.
pub(super) fn conjuncts(account: &Account) -> Vec<&Account> {
    match account {
        Account::All(all) => all.iter().flat_map(conjuncts).collect(),
        one => vec![one],
    }
}

/// A part with its values.
fn clause(part: &Part) -> String {
    plain(&part.text) + &values(part)
}

/// A text in one line.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn values(part: &Part) -> String {
    let known = part
        .values
        .iter()
        .map(|(name, value)| format!("{name} = {}", neutral(value)));
    let unknown = part
        .unknown
        .iter()
        .map(|fact| format!("{fact} is not known"));
    let all: Vec<String> = known.chain(unknown).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("   [{}]", all.join("; "))
    }
}
