//! Type errors word for word, Kleene's tables, and that no text makes the parser panic.

use super::*;
use crate::rules::{Captures, Facts, Scope};
use chrono::TimeDelta;
use proptest::prelude::*;

fn names() -> Arc<Names> {
    let parameters = [
        ("tries", Scalar::Integer(4)),
        ("hold", Scalar::Text("570s".to_owned())),
        ("odd", Scalar::Text("6 hous".to_owned())),
    ];
    Arc::new(Names {
        scope: Scope::Certificate,
        parameters: parameters.map(|(name, one)| (name.to_owned(), one)).into(),
        line: ["host".to_owned()].into(),
    })
}

fn condition(text: &str) -> Condition {
    Condition::parse(text, &names()).unwrap()
}

/// The first mistake: the text under the carets, the sentence, the help.
fn mistake(text: &str) -> (String, String, String) {
    let errors = Condition::parse(text, &names()).map(|_| ()).unwrap_err();
    let first = errors.first().unwrap();
    let place = text.get(first.range.clone()).unwrap();
    let help = first.help.clone().unwrap_or_default();
    (place.to_owned(), first.message.clone(), help)
}

#[track_caller]
fn refused(text: &str, place: &str, message: &str, help: &str) {
    let found = mistake(text);
    assert_eq!(
        found,
        (place.to_owned(), message.to_owned(), help.to_owned())
    );
}

#[test]
fn unknown_names_are_refused() {
    refused(
        "cert.not_aftr > cert.next_retry",
        "cert.not_aftr",
        "no fact is called `cert.not_aftr`",
        "did you mean `cert.not_after`?",
    );
    refused(
        "now > cert.not_after",
        "now",
        "`now` does not exist: use `at`",
        "`at = 'cert.due_since + duration(\"24h\")'` opens the alert at that moment",
    );
    refused(
        "failing",
        "failing",
        "nothing is called `failing`",
        "write `cert.failing`",
    );
    refused(
        "cert.tries_left <= param.trise",
        "param.trise",
        "no parameter of this rule is called `param.trise`",
        "did you mean `param.tries`?",
    );
    refused(
        "line.hots == \"a\"",
        "line.hots",
        "no capture of this rule is called `line.hots`",
        "did you mean `line.host`?",
    );
}

#[test]
fn types_are_checked() {
    let none = "";
    refused(
        "cert.failing && cert.attempt",
        "cert.attempt",
        "`cert.attempt` is a whole number, and a truth value is needed",
        none,
    );
    refused(
        "cert.not_after > 5",
        "cert.not_after > 5",
        "`>` compares a time with a whole number",
        none,
    );
    refused(
        "cert.not_after + 60 > cert.next_retry",
        "cert.not_after + 60",
        "`+` does not join a time and a whole number",
        "write lengths as `duration(\"24h\")`",
    );
    refused(
        "cert.not_after",
        "cert.not_after",
        "this gives a time, and a truth value is needed",
        none,
    );
    refused(
        "cert.cause < \"x\"",
        "cert.cause < \"x\"",
        "a text is neither before nor after another",
        none,
    );
    refused(
        "cert.attempt in [1, \"a\"]",
        "\"a\"",
        "`\"a\"` is a text, and a whole number is needed",
        none,
    );
    refused(
        "cert.attempt > 1.5",
        "1.5",
        "`1.5` is not a whole number",
        none,
    );
    refused(
        "cert.failing ? 1 : cert.name",
        "cert.failing ? 1 : cert.name",
        "the two ends of `?:` give a whole number and a text",
        none,
    );
}

#[test]
fn texts_that_mean_something_are_checked() {
    refused(
        "cert.failing_for > duration(\"1d\")",
        "\"1d\"",
        "`1d` is not a length of time",
        "write \"90s\", \"10m\", \"36h\" or \"1h30m\"",
    );
    refused(
        "cert.failing_for > duration(param.odd)",
        "param.odd",
        "`6 hous` is not a length of time",
        "write \"90s\", \"10m\", \"36h\" or \"1h30m\"",
    );
    refused(
        "cert.not_after > timestamp(\"tomorrow\")",
        "\"tomorrow\"",
        "`tomorrow` is not a time",
        "write \"2026-05-03T23:37:59Z\"",
    );
    refused(
        "cert.name.matches(\"(a\")",
        "\"(a\"",
        "this is not a regular expression",
        "unclosed group",
    );
    refused(
        "cert.cause in [\"dns.servfail\", \"dns.nxdoman\"]",
        "\"dns.nxdoman\"",
        "`cert.cause` is never \"dns.nxdoman\"",
        "did you mean \"dns.nxdomain\"?",
    );
    refused(
        "\"stagign\" == cert.issued_by",
        "\"stagign\"",
        "`cert.issued_by` is never \"stagign\"",
        "did you mean \"staging\"?",
    );
}

