//! A checked rule: when it opens, how loud, when it closes, what it says, and its examples.

use super::condition::{Condition, Moment, Truth};
use super::fact::Scope;
use super::fact_set::FactSet;
use super::matcher::Matcher;
use super::scope::{Names, Reading};
use super::severity::Severity;
use super::template::Template;
use crate::document::Spanned;
use crate::time::LogTime;
use std::ops::Range;
use std::sync::Arc;

/// When a rule's alert closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// When the recovery is proven: a later notAfter from a production issuer is known.
    Recovery,
    /// When the condition was untrue for one whole attempt.
    Attempt,
    /// As soon as the condition no longer holds.
    Untrue,
}

impl Closing {
    /// Every way to close.
    pub const ALL: [Self; 3] = [Self::Recovery, Self::Attempt, Self::Untrue];

    /// When that is, for a person.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Recovery => {
                "when a later expiry from an issuer that counts is known, or a first issuance succeeds"
            }
            Self::Attempt => "when its condition was untrue for one whole attempt",
            Self::Untrue => "as soon as its condition no longer holds",
        }
    }

    /// The word in rule files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Attempt => "attempt",
            Self::Untrue => "untrue",
        }
    }
}

/// One loudness of a rule, and when it is reached.
#[derive(Clone, Debug)]
pub struct Level {
    /// How loud.
    pub severity: Severity,
    /// What must hold.
    pub when: Condition,
    /// From when on; `None` is at once.
    pub at: Option<Moment>,
}

impl Level {
    /// The facts it reads.
    pub fn facts(&self) -> FactSet {
        let at = self.at.as_ref().map_or(FactSet::EMPTY, Moment::facts);
        self.when.facts().union(at)
    }
}

/// What a rule depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// The facts it reads.
    pub facts: FactSet,
    /// Whether one of its levels has a moment of its own.
    pub is_timed: bool,
}

/// What one level says about one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How loud.
    pub severity: Severity,
    /// The moment it opens at; `None` is at once.
    pub at: Option<LogTime>,
}

/// What a rule tells a person.
#[derive(Clone, Debug)]
pub struct Texts {
    /// One line.
    pub title: Template,
    /// What is wrong, since when, by when it hurts.
    pub summary: Template,
    /// The one next thing to do.
    pub remedy: Template,
}

/// What an example's lines must make the rule do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// An alert of this severity opens.
    Opens(Severity),
    /// No alert opens.
    Silent,
    /// An alert opens and closes again.
    Closes,
    /// An alert is open, of this severity if one is given.
    Fires(Option<Severity>),
}

/// Lines with what they must do; the rule's own test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Why the lines must do that.
    pub why: String,
    /// What they must do.
    pub expect: Expectation,
    /// Where that stands in the file.
    pub expect_span: Range<usize>,
    /// The certificate it is about, where the lines name several.
    pub certificate: Option<String>,
    /// After the last line, from here on the log cannot be read.
    pub lost: Option<LogTime>,
    /// From here on it can be read again.
    pub found: Option<LogTime>,
    /// Log time moves on to here at the end.
    pub until: Option<LogTime>,
    /// The log lines.
    pub lines: Vec<Spanned<String>>,
}

/// A checked rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name: the stem of its file.
    pub id: String,
    /// The file it was read from.
    pub file: String,
    /// What it is about, in a sentence without a full stop.
    pub title: String,
    /// What its alerts are about.
    pub scope: Scope,
    /// Why it matters.
    pub why: String,
    /// When it may be wrong.
    pub false_positives: Option<String>,
    /// When its alerts close.
    pub closes: Closing,
    /// Whether it is evaluated at all.
    pub enabled: bool,
    /// Its parameters and captures.
    pub names: Arc<Names>,
    /// The lines it is about; `None` for a rule on facts alone.
    pub matcher: Option<Matcher>,
    /// Its levels, the loudest first.
    pub levels: Vec<Level>,
    /// What it says.
    pub texts: Texts,
    /// Its examples.
    pub examples: Vec<Example>,
}

impl Rule {
    /// What it depends on.
    pub fn reads(&self) -> Reads {
        let facts = self.levels.iter().map(Level::facts);
        Reads {
            facts: facts.fold(FactSet::EMPTY, FactSet::union),
            is_timed: self.levels.iter().any(|level| level.at.is_some()),
        }
    }

    /// Every level whose condition holds and whose moment is known, the loudest first. A level
    /// with an `at` that is not known is left out: the unknown never opens.
    pub fn verdicts<'a>(
        &'a self,
        reading: impl Into<Reading<'a>>,
    ) -> impl Iterator<Item = Verdict> {
        let reading = reading.into();
        let holds = move |level: &&Level| level.when.truth(reading) == Truth::True;
        let verdict = move |level: &Level| {
            let severity = level.severity;
            match &level.at {
                None => Some(Verdict { severity, at: None }),
                Some(moment) => {
                    let at = Some(moment.at(reading)?);
                    Some(Verdict { severity, at })
                }
            }
        };
        self.levels.iter().filter(holds).filter_map(verdict)
    }

    /// Makes the loudest level this loud, and no level louder.
    pub(super) fn set_severity(&mut self, severity: Severity) {
        let loudest = self.levels.first().map(|level| level.severity);
        for level in &mut self.levels {
            let raised = Some(level.severity) == loudest;
            level.severity = if raised {
                severity
            } else {
                level.severity.min(severity)
            };
        }
    }
}
