//! What falls due, and when.

use super::story::{Story, at};
use notafter::engine::message::Reason;
use serde_json::json;

const A: &str = "a.example.com";
const B: &str = "b.example.com";
const DAY: f64 = 86_400.0;

#[test]
fn expiry_is_told_also_when_the_name_is_listed_after_its_expiry_was_heard() {
    let mut story = Story::new();
    story
        .replaced(0.0, A, 1_000.0)
        .managing(1.0, &[A])
        .tick(2_000.0);
    assert_eq!(story.opened(A), ["expired"]);
}

#[test]
fn a_restart_that_lists_nothing_arms_nothing() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).replaced(1.0, A, 10_000.0);
    story.started(100.0).tick(20_000.0);
    assert!(story.opened(A).is_empty(), "{:?}", story.opened(A));
}

#[test]
fn time_fires_what_is_due_even_when_the_log_was_ahead_once() {
    let mut story = Story::new();
    story
        .managing(0.0, &[A])
        .log(3.0 * DAY, "http", "load complete", json!({}));
    story.replaced(10.0, A, DAY);
    assert!(story.opened(A).is_empty(), "a day is left");
    story.tick(DAY + 1.0);
    assert_eq!(story.opened(A), ["expired"]);
    assert_eq!(story.rows.first().and_then(|row| row.at), Some(at(DAY)));
}

#[test]
fn the_first_line_after_a_long_gap_is_judged_at_its_own_time() {
    let mut story = Story::new();
    story.renewing(0.0, B, 90.0 * DAY);
    let gap = 60.0 * DAY;
    let error = format!("[{A}] Renew: connection refused");
    story.will_retry(gap, &error, 1, 60);
    story.will_retry(gap + 63.0, &error, 2, 120);
    let rows = story
        .rows
        .iter()
        .filter(|row| row.certificate.as_deref() == Some(A));
    let times: Vec<_> = rows.filter_map(|row| row.at).collect();
    assert_eq!(times, [at(gap)], "one quiet alert, dated right");
    assert_eq!(story.row(A).failing_since, Some(at(gap)));
}

#[test]
fn a_line_far_ahead_that_nothing_confirms_moves_nothing() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).replaced(1.0, A, 20.0 * DAY);
    story.log(60.0 * DAY, "http", "load complete", json!({}));
    story.log(10.0, "http", "load complete", json!({}));
    assert!(story.opened(A).is_empty(), "{:?}", story.opened(A));
}

#[test]
fn changed_rules_are_judged_at_once() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).replaced(1.0, A, 1_000.0);
    let rules = notafter::rules::RuleSet::new(
        notafter::rules::BUILT_IN,
        Vec::new(),
        &notafter::rules::Configured::default(),
    );
    let rules = std::sync::Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
    let rows = story.engine.take_rows();
    let stored: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            Some((
                row.kind,
                row.key.as_str(),
                row.value
                    .as_deref()?
                    .replace("\"wake\":1790001000000000", "\"wake\":null"),
            ))
        })
        .collect();
    let stored = stored
        .iter()
        .map(|(kind, key, value)| (*kind, *key, value.as_str()));
    let mut engine = notafter::engine::Engine::restore(std::sync::Arc::clone(&rules), stored);
    assert_eq!(
        engine.deadline("caddy"),
        None,
        "the rule was off when the state was written"
    );
    engine.set_rules(rules, &mut Vec::new());
    assert_eq!(engine.deadline("caddy"), Some(at(1_000.0)));
}

#[test]
fn an_attempt_that_hangs_is_told_also_while_ticks_go_on() {
    let mut story = Story::new();
    story
        .started(0.0)
        .managing(1.0, &[A])
        .maintenance(600.0, A, 30.0 * DAY);
    for tick in 2..14 {
        let after = 600.0 * f64::from(tick);
        let fields = json!({"identifiers": [A], "remaining": 30.0 * DAY + 600.0 - after});
        let msg = "certificate expires soon; queuing for renewal";
        story.log(after, "tls.cache.maintenance", msg, fields);
    }
    assert!(story.opened(A).is_empty(), "{:?}", story.opened(A));
    story.tick(600.1 + 7_200.0);
    assert_eq!(story.opened(A), ["renewal-stuck"]);
}

