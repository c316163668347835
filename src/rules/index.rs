//! Which rules facts or a line can concern at all, so that of a thousand rules only those few are
//! looked at.
//!
//! A rule stands under something without which it cannot open: a fact that must be one of some texts,
//! facts that must hold or reach a bound, a message, a logger. Whether it opens is for the rule to say;
//! the index only leaves out.

use super::condition::{Clause, Truth};
use super::fact::{Fact, FactValue, Facts, Scope};
use super::fact_set::FactSet;
use super::matcher::{LineFields, Matcher, Sieve};
use super::plain::Plain;
use super::rule::{Level, Reads, Rule};
use regex::RegexSet;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The places of rules in their set.
type Places = Vec<usize>;

/// A rule on facts, with what decides whether to look at it, so that the rule itself need not be
/// fetched for that.
#[derive(Clone, Debug)]
struct Entry {
    place: usize,
    scope: Scope,
    reads: Reads,
    /// The facts that must be true for it to open.
    truths: FactSet,
    /// Comparisons of which one must hold for it to open; none where it needs none.
    bounds: Vec<Plain>,
}

impl Entry {
    fn may_hold(&self, facts: &Facts, true_ones: FactSet) -> bool {
        let is_within = || {
            self.bounds
                .iter()
                .any(|bound| bound.truth(facts) == Truth::True)
        };
        self.truths.without(true_ones).is_empty() && (self.bounds.is_empty() || is_within())
    }
}

/// Where to find the rules that may open.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    texts: BTreeMap<Fact, BTreeMap<String, Vec<Entry>>>,
    others: Vec<Entry>,
    lines: Lines,
}

/// The same for rules about lines.
#[derive(Clone, Debug, Default)]
struct Lines {
    msgs: BTreeMap<String, Places>,
    loggers: BTreeMap<String, Places>,
    /// Patterns of messages; each with the place of its rule.
    patterns: Vec<String>,
    patterned: Places,
    others: Places,
    /// All patterns, tried in one walk; made when the first line comes, because a thousand take a while.
    /// `None` where they are larger together than the crate allows: then every rule is tried.
    together: OnceLock<Option<RegexSet>>,
}

impl Index {
    /// The index of rules at their places; those that are off are left out.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            let lines = &mut index.lines;
            match rule.matcher.as_ref().map(Matcher::sieve) {
                None => index.enter(place, rule),
                Some(Sieve::Msg(msg)) => lines.msgs.entry(msg).or_default().push(place),
                Some(Sieve::Logger(logger)) => {
                    lines.loggers.entry(logger).or_default().push(place);
                }
                Some(Sieve::Pattern(pattern)) => {
                    lines.patterns.push(pattern);
                    lines.patterned.push(place);
                }
                Some(Sieve::Anything) => lines.others.push(place),
            }
        }
        index
    }

    fn enter(&mut self, place: usize, rule: &Rule) {
        let entry = Entry {
            place,
            scope: rule.scope,
            reads: rule.reads(),
            truths: needed_truths(&rule.levels),
            bounds: needed_bounds(&rule.levels).unwrap_or_default(),
        };
        let Some((fact, texts)) = needed_texts(&rule.levels) else {
            self.others.push(entry);
            return;
        };
        let entries = self.texts.entry(fact).or_default();
        for text in texts {
            entries.entry(text).or_default().push(entry.clone());
        }
    }

    /// The places of the rules on facts of a scope that these facts may open and whose reads are wanted,
    /// in order.
    pub(super) fn on(&self, scope: Scope, facts: &Facts, wanted: impl Fn(Reads) -> bool) -> Places {
        let true_ones = facts.true_ones();
        let of_texts = self.texts.iter().filter_map(|(fact, texts)| {
            let Some(FactValue::Text(text)) = facts.get(*fact) else {
                return None;
            };
            texts.get(&**text)
        });
        let entries = of_texts.flatten().chain(&self.others);
        let found = entries.filter(|entry| {
            entry.scope == scope && wanted(entry.reads) && entry.may_hold(facts, true_ones)
        });
        in_order(found.map(|entry| entry.place).collect())
    }

    /// The places of the rules whose matcher may take this line, in order.
    pub(super) fn matching(&self, line: &dyn LineFields) -> Places {
        let lines = &self.lines;
        let mut found = lines.others.clone();
        let msg = line.msg().unwrap_or_default();
        found.extend(lines.msgs.get(msg).into_iter().flatten());
        if let Some(logger) = line.logger() {
            found.extend(lines.loggers.get(logger).into_iter().flatten());
        }
        match lines
            .together
            .get_or_init(|| RegexSet::new(&lines.patterns).ok())
        {
            _ if lines.patterned.is_empty() => {}
            None => found.extend(&lines.patterned),
            Some(together) => {
                let matched = together.matches(msg).into_iter();
                found.extend(matched.filter_map(|one| lines.patterned.get(one)));
            }
        }
        in_order(found)
    }
}