#[test]
fn what_is_not_in_the_language_is_refused() {
    refused(
        "has(cert.cause)",
        "has(cert.cause)",
        "`has` is not part of conditions",
        "a fact that is not known makes its clause unknown",
    );
    refused(
        "cert.name.startWith(\"a\")",
        "cert.name.startWith(\"a\")",
        "`startWith` is not part of conditions",
        "did you mean `startsWith`?",
    );
    for text in [
        "[1].all(x, x > 0)",
        "{\"a\": 1}.a == 1",
        "cert.name[0] == \"a\"",
        "cert.name == null",
        "size(cert.name) > 1",
        "cert.attempt in []",
        "duration(cert.name) > duration(\"1s\")",
        "cert.a.b",
        "cert.?name",
        "b\"x\" == b\"x\"",
    ] {
        assert!(Condition::parse(text, &names()).is_err(), "{text}");
    }
}

#[test]
fn several_mistakes_are_found_at_once() {
    let text = "cert.atempt > 1 || cert.cause == 3 || nothing";
    let errors = Condition::parse(text, &names()).unwrap_err();
    assert_eq!(errors.len(), 3);
}

#[test]
fn what_is_not_known_neither_opens_nor_hides() {
    let facts = Facts::new()
        .with(Fact::Failing, true)
        .with(Fact::Ended, false);
    let cases = [
        ("cert.failing && cert.attempt > 3", Truth::Unknown),
        ("cert.ended && cert.attempt > 3", Truth::False),
        ("cert.failing || cert.attempt > 3", Truth::True),
        ("cert.ended || cert.attempt > 3", Truth::Unknown),
        ("!(cert.attempt > 3)", Truth::Unknown),
        ("!(cert.ended && cert.attempt > 3)", Truth::True),
        ("!!cert.failing", Truth::True),
        ("cert.attempt > 3 || cert.attempt <= 3", Truth::Unknown),
        (
            "cert.failing && (cert.ended || !cert.gave_up) || cert.failing",
            Truth::True,
        ),
    ];
    for (text, truth) in cases {
        assert_eq!(condition(text).truth(&facts), truth, "{text}");
    }
}

#[test]
fn operators_do_what_they_say() {
    let facts = Facts::new()
        .with(Fact::NotAfter, LogTime::from_seconds(100_000))
        .with(Fact::NextRetry, LogTime::from_seconds(100_000))
        .with(Fact::FailingFor, TimeDelta::seconds(570))
        .with(Fact::TriesLeft, 4_i64)
        .with(Fact::Cause, "dns.servfail")
        .with(Fact::Name, "*.example.com");
    for text in [
        "cert.next_retry >= cert.not_after",
        "cert.next_retry - cert.not_after == duration(\"0s\")",
        "cert.not_after - duration(\"24h\") < cert.next_retry",
        "cert.failing_for >= duration(param.hold)",
        "cert.failing_for + duration(\"30s\") == duration(\"10m\")",
        "cert.tries_left <= param.tries && cert.tries_left * 2 - 1 == 7 && -cert.tries_left == -4",
        "cert.cause in [\"dns.timeout\", \"dns.servfail\"] && !(cert.cause in [\"crash\"])",
        "cert.cause.startsWith(\"dns.\") && cert.cause.endsWith(\"fail\")",
        "cert.name.matches('(x)?(x)?(x)?(x)?(x)?(x)?(x)?(x)?(x)?(x)?')",
        "cert.name.contains(\"example\") && cert.name.matches(\"^[*][.]\")",
        "cert.not_after == timestamp(\"1970-01-02T03:46:40Z\")",
        "(cert.tries_left > 3 ? cert.next_retry : cert.not_after) == cert.not_after",
    ] {
        assert_eq!(condition(text).truth(&facts), Truth::True, "{text}");
    }
}

#[test]
fn arithmetic_out_of_range_is_unknown() {
    let facts = Facts::new().with(Fact::Attempt, i64::MAX);
    assert_eq!(
        condition("cert.attempt + 1 > 0").truth(&facts),
        Truth::Unknown
    );
    assert_eq!(
        condition("cert.attempt / 0 > 0").truth(&facts),
        Truth::Unknown
    );
}

