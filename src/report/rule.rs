//! Rules for people: all of them a line each, and one whole.

use crate::engine::AlertRow;
use crate::rules::{BUILT_IN, Expectation, Rule, RuleSet};

/// A line for each rule.
pub fn list(rules: &RuleSet) -> String {
    let ids = rules.all().iter().map(|rule| rule.id.len());
    let width = ids.max().unwrap_or(0);
    let line = |rule: &Rule| {
        let off = if rule.enabled { "" } else { " (off)" };
        let own = if is_built_in(rule) { "" } else { " (yours)" };
        format!(
            "{:<width$}  {:<24}  {}{off}{own}\n",
            rule.id,
            severities(rule),
            rule.title
        )
    };
    rules.all().iter().map(line).collect()
}

/// From quiet to loud; the configuration may have made several levels alike.
fn severities(rule: &Rule) -> String {
    let levels = rule.levels.iter().rev();
    let mut words: Vec<&str> = levels.map(|level| level.severity.word()).collect();
    words.dedup();
    words.join(", ")
}

fn is_built_in(rule: &Rule) -> bool {
    BUILT_IN.iter().any(|(file, _)| *file == rule.file)
}

/// One rule whole; `told` is what it said on one of its examples.
pub fn show(rule: &Rule, told: Option<&AlertRow>) -> String {
    let mut text = format!("{}: {}\n", rule.id, rule.title);
    text.push_str(&origin(rule));
    text.push_str(&section("Why it matters", &rule.why));
    if let Some(wrong) = &rule.false_positives {
        text.push_str(&section("When it may be wrong", wrong));
    }
    text.push_str(&opening(rule));
    text.push_str(&parameters(rule));
    if let Some(row) = told {
        let said = format!(
            "{}\n{}\n-> {}",
            row.title,
            row.summary,
            row.remedy.replace('\n', "\n   ")
        );
        text.push_str(&section("What it says, by its first example", &said));
    }
    text.push_str("\nExamples\n");
    for example in &rule.examples {
        let what = expected(example.expect);
        text.push_str(&format!("  {what:<16}  {}\n", example.why));
    }
    text
}

fn origin(rule: &Rule) -> String {
    let mut text = String::new();
    if !rule.enabled {
        text.push_str(&format!(
            "  off, unless `enabled = true` stands under [rules.{}] in the configuration\n",
            rule.id
        ));
    }
    if is_built_in(rule) {
        return text;
    }
    let name = format!("{}.toml", rule.id);
    let replaces = BUILT_IN.iter().any(|(file, _)| *file == name);
    let how = if replaces {
        "in place of the built-in rule"
    } else {
        "a rule of yours"
    };
    text + &format!("  {how}: {}\n", rule.file)
}

/// Every line of the content set in.
fn section(title: &str, content: &str) -> String {
    let lines = content.trim().lines().map(|line| format!("  {line}\n"));
    format!("\n{title}\n{}", lines.collect::<String>())
}

fn opening(rule: &Rule) -> String {
    const SET_IN: &str = "            ";
    let mut text = format!("\nIt opens about a {}\n", rule.scope.word());
    for level in rule.levels.iter().rev() {
        let when = level
            .when
            .text()
            .trim()
            .replace('\n', &format!("\n{SET_IN}  "));
        text.push_str(&format!("  {:<8}  when {when}\n", level.severity.word()));
        if let Some(at) = &level.at {
            text.push_str(&format!("{SET_IN}from {} on\n", at.clause().text()));
        }
    }
    text + &format!("\nIt closes {}.\n", rule.closes.explanation())
}

fn parameters(rule: &Rule) -> String {
    let parameters = rule.names.parameters_json();
    let lines = parameters.as_object().into_iter().flatten();
    let lines = lines.map(|(name, value)| format!("  {name} = {value}\n"));
    let lines: String = lines.collect();
    if lines.is_empty() {
        return lines;
    }
    let id = &rule.id;
    format!("\nIts numbers, to be changed under [rules.{id}] in the configuration\n{lines}")
}

fn expected(expect: Expectation) -> String {
    match expect {
        Expectation::Opens(severity) => format!("opens ({severity})"),
        Expectation::Fires(_) => "fires".to_owned(),
        Expectation::Silent => "silent".to_owned(),
        Expectation::Closes => "closes".to_owned(),
    }
}
