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
    let mut told: Vec<(u8, String)> = of_certificates
        .map(|rule| self::rule(rule, explained, matched.contains(&rule.id)))
        .collect();
    told.sort_by_key(|(order, _)| *order);
    let told: String = told.into_iter().map(|(_, rule)| rule).collect();
    format!("Rules about {}\n{told}", explained.certificate.name)
}

/// What one rule makes of a certificate, and where in the list it is told.
fn rule(rule: &Rule, explained: &Explained<'_>, matched: bool) -> (u8, String) {
    let open = explained.certificate.alerts.get(&rule.id);
    let head = |word: &str, what: String| format!("  {word:<8} {:<26} {what}\n", rule.id);
    if !rule.enabled {
        return (5, head("off", String::new()));
    }
    if rule.matcher.is_some() && !matched {
        return (
            4,
            head(
                "no",
                "none of these lines is one that it looks at".to_owned(),
            ),
        );
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
        return (0, head("OPEN", alert.severity.word().to_owned()) + &parts);
    }
    let waiting = accounts.iter().find_map(|(level, account)| {
        let at = moment(level)??;
        (account.truth() == Truth::True && at > explained.at).then_some((level, account, at))
    });
    if let Some((level, account, at)) = waiting {
        let when = format!(
            "{} at {}, {} after the last line",
            level.severity,
            at.utc(),
            spell(at - explained.at)
        );
        return (1, head("waits", when) + &parts(account));
    }
    let unknown = accounts
        .iter()
        .rev()
        .find(|(_, account)| account.truth() == Truth::Unknown);
    if let Some((level, account)) = unknown {
        let what = format!("{}, if this were known:", level.severity);
        return (2, head("unknown", what) + &needs(account));
    }
    let without_moment = accounts.iter().rev().find(|(level, account)| {
        account.truth() == Truth::True && matches!(moment(level), Some(None))
    });
    if let Some((level, account)) = without_moment {
        let what = format!("{}, but from when on is not known", level.severity);
        return (2, head("unknown", what) + &parts(account));
    }
    let quietest = accounts.last();
    let why = quietest
        .map(|(_, account)| why_not(account))
        .unwrap_or_default();
    (3, head("no", why))
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
