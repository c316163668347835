//! What else than facts a rule's conditions and texts may name: parameters and captures of a line.

use super::fact::{FactType, Facts};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The value of a rule's parameter, in the rule file or in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text; `duration(param.NAME)` reads one as a length of time.
    Text(String),
}

impl Parameter {
    /// Its type in a condition.
    pub const fn kind(&self) -> FactType {
        match self {
            Self::Bool(_) => FactType::Bool,
            Self::Int(_) => FactType::Int,
            Self::Text(_) => FactType::Text,
        }
    }

    /// For templates.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => Json::from(*value),
            Self::Int(value) => Json::from(*value),
            Self::Text(value) => Json::from(value.as_str()),
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) => write!(f, "\"{value}\""),
        }
    }
}

/// The names of one rule beside the facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `param.NAME`, with the value in force.
    pub parameters: BTreeMap<String, Parameter>,
    /// `line.NAME`: what the rule's matcher takes from a line; empty without a matcher.
    pub line: BTreeSet<String>,
}

impl Names {
    /// For templates: every parameter by name.
    pub fn parameters_json(&self) -> Json {
        let pairs = self.parameters.iter();
        Json::Object(pairs.map(|(name, one)| (name.clone(), one.to_json())).collect())
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

    /// Keeps a text under a name; a text already there stays.
    pub(super) fn keep(&mut self, name: &str, text: Option<&str>) {
        let slot = self.0.entry(name.to_owned()).or_default();
        if slot.is_none() {
            *slot = text.map(str::to_owned);
        }
    }

    /// Each name with its text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_deref()))
    }

    /// For templates, with every text passed through `neutral`, because a line is written by
    /// strangers.
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
    /// The facts of the certificate.
    pub facts: &'a Facts,
    /// What the rule's matcher took from the line; `None` for a rule without one.
    pub line: Option<&'a Captures>,
}

impl<'a> From<&'a Facts> for Reading<'a> {
    fn from(facts: &'a Facts) -> Self {
        Self { facts, line: None }
    }
}
