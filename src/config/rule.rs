//! `[rules.ID]`: what is changed about one rule.
//!
//! Which rules exist and which parameters they take is known to `rules`; ids and parameters keep
//! their places so that it can report what it does not know.

use crate::document::{Scalar, Spanned, Table};
use crate::rules::{Changes, Severity};
use std::collections::BTreeMap;
use std::ops::Range;

/// What is changed about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSettings {
    /// Where the rule's id stands.
    pub id_span: Range<usize>,
    /// On or off; `None` leaves it to the rule.
    pub enabled: Option<bool>,
    /// How loud it is; `None` leaves it to the rule.
    pub severity: Option<Spanned<Severity>>,
    /// Its parameters, by name.
    pub parameters: BTreeMap<String, Parameter>,
}

/// A value for a rule's parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Where the parameter's name stands.
    pub name_span: Range<usize>,
    /// The value.
    pub value: Spanned<Scalar>,
}

impl RuleSettings {
    pub(super) fn changes(&self) -> Changes {
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, parameter)| {
            let place = parameter.name_span.clone();
            (name.clone(), (place, parameter.value.clone()))
        });
        Changes {
            id_span: self.id_span.clone(),
            enabled: self.enabled,
            severity: self.severity.as_ref().map(|severity| severity.value),
            parameters: parameters.collect(),
        }
    }
}

/// Reads one `[rules.ID]`.
pub(super) fn read(table: &Table<'_>, id: &Spanned<String>) -> RuleSettings {
    let words = Severity::ALL.map(Severity::word);
    let enabled = table.boolean("enabled").map(|enabled| enabled.value);
    let severity = table
        .one_of("severity", &words)
        .and_then(|word| Some(Spanned::new(Severity::from_word(word.value)?, word.span)));
    let parameters = table.rest().into_iter().filter_map(|name| {
        let value = table.scalar(&name.value)?;
        let name_span = name.span;
        Some((name.value, Parameter { name_span, value }))
    });
    RuleSettings {
        id_span: id.span.clone(),
        enabled,
        severity,
        parameters: parameters.collect(),
    }
}