fn in_order(mut places: Places) -> Places {
    places.sort_unstable();
    places.dedup();
    places
}

/// The facts that every level of a rule needs to be true.
fn needed_truths(levels: &[Level]) -> FactSet {
    let of_level = |level: &Level| {
        let clauses = level.when.conjuncts().into_iter();
        let truths = clauses.filter_map(|clause| match clause.plain()? {
            Plain::Fact(fact) => Some(*fact),
            _ => None,
        });
        truths.collect::<FactSet>()
    };
    let shared = levels.iter().map(of_level).reduce(FactSet::intersection);
    shared.unwrap_or_default()
}

/// A comparison for each level of a rule that it needs to hold.
fn needed_bounds(levels: &[Level]) -> Option<Vec<Plain>> {
    let of_level = |level: &Level| {
        let clauses = level.when.conjuncts().into_iter();
        let mut plain = clauses.filter_map(Clause::plain);
        plain
            .find(|plain| matches!(plain, Plain::Ordered(..)))
            .cloned()
    };
    levels.iter().map(of_level).collect()
}

/// A fact that every level of a rule needs to be one of some texts.
fn needed_texts(levels: &[Level]) -> Option<(Fact, Vec<String>)> {
    let of_level = |level: &Level| {
        let clauses = level.when.conjuncts().into_iter();
        let texts = clauses.filter_map(|clause| match clause.plain()? {
            Plain::OneOf(fact, values) => {
                Some((*fact, values.iter().map(text).collect::<Option<_>>()?))
            }
            _ => None,
        });
        texts.collect::<Vec<(Fact, Vec<String>)>>()
    };
    let (first, others) = levels.split_first()?;
    let others: Vec<_> = others.iter().map(of_level).collect();
    of_level(first).into_iter().find_map(|(fact, mut texts)| {
        for level in &others {
            let (_, more) = level.iter().find(|(other, _)| *other == fact)?;
            texts.extend_from_slice(more);
        }
        Some((fact, texts))
    })
}