#[test]
fn clauses_say_what_they_need() {
    let condition = condition("cert.failing && (cert.attempt > 3 || line.host == cert.name)");
    let facts = Facts::new().with(Fact::Failing, true).with(Fact::Name, "a");
    let told: Vec<(&str, Truth, Vec<String>)> = condition
        .clauses()
        .into_iter()
        .map(|one| (one.text(), one.truth(&facts), one.unknown(&facts)))
        .collect();
    assert_eq!(
        told,
        [
            ("cert.failing", Truth::True, vec![]),
            (
                "cert.attempt > 3",
                Truth::Unknown,
                vec!["cert.attempt".to_owned()]
            ),
            (
                "line.host == cert.name",
                Truth::Unknown,
                vec!["line.host".to_owned()]
            ),
        ]
    );
    let facts_read: Vec<Fact> = condition.facts().iter().collect();
    assert_eq!(facts_read, [Fact::Name, Fact::Failing, Fact::Attempt]);
}

#[test]
fn a_capture_is_read_from_the_line() {
    let mut line = Captures::default();
    line.keep("host", Some("a"));
    let facts = Facts::new();
    let reading = Reading {
        facts: &facts,
        line: Some(&line),
    };
    assert_eq!(condition("line.host == \"a\"").truth(reading), Truth::True);
    assert_eq!(
        condition("line.host == \"a\"").truth(&facts),
        Truth::Unknown
    );
}

#[test]
fn a_moment_is_known_or_not() {
    let moment = Moment::parse("cert.due_since + duration(\"24h\")", &names()).unwrap();
    assert_eq!(moment.at(&Facts::new()), None);
    let facts = Facts::new().with(Fact::DueSince, LogTime::from_micros(5));
    assert_eq!(
        moment.at(&facts),
        Some(LogTime::from_micros(86_400_000_005))
    );
    let errors = Moment::parse("cert.failing", &names()).unwrap_err();
    assert_eq!(
        errors[0].message,
        "this gives a truth value, and a time is needed"
    );
}

#[test]
fn depth_is_bounded() {
    for text in [
        "(".repeat(2_000),
        "!".repeat(2_000),
        format!("{}cert.failing{}", "(".repeat(900), ")".repeat(900)),
        format!("cert.attempt > 0{}", " + 1".repeat(500)),
        format!("cert.failing{}", " || true".repeat(250)),
        "[".repeat(2_000),
        format!("\"{}{}", "(".repeat(60), ")".repeat(60)),
        format!("r\"\\\" {}1{}\"", "(".repeat(60), ")".repeat(60)),
        "a.".repeat(1_000),
        format!("{}1{}", "(true ? true : ".repeat(8), ")".repeat(8)),
        format!(
            "{}{}1{}",
            "!f(![".repeat(4),
            "true ? 1 : ".repeat(100),
            "])".repeat(4)
        ),
        format!("{}1{}", "{1:f(-".repeat(4), ")}".repeat(4)),
        format!("{}cert.failing{}", "(".repeat(8), ")".repeat(8)),
        format!("{}1{}", "duration(".repeat(8), ")".repeat(8)),
        format!("{} true", "true ? true :".repeat(150)),
    ] {
        drop(Condition::parse(&text, &names()));
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        drop(Condition::parse(&text, &names()));
        drop(Moment::parse(&text, &names()));
    }

    #[test]
    fn no_sequence_of_words_makes_it_panic(words in prop::collection::vec(prop::sample::select(vec![
        "cert.", "failing", "attempt", "not_after", "param.", "tries", "line.host", "&&", "||", "!",
        "==", "<=", "+", "-", "in", "[", "]", "(", ")", ",", "\"a\"", "'", "\"", "duration(", "1",
        "timestamp(", ".matches(", "?", ":", "{", "}", "has(", ".all(", "x", "é", "9223372036854775808",
        "-9223372036854775808", "0x", "1e", "\\", "\n", "//", "null", "true", "0", "/", "%", "`", "r\"", "b'\\xff'", "'''", ".",
    ]), 0..14), glue in prop::sample::select(vec!["", " "])) {
        let text = words.join(glue);
        if let Ok(condition) = Condition::parse(&text, &names()) {
            condition.truth(&Facts::new().with(Fact::Attempt, 1_i64).with(Fact::Failing, true));
        }
    }
}
