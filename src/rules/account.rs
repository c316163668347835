//! Why a condition held or did not: its parts with what they read.

use super::condition::{Clause, Truth};
use super::fact::Fact;
use super::scope::Reading;

/// A condition, judged part by part. A negation is pushed into the parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Account {
    /// Each of them must hold.
    All(Vec<Self>),
    /// One of them must hold.
    Any(Vec<Self>),
    /// A part that is judged as a whole.
    Part(Part),
}

/// One part of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// As the rule's author wrote it; `not (...)` around what a negation covers.
    pub text: String,
    /// Whether it holds.
    pub truth: Truth,
    /// What it reads and is known, each as it is written in it, with its value for a person.
    pub values: Vec<(String, String)>,
    /// The facts it reads that are not known.
    pub unknown: Vec<Fact>,
    /// What else it reads that is not known, as it is written in it.
    pub missing: Vec<String>,
}

impl Account {
    /// Whether the condition holds.
    pub fn truth(&self) -> Truth {
        match self {
            Self::All(parts) => {
                let parts = parts.iter().map(Self::truth);
                parts.fold(Truth::True, Truth::and)
            }
            Self::Any(parts) => {
                let parts = parts.iter().map(|part| part.truth().not());
                parts.fold(Truth::True, Truth::and).not()
            }
            Self::Part(part) => part.truth,
        }
    }

    /// The parts that keep it from holding: those that do not hold, or else those that are unknown.
    pub fn blockers(&self) -> Vec<&Part> {
        let truth = self.truth();
        match self {
            _ if truth == Truth::True => Vec::new(),
            Self::Part(part) => vec![part],
            Self::All(parts) | Self::Any(parts) => {
                let blocking = parts.iter().filter(|part| part.truth() == truth);
                blocking.flat_map(Self::blockers).collect()
            }
        }
    }
}

impl Part {
    pub(super) fn new(clause: &Clause, reading: Reading<'_>, negated: bool) -> Self {
        let truth = clause.truth(reading);
        let known = clause.facts().iter().filter_map(|fact| {
            let value = reading.facts.get(fact)?;
            Some((fact.to_string(), value.to_string()))
        });
        let facts = clause.facts().without(reading.facts.known());
        Self {
            text: if negated {
                format!("not ({})", clause.text())
            } else {
                clause.text().to_owned()
            },
            truth: if negated { truth.not() } else { truth },
            values: known.chain(clause.parameters()).collect(),
            unknown: facts.iter().collect(),
            missing: clause
                .unknown(reading)
                .into_iter()
                .filter(|name| name.starts_with("line."))
                .collect(),
        }
    }
}
