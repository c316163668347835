//! The words of open alerts at the moment when they are told, which may be long after they opened.

use crate::engine::alert::{AlertRow, Change, OpenAlert};
use crate::engine::certificates::Certificates;
use crate::engine::facts::{facts, source_facts};
use crate::engine::instance::Instance;
use crate::engine::judge::Judge;
use crate::engine::subject::About;
use crate::rules::{Rule, RuleSet};
use crate::time::LogTime;
use std::cell::LazyCell;

/// Who tells of an instance at a moment of its log.
#[derive(Clone, Copy)]
pub(super) struct Teller<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) name: &'a str,
    pub(super) instance: &'a Instance,
    pub(super) certificates: &'a Certificates,
    /// `None` while no line had a time.
    pub(super) at: Option<LogTime>,
}

impl Teller<'_> {
    /// The row of a change, in the words of now.
    pub(super) fn row(&self, change: &Change<'_>, alert: &OpenAlert, about: About<'_>) -> AlertRow {
        let row = AlertRow::new(change, alert, about);
        let Some(rule) = self.rules.get(change.rule) else {
            return row;
        };
        match self.words(rule, alert, about) {
            Some([title, summary, remedy]) => AlertRow {
                title,
                summary,
                remedy,
                ..row
            },
            // What a line brought stays as it is.
            None if rule.matcher.is_some() => row,
            None => AlertRow {
                summary: self.dated(alert, row.summary),
                ..row
            },
        }
    }

    /// Words of an earlier moment, with which one that was: their spans of time are not those of now.
    fn dated(&self, alert: &OpenAlert, words: String) -> String {
        let at = LogTime::from_seconds(alert.worded_at_seconds.into());
        if self.at.is_none_or(|now| now.seconds() == at.seconds()) {
            words
        } else if alert.worded_at_seconds == 0 {
            format!("As it was when it opened: {words}")
        } else {
            format!("As it was at {}: {words}", at.utc())
        }
    }

    /// Whether the condition of a rule with an open alert still holds; what a line said stands. Nothing is
    /// judged before it is asked for: few have two alerts that compete.
    pub(super) fn holds<'b>(&'b self, about: About<'b>) -> impl Fn(&str) -> bool + 'b {
        let judge = LazyCell::new(move || self.judge(about));
        move |rule| {
            let known = self.rules.get(rule).zip(judge.as_ref());
            known.is_none_or(|(rule, judge)| rule.matcher.is_some() || judge.still_holds(rule))
        }
    }

    /// `None` where those of the opening have to do: what a line brought is gone, and so may be what made
    /// the condition hold.
    fn words(&self, rule: &Rule, alert: &OpenAlert, about: About<'_>) -> Option<[String; 3]> {
        let judge = self.judge(about)?;
        let holds = rule.matcher.is_none() && judge.still_holds(rule);
        holds.then(|| judge.words(rule, alert.severity, None))
    }

    /// Who judges at this moment; `None` while no line had a time.
    fn judge<'b>(&'b self, about: About<'b>) -> Option<Judge<'b>> {
        let at = self.at?;
        Some(Judge {
            rules: self.rules,
            instance: self.name,
            at,
            shown_at: self.at,
            facts: match about {
                About::Certificate(certificate) => facts(self.name, self.instance, certificate, at),
                About::Source(_) => source_facts(self.name, self.instance, self.certificates),
            },
            about,
            line: None,
            certificates: match about {
                About::Certificate(_) => None,
                About::Source(_) => Some(self.certificates),
            },
            read_to: self.instance.behind,
            generation: self.instance.generation,
        })
    }
}
