//! Built-in rules, the files that override them and the configuration into the rules in force.

use super::fact::{Facts, Scope};
use super::index::Index;
use super::load::{Parameters, RuleFile, rule_with, stem};
use super::matcher::LineFields;
use super::rule::{Reads, Rule};
use super::scope::{Captures, scalar_kind};
use super::severity::Severity;
use crate::diagnostic::{Diagnostic, Problems, Source};
use crate::document::{Scalar, Spanned, parse_length};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a configuration changes about rules, by the rule's id.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The configuration, for messages about it.
    pub source: Source,
    /// What is changed, by the rule's id.
    pub rules: BTreeMap<String, Changes>,
}

impl Default for Configured {
    fn default() -> Self {
        Self {
            source: Source::new("the configuration", ""),
            rules: BTreeMap::new(),
        }
    }
}

/// What is changed about one rule.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Where the rule's id stands.
    pub id_span: Range<usize>,
    /// On or off; `None` leaves it to the rule.
    pub enabled: Option<bool>,
    /// How loud the rule's loudest level is; quieter levels are never louder than that.
    pub severity: Option<Severity>,
    /// Its parameters by name, each with the place of the name.
    pub parameters: BTreeMap<String, (Range<usize>, Spanned<Scalar>)>,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// Sorted by id.
    rules: Vec<Rule>,
    index: Index,
}

impl RuleSet {
    /// Reads every rule, each a name and a text; see [`Self::of_files`].
    pub fn new(
        built_in: &[(&str, &str)],
        overrides: Vec<(String, String)>,
        configured: &Configured,
    ) -> Result<Self, Problems> {
        let read = |(name, text): &(&str, &str)| RuleFile::read(name, text);
        let built_in = built_in.iter().map(read).collect();
        let read = |(name, text): (String, String)| RuleFile::read(&name, &text);
        Self::of_files(
            built_in,
            overrides.into_iter().map(read).collect(),
            configured,
        )
    }

    /// The rules of files. One among `overrides` replaces the built-in rule of its file name, or adds
    /// one. Every mistake of every file is reported.
    pub fn of_files(
        built_in: Vec<RuleFile>,
        overrides: Vec<RuleFile>,
        configured: &Configured,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let keyed = |file: RuleFile| (stem(&file.name).to_owned(), file);
        let mut files: BTreeMap<String, RuleFile> = built_in.into_iter().map(keyed).collect();
        let mut added: BTreeMap<String, String> = BTreeMap::new();
        for file in overrides {
            let (key, name) = (stem(&file.name).to_owned(), file.name.clone());
            if let Some(first) = added.insert(key.clone(), name.clone()) {
                let title = format!("two files hold the rule `{key}`: {first} and {name}");
                let place = Source::new(&name, file.text.clone());
                problems.note(
                    Diagnostic::error(&place, title)
                        .at(0..0, "")
                        .help("keep one"),
                );
            }
            files.insert(key, file);
        }
        for (id, changes) in &configured.rules {
            if !files.contains_key(id) {
                let error =
                    Diagnostic::error(&configured.source, format!("no rule is called `{id}`"));
                let error = error.at(changes.id_span.clone(), "not a rule");
                problems.note(error.help_nearest(id, files.keys().map(String::as_str)));
            }
        }
        let mut rules = Vec::new();
        for (key, file) in files {
            let changes = configured.rules.get(&key);
            rules.extend(one(file, changes, configured, &mut problems));
        }
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(Self::of(rules))
    }

    fn of(mut rules: Vec<Rule>) -> Self {
        rules.sort_by(|one, other| one.id.cmp(&other.id));
        let index = Index::new(&rules);
        Self { rules, index }
    }

    /// Every rule, also those that are off, by id.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        let place = self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id));
        place.ok().and_then(|place| self.rules.get(place))
    }

    /// This rule alone, switched on, to try it: what others open must make no difference.
    #[must_use]
    pub fn alone(&self, id: &str) -> Self {
        let mut rules: Vec<Rule> = self.get(id).cloned().into_iter().collect();
        for rule in &mut rules {
            rule.enabled = true;
        }
        Self::of(rules)
    }

    /// The rules on facts alone that these facts may open, of those whose reads are wanted: all that hold
    /// are among them.
    pub fn rules_on(
        &self,
        scope: Scope,
        facts: &Facts,
        wanted: impl Fn(Reads) -> bool,
    ) -> impl Iterator<Item = &Rule> {
        self.at(self.index.on(scope, facts, wanted))
    }

    /// The rules whose matcher takes a line, each with what it takes.
    pub fn rules_matching(&self, line: &dyn LineFields) -> impl Iterator<Item = (&Rule, Captures)> {
        let found = self.at(self.index.matching(line));
        found.filter_map(move |rule| Some((rule, rule.matcher.as_ref()?.matches(line)?)))
    }

    fn at(&self, places: Vec<usize>) -> impl Iterator<Item = &Rule> {
        places.into_iter().filter_map(|place| self.rules.get(place))
    }
}

/// One rule with what the configuration changes about it.
fn one(
    file: RuleFile,
    changes: Option<&Changes>,
    configured: &Configured,
    problems: &mut Problems,
) -> Option<Rule> {
    problems.extend(file.problems);
    let mut rule = file.rule?;
    let Some(changes) = changes else {
        return Some(rule);
    };
    let mut values = Parameters::new();
    for (parameter, (name_span, value)) in &changes.parameters {
        let refuse = |title: String, span: &Range<usize>, label: String| {
            Diagnostic::error(&configured.source, title).at(span.clone(), label)
        };
        let Some(own) = rule.names.parameters.get(parameter) else {
            let title = format!("the rule `{}` has no parameter `{parameter}`", rule.id);
            let error = refuse(title, name_span, "not a parameter of the rule".to_owned());
            let known = rule.names.parameters.keys().map(String::as_str);
            problems.note(error.help_nearest(parameter, known.chain(["enabled", "severity"])));
            continue;
        };
        if scalar_kind(own) != scalar_kind(&value.value) {
            let title = format!("`{parameter}` has a value of the wrong kind");
            let label = format!("expected {}", scalar_kind(own));
            problems.note(refuse(title, &value.span, label));
            continue;
        }
        if is_negative(&value.value) && !is_negative(own) {
            let title = format!("`{parameter}` is less than nothing");
            problems.note(refuse(title, &value.span, "expected 0 or more".to_owned()));
            continue;
        }
        values.insert(parameter.clone(), value.value.clone());
        // A text may be read as a length of time or a regex, which only the conditions know.
        let mut found = Problems::default();
        if let Some(other) = rule_with(&file.name, &file.text, &values, &mut found) {
            rule = other;
            continue;
        }
        values.remove(parameter);
        let title = found.iter().next().map(|first| first.title().to_owned());
        let title = title.unwrap_or_else(|| format!("`{parameter}` does not fit"));
        let label = format!("the rule `{}` cannot use this", rule.id);
        problems.note(refuse(title, &value.span, label));
    }
    rule.enabled = changes.enabled.unwrap_or(rule.enabled);
    if let Some(severity) = changes.severity {
        rule.set_severity(severity);
    }
    Some(rule)
}

/// Whether a count or a length of time is below zero, which only a rule that is made so can use.
fn is_negative(value: &Scalar) -> bool {
    match value {
        Scalar::Integer(count) => *count < 0,
        Scalar::Text(text) => {
            let rest = text.trim_start().strip_prefix('-');
            rest.is_some_and(|rest| parse_length(rest).is_some())
        }
        Scalar::Boolean(_) => false,
    }
}

#[cfg(test)]
mod tests;
