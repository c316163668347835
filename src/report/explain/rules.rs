//! What every rule makes of a certificate or a log: each condition with its values, and what is not known.

use crate::engine::alert::Alerts;
use crate::engine::evidence::neutral;
use crate::engine::{Explained, ExplainedSource};
use crate::report::explain::parts::{conjuncts, from, needs, parts, plain, why_not};
use crate::rules::{Account, Facts, Level, Rule, RuleSet, Scope, Truth};
use crate::time::{LogTime, spell};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What rules are asked about.
#[derive(Clone, Copy, Debug)]
struct Judged<'a> {
    scope: Scope,
    at: LogTime,
    facts: &'a Facts,
    alerts: &'a Alerts,
}

impl<'a> Judged<'a> {
    fn certificate(explained: &'a Explained<'_>) -> Self {
        Self {
            scope: Scope::Certificate,
            at: explained.at,
            facts: &explained.facts,
            alerts: &explained.certificate.alerts,
        }
    }

    fn source(explained: &'a ExplainedSource<'_>) -> Self {
        Self {
            scope: Scope::Source,
            at: explained.at,
            facts: &explained.facts,
            alerts: explained.alerts,
        }
    }
}

/// Tells what every rule about certificates makes of one.
pub fn rules(explained: &Explained<'_>, rules: &RuleSet, matched: &BTreeSet<String>) -> String {
    let told = all(Judged::certificate(explained), rules, matched);
    format!("Rules about {}\n{told}", explained.certificate.name)
}

/// Tells what every rule about logs makes of one.
pub fn rules_on_source(
    explained: &ExplainedSource<'_>,
    rules: &RuleSet,
    matched: &BTreeSet<String>,
) -> String {
    let told = all(Judged::source(explained), rules, matched);
    format!("Rules about the log of {}\n{told}", neutral(explained.name))
}

/// How a rule stands with a certificate, and when it would open, in one line.
pub fn because(rule: &Rule, explained: &Explained<'_>, matched: bool) -> String {
    in_one_line(&self::rule(rule, Judged::certificate(explained), matched))
}

/// How a rule stands with a log, and when it would open, in one line.
pub fn because_of_source(rule: &Rule, explained: &ExplainedSource<'_>, matched: bool) -> String {
    in_one_line(&self::rule(rule, Judged::source(explained), matched))
}

fn in_one_line(told: &Told) -> String {
    let head = plain(&format!("{} {}", told.word, told.what));
    let parts: Vec<String> = told.parts.lines().map(plain).collect();
    if parts.is_empty() {
        return head;
    }
    format!("{head} ({})", parts.join(", "))
}

fn all(judged: Judged<'_>, rules: &RuleSet, matched: &BTreeSet<String>) -> String {
    let rules = rules.all().iter();
    let mut told: Vec<(&str, Told)> = rules
        .filter(|rule| rule.scope == judged.scope)
        .map(|rule| {
            let told = self::rule(rule, judged, matched.contains(&rule.id));
            (rule.id.as_str(), told)
        })
        .collect();
    told.sort_by_key(|(_, told)| told.order);
    let line = |(id, told): &(&str, Told)| {
        let (word, what, parts) = (told.word, &told.what, &told.parts);
        let head = format!("  {word:<8} {id:<26} {what}");
        format!("{}\n{parts}", head.trim_end())
    };
    told.iter().map(line).collect()
}

/// What a rule makes of it.
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

/// One level of a rule: whether its condition holds, and from when on.
struct Weighed<'a> {
    level: &'a Level,
    account: Account,
    /// From when on it holds; `None` is not known.
    from: Option<LogTime>,
}

impl<'a> Weighed<'a> {
    fn new(level: &'a Level, judged: Judged<'_>) -> Self {
        let from = level.at.as_ref().map(|moment| moment.at(judged.facts));
        Self {
            level,
            account: level.when.account(judged.facts),
            from: from.unwrap_or(Some(judged.at)),
        }
    }

    fn truth(&self) -> Truth {
        self.account.truth()
    }

    /// When it opens if nothing else happens; `None` when it does not, or has.
    fn opens_at(&self, now: LogTime) -> Option<LogTime> {
        self.from
            .filter(|from| self.truth() == Truth::True && *from > now)
    }

    fn lacks_moment(&self) -> bool {
        self.truth() == Truth::True && self.from.is_none()
    }

    /// Every part with its values, and the moment from which on they count.
    fn parts(&self, judged: Judged<'_>) -> String {
        parts(&self.account) + &self.moment(judged)
    }

