//! What else than facts a rule may name: its parameters, and what its matcher takes from a line.

use super::fact::{FactType, Facts, Scope};
use crate::document::Scalar;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The names one rule may use beside the facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// What the rule's alerts are about: its facts are the ones that may be named.
    pub scope: Scope,
    /// `param.NAME`, with the value in force.
    pub parameters: BTreeMap<String, Scalar>,
    /// `line.NAME`: what the rule's matcher takes from a line; empty without a matcher.
    pub line: BTreeSet<String>,
}

impl Names {
    /// For templates: every parameter by name.
    pub fn parameters_json(&self) -> Json {
        let pair = |(name, value): (&String, &Scalar)| (name.clone(), scalar_json(value));
        Json::Object(self.parameters.iter().map(pair).collect())
    }
}

/// The type a parameter has in a condition.
pub(super) const fn scalar_kind(value: &Scalar) -> FactType {
    match value {
        Scalar::Text(_) => FactType::Text,
        Scalar::Integer(_) => FactType::Int,
        Scalar::Boolean(_) => FactType::Bool,
    }
}

fn scalar_json(value: &Scalar) -> Json {
    match value {
        Scalar::Text(text) => Json::from(text.as_str()),
        Scalar::Integer(number) => Json::from(*number),
        Scalar::Boolean(truth) => Json::from(*truth),
    }
}

/// What a matcher took from a line: every name it can give, `None` where this line lacks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures(BTreeMap<String, Option<String>>);

impl Captures {
    /// The text taken under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Keeps a text under a name.
    pub(super) fn keep(&mut self, name: &str, text: Option<&str>) {
        self.0.insert(name.to_owned(), text.map(str::to_owned));
    }

    /// Each name with its text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let pairs = self.0.iter();
        pairs.map(|(name, text)| (name.as_str(), text.as_deref()))
    }

    /// For templates. Every text passes through `neutral`, because strangers write log lines.
    pub fn to_json(&self, neutral: impl Fn(&str) -> String) -> Json {
        let pairs = self.iter().map(|(name, text)| {
            let text = text.map_or(Json::Null, |text| Json::from(neutral(text)));
            (name.to_owned(), text)
        });
        Json::Object(pairs.collect())
    }
}

/// What a condition is evaluated on.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// What is known of the certificate.
    pub facts: &'a Facts,
    /// What the rule's matcher took from the line; `None` for a rule without one.
    pub line: Option<&'a Captures>,
}

impl<'a> From<&'a Facts> for Reading<'a> {
    fn from(facts: &'a Facts) -> Self {
        Self { facts, line: None }
    }
}