/// A machine whose clock is years behind for one line.
#[test]
fn a_line_from_long_ago_brings_no_years_of_reminders() {
    let mut story = Story::new();
    story
        .started(0.0)
        .managing(0.1, &[A])
        .renewing(1.0, A, 90.0);
    story.will_retry(5.0, &format!("[{A}] Renew: x"), 1, 21_600);
    let error = format!(
        "{A}: renewing certificate: [{A}] Renew: HTTP 403 urn:ietf:params:acme:error:caa - no"
    );
    story.job_failed(-21.0 * 365.0 * DAY, &error);
    story.renewing(10.0, A, 81.0);
    let repeated = story
        .rows
        .iter()
        .filter(|row| row.reason == Reason::Repeated);
    assert_eq!(repeated.count(), 0);
}

/// Caddy stores when the CA wants it renewed; it expires so many days after the start.
fn advised(story: &mut Story, after: f64, selected_days: f64, expires_days: f64) {
    let expires = super::story::T + expires_days * DAY;
    let selected = super::story::T + selected_days * DAY;
    let fields = json!({"identifiers": [A], "cert_expiry": expires, "selected_time": selected});
    let msg = "updated and stored ACME renewal information";
    story.log(after, "tls.cache.maintenance", msg, fields);
}

#[test]
fn a_name_that_caddy_never_calls_due_rings_by_the_advice_of_its_ca() {
    let mut story = Story::new();
    story.managing(0.0, &[A]);
    for hours in 0..3 {
        advised(
            &mut story,
            1.0 + 6.0 * 3_600.0 * f64::from(hours),
            20.0,
            30.0,
        );
    }
    story.tick(35.0 * DAY);
    let rows = story.rows.iter();
    let rows = rows.map(|row| (row.rule.as_str(), row.reason, row.at.unwrap()));
    let expected = [
        ("expiring", Reason::Opened, at(25.0 * DAY)),
        ("expiring", Reason::Worsened, at(29.0 * DAY)),
        ("expired", Reason::Opened, at(30.0 * DAY)),
    ];
    let found: Vec<_> = rows
        .filter(|(_, reason, _)| *reason != Reason::Repeated)
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_the_ca_advised_before_tells_since_when_a_queued_renewal_is_due() {
    let mut story = Story::new();
    story.managing(0.0, &[A]);
    advised(&mut story, 1.0, 2.0, 30.0);
    let left = json!({"identifiers": [A], "remaining": 27.0 * DAY});
    let msg = "certificate expires soon; queuing for renewal";
    story.log(3.0 * DAY, "tls.cache.maintenance", msg, left);
    assert_eq!(story.row(A).due_since, Some(at(2.0 * DAY)));
    // Advice about the certificate before it, which comes late, is none about this one.
    story
        .succeeded(3.1 * DAY, "renewed", A, None)
        .replaced(3.1 * DAY + 1.0, A, 93.0 * DAY);
    advised(&mut story, 3.1 * DAY + 2.0, 2.0, 30.0);
    story.tick(50.0 * DAY);
    assert!(story.opened(A).is_empty(), "{:?}", story.opened(A));
}

/// A rule that opens so many hours after the expiry, while a condition holds.
fn hours_after_expiry(id: &str, when: &str, hours: u32) -> (String, String) {
    let rule = format!(
        r#"
id = "{id}"
title = "so long after the end"
scope = "certificate"
why = "So long after the end nobody has done anything."
closes = "untrue"

[severity.warning]
when = '{when}'
at = 'cert.not_after + duration("{hours}h")'

[message]
title = "{{{{ name }}}}: so long after the end"
summary = "x"
remedy = "x"

[[example]]
why = "never run"
expect = "opens"
severity = "warning"
lines = ["{{}}"]

[[example]]
why = "never run"
expect = "silent"
lines = ["{{}}"]
"#
    );
    (format!("{id}.toml"), rule)
}

#[test]
fn what_changes_by_time_alone_counts_at_the_next_line_also_where_a_later_moment_is_known() {
    let mut story = Story::with(vec![
        hours_after_expiry("mine", r#"cert.state == "expired""#, 24),
        hours_after_expiry("later", "!cert.gave_up", 72),
    ]);
    story.replaced(0.0, A, 1_000.0);
    advised(&mut story, 2_000.0, -1.0, 1_000.0 / DAY);
    story.tick(2.0 * DAY);
    let rows = story.rows.iter().filter(|row| row.rule == "mine");
    let found: Vec<_> = rows.map(|row| row.at).collect();
    assert_eq!(found, [Some(at(1_000.0 + DAY))]);
}
