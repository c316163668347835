//! What every rule makes of a certificate: each condition with its values, and what is not known.

use crate::engine::Explained;
use crate::engine::evidence::neutral;
use crate::rules::{Account, Level, Part, Rule, RuleSet, Scope, Truth};
use crate::time::spell;
use std::collections::BTreeSet;

/// Tells what every rule about certificates makes of one.
pub fn rules(explained: &Explained<'_>, rules: &RuleSet, matched: &BTreeSet<String>) -> String {
    let of_certificates = rules
        .all()
        .iter()
        .filter(|rule| rule.scope == Scope::Certificate);
    let mut told: Vec<(&str, Told)> = of_certificates
        .map(|rule| {
            let told = self::rule(rule, explained, matched.contains(&rule.id));
            (rule.id.as_str(), told)
        })
        .collect();
    told.sort_by_key(|(_, told)| told.order);
    let line = |(id, told): &(&str, Told)| {
        let (word, what, parts) = (told.word, &told.what, &told.parts);
        format!("  {word:<8} {id:<26} {what}\n{parts}")
    };
    let told: String = told.iter().map(line).collect();
    format!("Rules about {}\n{told}", explained.certificate.name)
}

/// What a rule makes of a certificate.
struct Told {
    /// Where in the list it is told.
    order: u8,
    /// How it stands with the rule, in a word.
    word: &'static str,
    /// The same in more words.
    what: String,
    /// The parts of the condition, a line each.
    parts: String,
}

impl Told {
    fn new(order: u8, word: &'static str, what: impl Into<String>, parts: String) -> Self {
        let what = what.into();
        Self {
            order,
            word,
            what,
            parts,
        }
    }
}

/// How a rule stands with a certificate, and when it would open, in one line.
pub fn because(rule: &Rule, explained: &Explained<'_>, matched: bool) -> String {
    let told = self::rule(rule, explained, matched);
    let head = plain(&format!("{} {}", told.word, told.what));
    let parts: Vec<String> = told.parts.lines().map(plain).collect();
    if parts.is_empty() {
        return head;
    }
    format!("{head} ({})", parts.join(", "))
}

/// What one rule makes of a certificate.
fn rule(rule: &Rule, explained: &Explained<'_>, matched: bool) -> Told {
    let open = explained.certificate.alerts.get(&rule.id);
    if !rule.enabled {
        return Told::new(5, "off", "", String::new());
    }
    if rule.matcher.is_some() && !matched {
        let what = "none of these lines is one that it looks at";
        return Told::new(4, "no", what, String::new());
    }
    let accounts: Vec<(&Level, Account)> = rule
        .levels
        .iter()
        .map(|level| (level, level.when.account(&explained.facts)))
        .collect();
    let moment = |level: &Level| level.at.as_ref().map(|moment| moment.at(&explained.facts));
    if let Some(alert) = open {
        let held = accounts
            .iter()
            .find(|(level, _)| level.severity == alert.severity);
        let parts = held.map(|(_, account)| parts(account)).unwrap_or_default();
        return Told::new(0, "OPEN", alert.severity.word(), parts);
    }
    let waiting = accounts.iter().find_map(|(level, account)| {
        let at = moment(level)??;
        (account.truth() == Truth::True && at > explained.at).then_some((level, account, at))
    });
    if let Some((level, account, at)) = waiting {
        let when = format!(
            "{} at {}, {} later",
            level.severity,
            at.utc(),
            spell(at - explained.at)
        );
        return Told::new(1, "waits", when, parts(account) + &from(level, explained));
    }
    let unknown = accounts
        .iter()
        .rev()
        .find(|(_, account)| account.truth() == Truth::Unknown);
    if let Some((level, account)) = unknown {
        let what = format!("{}, if this were known:", level.severity);
        return Told::new(2, "unknown", what, needs(account));
    }
    let without_moment = accounts.iter().rev().find(|(level, account)| {
        account.truth() == Truth::True && matches!(moment(level), Some(None))
    });
    if let Some((level, account)) = without_moment {
        let what = format!("{}, but from when on is not known", level.severity);
        return Told::new(2, "unknown", what, parts(account) + &from(level, explained));
    }
    let quietest = accounts.last();
    let why = quietest
        .map(|(_, account)| why_not(account))
        .unwrap_or_default();
    Told::new(3, "no", why, String::new())
}

const PART: &str = "             ";

/// Every part with its values.
fn parts(account: &Account) -> String {
    match account {
        Account::All(all) => all.iter().map(parts).collect(),
        Account::Any(any) => {
            let any = any.iter().enumerate();
            any.map(|(place, one)| {
                let told = parts(one);
                if place == 0 {
                    told
                } else {
                    format!("{PART}or\n{told}")
                }
            })
            .collect()
        }
        Account::Part(part) => {
            let mark = match part.truth {
                Truth::True => "yes",
                Truth::False => "no",
                Truth::Unknown => "unknown",
            };
            format!("{PART}{mark:<8}{}{}\n", plain(&part.text), values(part))
        }
    }
}

/// The moment from which on a level holds, with its values.
fn from(level: &Level, explained: &Explained<'_>) -> String {
    let part = level.at.as_ref().map(|at| at.account(&explained.facts));
    let told = part.map(|part| {
        format!(
            "{PART}{:<8}{}{}\n",
            "from",
            plain(&part.text),
            values(&part)
        )
    });
    told.unwrap_or_default()
}

fn needs(account: &Account) -> String {
    let mut told = BTreeSet::new();
    for part in account.blockers() {
        for fact in &part.unknown {
            told.insert(format!("{PART}{fact}: {}\n", fact.doc()));
        }
        for name in &part.missing {
            told.insert(format!("{PART}{name}\n"));
        }
    }
    told.into_iter().collect()
}

fn why_not(account: &Account) -> String {
    let Some(part) = account.blockers().into_iter().next() else {
        return String::new();
    };
    format!("{}{}", plain(&part.text), values(part))
}

fn plain(text: &str) -> String {
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
