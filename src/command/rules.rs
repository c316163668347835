//! `notafter rules`: list, show, explain and test.

use crate::command::arguments::{RulePlace, RulesArguments, RulesVerb};
use crate::command::exit::{Exit, Failed, print};
use crate::command::loading::{load_rules, load_settings};
use crate::command::{explain, rule_tests};
use crate::diagnostic::nearest;
use crate::rules::{Expectation, Rule, RuleSet};

/// Runs the verb.
pub(super) fn run(arguments: &RulesArguments) -> Result<Exit, Failed> {
    let load = |place: &RulePlace| {
        let settings = load_settings(place.config.as_deref())?;
        load_rules(place.directory.as_deref(), &settings)
    };
    match &arguments.verb {
        RulesVerb::List(rules) => print(&list(&load(rules)?))?,
        RulesVerb::Show { id, rules } => {
            let rules = load(rules)?;
            let Some(rule) = rules.get(id) else {
                let near = nearest(id, rules.all().iter().map(|rule| rule.id.as_str()));
                let near = near.map(|near| format!("did you mean `{near}`? "));
                let message = format!(
                    "error: no rule is called `{id}`\nhelp: {}`notafter rules list` names them all",
                    near.unwrap_or_default()
                );
                return Err(Failed::new(Exit::Usage, message));
            };
            print(&show(rule))?;
        }
        RulesVerb::Explain { file, rules } => {
            return explain::run(file.as_deref(), load(rules)?);
        }
        RulesVerb::Test(test) => return rule_tests::run(test),
    }
    Ok(Exit::Fine)
}

fn list(rules: &RuleSet) -> String {
    let width = rules
        .all()
        .iter()
        .map(|rule| rule.id.len())
        .max()
        .unwrap_or(0);
    let line = |rule: &Rule| {
        let off = if rule.enabled { "" } else { " (off)" };
        format!(
            "{:<width$}  {:<24}  {}{off}\n",
            rule.id,
            severities(rule),
            rule.title
        )
    };
    rules.all().iter().map(line).collect()
}

fn severities(rule: &Rule) -> String {
    let words: Vec<&str> = rule
        .levels
        .iter()
        .rev()
        .map(|level| level.severity.word())
        .collect();
    words.join(", ")
}

fn show(rule: &Rule) -> String {
    let mut text = format!("{}: {}\n\n{}\n", rule.id, rule.title, rule.why.trim());
    for level in rule.levels.iter().rev() {
        text.push_str(&format!(
            "\n{} when {}\n",
            level.severity,
            level.when.text()
        ));
        if let Some(at) = &level.at {
            text.push_str(&format!("  from {} on\n", at.clause().text()));
        }
    }
    text.push_str(&format!("closes on {}\n", rule.closes.word()));
    if let Some(wrong) = &rule.false_positives {
        text.push_str(&format!("\nWhen it may be wrong:\n{}\n", wrong.trim()));
    }
    text.push_str("\nExamples:\n");
    for example in &rule.examples {
        text.push_str(&format!(
            "  {}: {}\n",
            expected(example.expect),
            example.why
        ));
    }
    text
}

fn expected(expect: Expectation) -> String {
    match expect {
        Expectation::Opens(severity) => format!("opens ({severity})"),
        Expectation::Silent => "silent".to_owned(),
        Expectation::Closes => "closes".to_owned(),
        Expectation::Fires(_) => "fires".to_owned(),
    }
}
