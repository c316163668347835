//! `notafter rules`: list, show, explain and test.

use crate::command::arguments::{RulesArguments, RulesVerb};
use crate::command::exit::{Exit, Failed, print};
use crate::command::explain;
use crate::command::loading::{load_rules, load_settings, refused, rule_file};
use crate::engine::example;
use crate::rules::{BUILT_IN, Configured, Expectation, Rule, RuleSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs the verb.
pub(super) fn run(arguments: &RulesArguments) -> Result<Exit, Failed> {
    let load = |directory: Option<&Path>| load_rules(directory, &load_settings(None)?);
    match &arguments.verb {
        RulesVerb::List(rules) => print(&list(&load(rules.directory.as_deref())?))?,
        RulesVerb::Show { id, rules } => {
            let rules = load(rules.directory.as_deref())?;
            let Some(rule) = rules.get(id) else {
                let message = format!(
                    "error: no rule is called `{id}`\nhelp: `notafter rules list` names them all"
                );
                return Err(Failed::new(Exit::Usage, message));
            };
            print(&show(rule))?;
        }
        RulesVerb::Explain { file, rules } => {
            return explain::run(file.as_deref(), load(rules.directory.as_deref())?);
        }
        RulesVerb::Test { files, rules } if files.is_empty() => {
            return test(&Arc::new(load(rules.directory.as_deref())?), |_| true);
        }
        RulesVerb::Test { files, .. } => return test_files(files),
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
    }
}

/// Tests rule files of a user: each replaces the built-in rule of its name, or is added.
fn test_files(files: &[PathBuf]) -> Result<Exit, Failed> {
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|path| rule_file(path))
        .collect::<Result<_, _>>()?;
    let stems: Vec<String> = files
        .iter()
        .filter_map(|path| path.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect();
    let rules = RuleSet::new(BUILT_IN, texts, &Configured::default())
        .map_err(|problems| refused(&problems))?;
    test(&Arc::new(rules), |rule| stems.contains(&rule.id))
}

fn test(rules: &Arc<RuleSet>, wanted: impl Fn(&Rule) -> bool) -> Result<Exit, Failed> {
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for rule in rules.all().iter().filter(|rule| wanted(rule)) {
        for example in &rule.examples {
            match example::run(rules, &rule.id, example) {
                Ok(()) => passed += 1,
                Err(why) => {
                    failed += 1;
                    let wanted = expected(example.expect);
                    print(&format!(
                        "FAILED {}: {}\n  expected: {wanted}\n  but: {why}\n",
                        rule.id, example.why
                    ))?;
                }
            }
        }
    }
    print(&format!("{passed} examples passed, {failed} failed\n"))?;
    Ok(if failed == 0 {
        Exit::Fine
    } else {
        Exit::Findings
    })
}
