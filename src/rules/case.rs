//! Test files of users, `*.test.toml`: lines, and what rules must have made of them at given moments.
//!
//! A rule's own examples are the same with a single moment, the end: [`Example::case`].

use super::fact::Scope;
use super::load::{filled, moment, word};
use super::rule::{Example, Expectation};
use super::set::RuleSet;
use super::severity::Severity;
use crate::diagnostic::Problems;
use crate::document::{Document, Spanned, Table};
use crate::time::LogTime;
use std::ops::Range;

/// How the file of tests is told from one of a rule.
pub const TEST_FILE: &str = ".test.toml";

/// What an alert must be at a moment, as test files spell it.
pub(super) const EXPECTED: [&str; 3] = ["fires", "silent", "closes"];

/// Lines, and what must have come of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is tried, for a person.
    pub name: String,
    /// The log lines, with their places in the file.
    pub given: Vec<Spanned<String>>,
    /// From here on the log cannot be read.
    pub lost: Option<LogTime>,
    /// From here on it can be read again.
    pub found: Option<LogTime>,
    /// What is looked at, and when.
    pub checks: Vec<Check>,
}

/// What a rule must have made of the lines at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// When; `None` is after the last line.
    pub at: Option<LogTime>,
    /// The rule.
    pub rule: String,
    /// Only its alerts about this certificate.
    pub certificate: Option<String>,
    /// What must be.
    pub expect: Expectation,
    /// Where that stands.
    pub span: Range<usize>,
}

impl Example {
    /// The example as a test of the rule.
    pub fn case(&self, rule: &str) -> Case {
        Case {
            name: self.why.clone(),
            given: self.lines.clone(),
            lost: self.lost,
            found: self.found,
            checks: vec![Check {
                at: self.until,
                rule: rule.to_owned(),
                certificate: self.certificate.clone(),
                expect: self.expect,
                span: self.expect_span.clone(),
            }],
        }
    }
}

/// Reads a test file about these rules; its mistakes go into `problems`.
pub fn cases(name: &str, text: &str, rules: &RuleSet, problems: &mut Problems) -> Vec<Case> {
    let document = match Document::parse(name, text) {
        Ok(document) => document,
        Err(found) => {
            problems.extend(found);
            return Vec::new();
        }
    };
    let root = document.root();
    let cases = root
        .required_tables("test")
        .iter()
        .filter_map(|table| case(table, rules))
        .collect();
    root.finish();
    problems.extend(document.take_problems());
    cases
}

fn case(table: &Table<'_>, rules: &RuleSet) -> Option<Case> {
    let name = filled(table, "name");
    let whole = Whole {
        rule: table.text("rule"),
        certificate: table.text("certificate").map(|name| name.value),
        rules,
    };
    table.require("given");
    let given = table.texts("given");
    let [lost, found] = ["lost", "found"].map(|key| moment(table, key));
    let checks: Vec<_> = table
        .required_tables("check")
        .iter()
        .filter_map(|check| whole.check(check))
        .collect();
    table.finish();
    Some(Case {
        name: name?,
        given,
        lost: lost.ok()?,
        found: found.ok()?,
        checks,
    })
}

/// What a test says for all of its checks.
struct Whole<'a> {
    rule: Option<Spanned<String>>,
    certificate: Option<String>,
    rules: &'a RuleSet,
}