fn text(value: &FactValue) -> Option<String> {
    match value {
        FactValue::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::caddy::entry::Entry;
    use crate::rules::{BUILT_IN, Configured, Fact, FactType, FactValue, Facts, RuleSet, Scope};
    use crate::time::LogTime;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const TEXTS: &str = "\n[message]\ntitle = 't'\nsummary = 's'\nremedy = 'r'\n\
        [[example]]\nwhy = 'w'\nexpect = 'opens'\nseverity = 'info'\nlines = ['a']\n\
        [[example]]\nwhy = 'w'\nexpect = 'silent'\nlines = ['b']\n";

    /// Rules of every kind that the index tells apart, beside the built-in ones.
    static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
        let on_facts = [
            "cert.name == 'a'",
            "cert.name in ['a', 'b'] && cert.failing",
            "cert.tries_left == 2 && cert.ended",
            "cert.failing || cert.name == 'a'",
            "!cert.failing",
            "true",
            "cert.failing && cert.tries_left <= 2 && cert.attempt > 1",
            "!(cert.tries_left > 2)",
            "cert.tries_left < 2 || cert.ended",
        ];
        let on_lines = [
            "msg = 'will retry'",
            "msg = { prefix = 'will' }",
            "msg = { regex = '(?i)RETRY$' }",
            "logger = 'tls.renew'",
            "level = 'error'",
        ];
        let two_levels = "[severity.info]\nwhen = 'cert.cause == \"crash\"'\n\
            [severity.critical]\nwhen = 'cert.cause in [\"storage.full\", \"storage.lock\"]'\n";
        let two_bounds = "[severity.info]\nwhen = 'cert.tries_left <= 2'\n\
            [severity.critical]\nwhen = 'cert.attempt >= 3'\n";
        let facts = on_facts.map(|when| format!("[severity.info]\nwhen = \"{when}\"\n"));
        let lines =
            on_lines.map(|test| format!("[match]\n{test}\n[severity.info]\nwhen = 'true'\n"));
        let bodies = facts
            .into_iter()
            .chain(lines)
            .chain([two_levels, two_bounds].map(str::to_owned));
        let files = bodies.enumerate().map(|(number, body)| {
            let head = format!("id = 'own-{number}'\ntitle = 't'\nscope = 'certificate'\nwhy = 'w'\ncloses = 'recovery'\n");
            (format!("own-{number}.toml"), format!("{head}{body}{TEXTS}"))
        });
        RuleSet::new(BUILT_IN, files.collect(), &Configured::default()).unwrap()
    });

    fn value(fact: Fact, seed: u8) -> FactValue {
        let number = i64::from(seed % 4);
        match fact.kind() {
            FactType::Bool => FactValue::from(seed.is_multiple_of(2)),
            FactType::Int => FactValue::from(number),
            FactType::Time => FactValue::from(LogTime::from_seconds(number)),
            FactType::Length => FactValue::from(TimeDelta::seconds(number * 300)),
            FactType::Text => {
                let words = if fact.words().is_empty() {
                    &["a", "b"][..]
                } else {
                    fact.words()
                };
                FactValue::from(words[usize::from(seed) % words.len()])
            }
        }
    }

    proptest! {
        #[test]
        fn no_rule_that_holds_is_left_out(
            seeds in proptest::collection::vec(proptest::option::weighted(0.8, any::<u8>()), Fact::COUNT),
        ) {
            let mut facts = Facts::new();
            for (fact, seed) in Fact::ALL.into_iter().zip(seeds) {
                facts.set(fact, seed.map(|seed| value(fact, seed)));
            }
            for scope in [Scope::Certificate, Scope::Source] {
                let all = RULES.all().iter().filter(|rule| {
                    rule.enabled && rule.matcher.is_none() && rule.scope == scope
                });
                let holds = all.filter(|rule| rule.verdicts(&facts).next().is_some());
                let found: Vec<&str> = RULES.rules_on(scope, &facts, |_| true).map(|rule| rule.id.as_str()).collect();
                for rule in holds {
                    prop_assert!(found.contains(&rule.id.as_str()), "{} is left out", rule.id);
                }
                prop_assert!(found.is_sorted());
            }
        }
    }

    #[test]
    fn a_line_finds_the_rules_that_take_it() {
        for (msg, logger, level) in [
            ("will retry", "tls.obtain", "info"),
            ("willing", "tls.renew", "error"),
            ("never retry", "", "debug"),
            ("other", "tls", "warn"),
        ] {
            let line = format!(r#"{{"level":"{level}","ts":1,"logger":"{logger}","msg":"{msg}"}}"#);
            let entry = Entry::decode(line.as_bytes()).unwrap();
            let all = RULES.all().iter().filter(|rule| rule.enabled);
            let takes = all.filter(|rule| {
                rule.matcher
                    .as_ref()
                    .is_some_and(|matcher| matcher.matches(&entry).is_some())
            });
            let takes: Vec<&str> = takes.map(|rule| rule.id.as_str()).collect();
            let found = RULES
                .rules_matching(&entry)
                .map(|(rule, _)| rule.id.as_str());
            assert_eq!(found.collect::<Vec<&str>>(), takes, "{line}");
        }
    }

    #[test]
    fn facts_that_a_rule_needs_leave_it_out() {
        let found = |facts: &Facts| {
            let found = RULES.rules_on(Scope::Certificate, facts, |_| true);
            found
                .filter(|rule| rule.id.starts_with("own"))
                .map(|rule| rule.id.clone())
                .collect()
        };
        let none: Vec<String> = found(&Facts::new());
        assert_eq!(none, ["own-3", "own-4", "own-5", "own-7", "own-8"]);
        let named: Vec<String> = found(
            &Facts::new()
                .with(Fact::Name, "b")
                .with(Fact::Cause, "storage.lock"),
        );
        let expected = ["own-14", "own-3", "own-4", "own-5", "own-7", "own-8"];
        assert_eq!(named, expected);
        let few = Facts::new().with(Fact::Failing, true);
        let few = few.with(Fact::TriesLeft, 2_i64);
        assert!(found(&few).iter().any(|id| id == "own-6"));
        assert!(found(&few).iter().any(|id| id == "own-15"));
        let many = few.with(Fact::TriesLeft, 3_i64);
        assert!(!found(&many).iter().any(|id| id == "own-6"));
        assert!(!found(&many).iter().any(|id| id == "own-15"));
        let late = many.with(Fact::Attempt, 3_i64);
        assert!(found(&late).iter().any(|id| id == "own-15"));
    }
}
