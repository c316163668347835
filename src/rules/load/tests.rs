//! A good rule file, and the mistakes of bad ones with their places.

use super::*;
use crate::rules::{Fact, Facts, Verdict};

pub(in crate::rules) const GOOD: &str = r#"id = "few-tries"
title = "Few tries are left"
scope = "certificate"
why = "Each try that fails is one less."
closes = "recovery"

[parameters]
tries = 4
hold = "10m"

[severity.warning]
when = 'cert.failing && cert.tries_left <= param.tries'

[severity.critical]
when = '''
cert.failing
  && cert.failing_for > duration(param.hold)'''
at = 'cert.not_after - duration("24h")'

[message]
title = "{{ name }} has {{ cert.tries_left }} tries left"
summary = "It expires at {{ cert.not_after|utc }}."
remedy = "{{ cause.remedy }}"

[[example]]
why = "Three tries are left."
expect = "opens"
severity = "warning"
lines = ['{"level":"error"}']

[[example]]
why = "Nothing has failed."
expect = "silent"
until = "2026-05-03T00:00:00Z"
lines = ['{"level":"info"}']
"#;

fn problems(text: &str) -> String {
    let mut problems = Problems::default();
    let rule = rule("rules/few-tries.toml", text, &mut problems);
    assert_eq!(rule.is_some(), problems.is_empty());
    problems.to_string()
}

/// The problems of the good rule with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    problems(&GOOD.replacen(from, to, 1)).replace("rules/few-tries.toml:", "")
}

#[test]
fn a_good_file_is_a_rule() {
    let mut problems = Problems::default();
    let rule = rule("few-tries.toml", GOOD, &mut problems).unwrap();
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(rule.levels.len(), 2);
    assert_eq!(rule.levels[0].severity, Severity::Critical);
    let read: Vec<Fact> = rule.reads().facts.iter().collect();
    assert_eq!(
        read,
        [
            Fact::Failing,
            Fact::NotAfter,
            Fact::FailingFor,
            Fact::TriesLeft
        ]
    );
    let facts = Facts::new()
        .with(Fact::Failing, true)
        .with(Fact::FailingFor, chrono::TimeDelta::minutes(11))
        .with(Fact::TriesLeft, 3_i64);
    let warning = Verdict {
        severity: Severity::Warning,
        at: None,
    };
    assert!(rule.verdicts(&facts).eq([warning]));
    let critical = Verdict {
        severity: Severity::Critical,
        at: Some(LogTime::from_seconds(0)),
    };
    let facts = facts.with(Fact::NotAfter, LogTime::from_seconds(86_400));
    assert!(rule.verdicts(&facts).eq([critical, warning]));
}

#[test]
fn conditions_are_shown_at_their_place() {
    assert_eq!(
        with(
            "cert.tries_left <= param.tries",
            "cert.tries_lft <= param.tries"
        ),
        "12:25: error: no fact is called `cert.tries_lft`"
    );
    assert_eq!(
        with("  && cert.failing_for", "  && cert.attempt"),
        "17:6: error: `>` compares a whole number with a length of time"
    );
    assert_eq!(
        with("at = 'cert.not_after", "at = 'now"),
        "18:7: error: `now` does not exist: use `at`"
    );
    assert_eq!(
        with("hold = \"10m\"", "hold = \"10 mins\""),
        "17:34: error: `10 mins` is not a length of time"
    );
}

#[test]
fn templates_are_shown_at_their_place() {
    assert_eq!(
        with("{{ cause.remedy }}", "{{ cause.remdy }}"),
        "23:14: error: nothing is called `cause.remdy`"
    );
}

#[test]
fn a_rule_about_a_source_reads_facts_of_sources_and_closes_when_untrue() {
    let told = with("scope = \"certificate\"", "scope = \"source\"");
    for part in [
        "error: a rule about a source cannot close like this",
        "error: `cert.` is not known in a rule of scope source",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn examples_must_show_both_ways() {
    assert_eq!(
        with("expect = \"silent\"", "expect = \"closes\""),
        "1:1: error: no example shows lines that must not open this rule"
    );
    assert_eq!(
        with("severity = \"warning\"", "severity = \"info\""),
        "28:12: error: this rule has no severity `info`"
    );
    assert_eq!(
        with("severity = \"warning\"\n", ""),
        "25:1: error: `[[example]]` has no `severity`"
    );
    assert_eq!(
        with("2026-05-03T00:00:00Z", "noon"),
        "34:9: error: `noon` is not a time"
    );
}

#[test]
fn keys_are_checked() {
    assert_eq!(
        with("closes = \"recovery\"", "closed = \"recovery\""),
        "1:1: error: this file has no `closes`\n5:1: error: unknown key `closed`"
    );
    assert_eq!(
        with("[severity.critical]", "[severity.criticl]"),
        "14:11: error: unknown key `criticl` in `[severity]`"
    );
    assert_eq!(
        with("id = \"few-tries\"", "id = \"few\""),
        "1:6: error: the rule `few` is in the file of `few-tries`"
    );
}

#[test]
fn all_mistakes_come_in_one_run() {
    let text = GOOD
        .replace("scope = \"certificate\"", "scope = \"cert\"")
        .replace("cert.failing &&", "cert.failng &&")
        .replace("|utc", "|utcc");
    assert_eq!(problems(&text).lines().count(), 3);
}