impl Whole<'_> {
    fn check(&self, table: &Table<'_>) -> Option<Check> {
        let at = moment(table, "at");
        let own = table.text("rule");
        if own.is_none() && self.rule.is_none() {
            table.require("rule");
        }
        let rule = own.or_else(|| self.rule.clone());
        let known = rule.filter(|rule| self.known(table, rule));
        let certificate = self.certificate_of(table, known.as_ref());
        let span = table.text("expect").map(|text| text.span);
        let expected = word(table, "expect", EXPECTED, |word| word);
        let severity = table.one_of("severity", &Severity::ALL.map(Severity::word));
        table.finish();
        let expect = match (expected?, severity) {
            ("fires", severity) => {
                Expectation::Fires(severity.and_then(|word| Severity::from_word(word.value)))
            }
            (_, Some(word)) => {
                let error = table.error("only `expect = \"fires\"` takes a `severity`");
                table.note(error.at(word.span, "remove this"));
                return None;
            }
            ("silent", None) => Expectation::Silent,
            _ => Expectation::Closes,
        };
        Some(Check {
            at: at.ok()?,
            rule: known?.value,
            certificate,
            expect,
            span: span?,
        })
    }

    /// The certificate that a check is about: none where its rule is about the source.
    fn certificate_of(&self, table: &Table<'_>, rule: Option<&Spanned<String>>) -> Option<String> {
        let own = table.text("certificate");
        let rule = rule.and_then(|rule| self.rules.get(&rule.value));
        if rule.is_none_or(|rule| rule.scope == Scope::Certificate) {
            return own
                .map(|name| name.value)
                .or_else(|| self.certificate.clone());
        }
        if let Some(own) = own {
            let error = table.error("this rule is about the source, not about a certificate");
            table.note(error.at(own.span, "remove this"));
        }
        None
    }

    /// Whether there is such a rule; if not, it has been noted.
    fn known(&self, table: &Table<'_>, rule: &Spanned<String>) -> bool {
        let known = self.rules.get(&rule.value).is_some();
        if !known {
            let all = self.rules.all().iter().map(|rule| rule.id.as_str());
            let error = table.error(format!("no rule is called `{}`", rule.value));
            let error = error.at(rule.span.clone(), "not a rule");
            table.note(error.help_nearest(&rule.value, all));
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{BUILT_IN, Configured};

    fn read(text: &str) -> (Vec<Case>, String) {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default()).unwrap();
        let mut problems = Problems::default();
        let cases = cases("a.test.toml", text, &rules, &mut problems);
        (cases, problems.to_string())
    }

    #[test]
    fn a_test_lends_its_rule_and_certificate_to_its_checks() {
        let text = "[[test]]\nname = 'n'\nrule = 'expired'\ncertificate = 'a.example.com'\n\
                    given = ['x']\n[[test.check]]\nat = '2026-05-01T00:00:00Z'\nexpect = 'fires'\n\
                    severity = 'critical'\n[[test.check]]\nrule = 'last-tries'\nexpect = 'silent'\n";
        let (cases, problems) = read(text);
        assert_eq!(problems, "");
        let checks = &cases[0].checks;
        let said = |check: &Check| (check.rule.clone(), check.expect, check.at.is_some());
        let fires = Expectation::Fires(Some(Severity::Critical));
        assert_eq!(said(&checks[0]), ("expired".to_owned(), fires, true));
        let silent = Expectation::Silent;
        assert_eq!(said(&checks[1]), ("last-tries".to_owned(), silent, false));
        assert_eq!(checks[1].certificate.as_deref(), Some("a.example.com"));
    }

    #[test]
    fn a_rule_about_the_source_is_checked_without_the_certificate_of_the_test() {
        let text = "[[test]]\nname = 'n'\ncertificate = 'a.example.com'\ngiven = ['x']\n\
                    lost = '2026-05-01T00:00:00Z'\n[[test.check]]\nrule = 'source-lost'\n\
                    expect = 'fires'\n";
        let (cases, problems) = read(text);
        assert_eq!(
            (cases[0].checks[0].certificate.clone(), problems),
            (None, String::new())
        );
        let own = format!("{text}certificate = 'b.example.com'\n");
        assert_eq!(
            read(&own).1,
            "a.test.toml:9:15: error: this rule is about the source, not about a certificate"
        );
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let text = "[[test]]\nname = ''\ngiven = 7\nlots = 1\n[[test.check]]\nat = 'noon'\n\
                    rule = 'last-trys'\nexpect = 'opens'\n[[test.check]]\nexpect = 'silent'\n\
                    severity = 'info'\n";
        assert_eq!(
            read(text).1,
            "a.test.toml:2:8: error: `name` is empty\n\
             a.test.toml:3:9: error: `given` has a value of the wrong kind\n\
             a.test.toml:4:1: error: unknown key `lots` in `[[test]]`\n\
             a.test.toml:6:6: error: `noon` is not a time\n\
             a.test.toml:7:8: error: no rule is called `last-trys`\n\
             a.test.toml:8:10: error: `opens` is not a value of `expect`\n\
             a.test.toml:9:1: error: `[[test.check]]` has no `rule`\n\
             a.test.toml:11:12: error: only `expect = \"fires\"` takes a `severity`"
        );
        assert_eq!(
            read("").1,
            "a.test.toml:1:1: error: this file has no `test`"
        );
    }
}