    /// The moment from which on its condition counts, where it holds.
    fn moment(&self, judged: Judged<'_>) -> String {
        if self.truth() == Truth::True {
            from(self.level, judged.facts)
        } else {
            String::new()
        }
    }

    /// The parts that another level has not, and the moment from which on they count.
    fn parts_beyond(&self, other: &Self, judged: Judged<'_>) -> String {
        let known = conjuncts(&other.account);
        let own = conjuncts(&self.account).into_iter();
        let own = own.filter(|one| !known.contains(one)).map(parts);
        own.collect::<String>() + &self.moment(judged)
    }

    fn when(&self, opens_at: LogTime, now: LogTime) -> String {
        let (severity, wait) = (self.level.severity, spell(opens_at - now));
        format!("{severity} at {}, {wait} later", opens_at.utc())
    }
}

/// What one rule makes of a certificate or a log.
fn rule(rule: &Rule, judged: Judged<'_>, matched: bool) -> Told {
    if !rule.enabled {
        return Told::new(5, "off", "", String::new());
    }
    let open = judged.alerts.get(&*rule.id);
    if rule.matcher.is_some() && !matched && open.is_none() {
        let what = "none of these lines is one that it looks at";
        return Told::new(4, "no", what, String::new());
    }
    // From loud to quiet.
    let levels = rule.levels.iter();
    let levels: Vec<Weighed<'_>> = levels.map(|level| Weighed::new(level, judged)).collect();
    if let Some(alert) = open {
        let severity = alert.severity;
        // What the configuration made quieter may stand beside another level of its severity.
        let mut held = levels
            .iter()
            .rev()
            .filter(|one| one.level.severity == severity);
        let held = held
            .clone()
            .find(|one| one.truth() == Truth::True)
            .or_else(|| held.next());
        let parts = held.map(|held| held.parts(judged) + &worsens(held, &levels, judged));
        return Told::new(0, "OPEN", severity.word(), parts.unwrap_or_default());
    }
    let waiting = levels
        .iter()
        .filter_map(|one| Some((one.opens_at(judged.at)?, one)));
    if let Some((at, one)) = waiting.min_by_key(|(at, one)| (*at, Reverse(one.level.severity))) {
        let parts = one.parts(judged) + &worsens(one, &levels, judged);
        return Told::new(1, "waits", one.when(at, judged.at), parts);
    }
    let mut quiet_first = levels.iter().rev();
    let unknown = quiet_first
        .clone()
        .find(|one| one.truth() == Truth::Unknown);
    if let Some(one) = unknown {
        let what = format!("{}, if this were known:", one.level.severity);
        return Told::new(
            2,
            "unknown",
            what,
            parts(&one.account) + &needs(&one.account),
        );
    }
    if let Some(one) = quiet_first.clone().find(|one| one.lacks_moment()) {
        let what = format!("{}, but from when on is not known", one.level.severity);
        return Told::new(2, "unknown", what, one.parts(judged));
    }
    let (why, others) = quiet_first
        .next()
        .map(|quietest| why_not(&quietest.account))
        .unwrap_or_default();
    Told::new(3, "no", why, others)
}

/// When an alert becomes louder than a level, or why it does not: of the louder levels that which opens
/// first, or else the next one, with what it has beyond that level.
fn worsens(than: &Weighed<'_>, levels: &[Weighed<'_>], judged: Judged<'_>) -> String {
    let mut louder = levels
        .iter()
        .filter(|one| one.level.severity > than.level.severity);
    let opening = louder
        .clone()
        .filter_map(|one| Some((one.opens_at(judged.at)?, one)));
    if let Some((at, one)) = opening.min_by_key(|(at, _)| *at) {
        let (when, parts) = (one.when(at, judged.at), one.parts_beyond(than, judged));
        return format!("{LOUDER}{when}:\n{parts}");
    }
    let Some(next) = louder.next_back() else {
        return String::new();
    };
    let why = match next.truth() {
        Truth::False => "not yet",
        Truth::Unknown => "if this were known",
        Truth::True if next.from.is_none() => "but from when on is not known",
        Truth::True => "with the next line about it",
    };
    let (severity, parts) = (next.level.severity, next.parts_beyond(than, judged));
    format!("{LOUDER}{severity}, {why}:\n{parts}")
}

/// Where a louder level is told, below what is open.
const LOUDER: &str = "           ";
