//! When Caddy tries again.

use super::story::{Story, at};
use serde_json::json;

const A: &str = "a.example.com";
const B: &str = "b.example.com";
const SERVFAIL: &str = "unexpected response code 'SERVFAIL' for example.com. (ca=https://acme-v02.api.letsencrypt.org/directory)";

fn maintenance_error(name: &str, verb: &str) -> String {
    format!("[{name}] [{name}] {verb}: {SERVFAIL}")
}

#[test]
fn a_renewal_that_goes_on_as_an_obtain_is_still_a_renewal() {
    let mut story = Story::new();
    story.started(0.0);
    for (tick, left) in [(600.0, 1_500.0), (1_200.0, 900.0)] {
        story.maintenance(tick, A, left);
        let msg = "certificate resources not found in storage for any configured issuer (issuer may have changed); obtaining a new certificate instead of renewing";
        story.log(tick + 0.2, "tls.renew", msg, json!({"identifier": A}));
        story.log(
            tick + 0.3,
            "tls.obtain",
            "obtaining certificate",
            json!({"identifier": A}),
        );
        story.job_failed(tick + 4.0, &maintenance_error(A, "Obtain"));
    }
    let row = story.row(A);
    assert_eq!((row.state, row.next_retry), ("failing", Some(at(1_800.0))));
    assert!(
        !story.opened(A).contains(&"obtain-failing"),
        "{:?}",
        story.opened(A)
    );
    story
        .maintenance(1_800.0, A, 300.0)
        .job_failed(1_804.0, &maintenance_error(A, "Obtain"));
    assert!(
        story.opened(A).contains(&"retry-after-expiry"),
        "{:?}",
        story.opened(A)
    );
}

#[test]
fn on_demand_lines_do_not_shift_the_tick() {
    let mut story = Story::new();
    story.started(0.0);
    story
        .maintenance(600.0, A, 1_150.0)
        .job_failed(604.0, &maintenance_error(A, "Renew"));
    for after in [700.0, 704.0, 708.0, 712.0] {
        let fields =
            json!({"server_name": "x.example.org", "subjects": ["x.example.org"], "remaining": 50});
        story.log(
            after,
            "tls.on_demand",
            "attempting certificate renewal",
            fields,
        );
    }
    story
        .maintenance(1_200.0, A, 550.0)
        .job_failed(1_204.0, &maintenance_error(A, "Renew"));
    assert_eq!(story.row(A).next_retry, Some(at(1_800.0)));
    assert!(
        story.opened(A).contains(&"retry-after-expiry"),
        "{:?}",
        story.opened(A)
    );
    assert!(!story.knows("x.example.org"), "strangers choose such names");
}

#[test]
fn a_late_job_of_the_same_tick_does_not_shift_it() {
    let mut story = Story::new();
    story.started(0.0);
    story
        .maintenance(600.0, A, 1_150.0)
        .maintenance(604.5, B, 90_000.0);
    story.job_failed(605.0, &maintenance_error(A, "Renew"));
    assert_eq!(story.row(A).next_retry, Some(at(1_200.0)));
}

#[test]
fn an_unseen_count_of_failures_is_not_taken_for_none() {
    let mut story = Story::new();
    let fields =
        json!({"identifiers": [A], "cert_expiry": super::story::T + 9_000.0, "error": "x"});
    story.log(
        600.0,
        "tls.cache.maintenance",
        "failed updating renewal info from ACME CA",
        fields,
    );
    let fields = json!({"subjects": [A], "expiration": super::story::T + 9_001.0});
    let msg = "certificate is in configured renewal window based on expiration date";
    story.log(600.1, "tls", msg, fields);
    story
        .maintenance(600.2, A, 8_400.0)
        .job_failed(604.0, &maintenance_error(A, "Renew"));
    assert_eq!(story.row(A).next_retry, None);
}

#[test]
fn tries_left_are_counted_as_soon_as_the_expiry_is_heard() {
    let mut story = Story::new();
    let error = format!("[{A}] Renew: {SERVFAIL}");
    story.managing(0.0, &[A]);
    story.will_retry(1.0, &error, 28, 21_600);
    assert_eq!(story.row(A).tries_left, None);
    let fields = json!({"identifiers": [A], "remaining": 30_000});
    let msg = "certificate expires soon; queuing for renewal";
    story.log(600.0, "tls.cache.maintenance", msg, fields);
    assert_eq!(story.row(A).tries_left, Some(1));
    assert!(
        story.opened(A).contains(&"last-tries"),
        "{:?}",
        story.opened(A)
    );
}

#[test]
fn a_cancelled_obtain_is_no_failure_and_not_dead() {
    let mut story = Story::new();
    story.log(
        0.0,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": A}),
    );
    let error = format!(
        "{A}: obtaining certificate: [{A}] Obtain: [{A}] creating new order: Post \"https://ca.example/order\": context canceled (ca=https://ca.example/dir)"
    );
    story.job_failed(1.0, &error);
    story.log(
        1.1,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": A}),
    );
    assert_eq!((story.row(A).state, story.rows.len()), ("unknown", 0));
}

#[test]
fn a_dead_obtain_that_begins_again_is_not_dead() {
    let mut story = Story::new();
    story.log(
        0.0,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": A}),
    );
    story.job_failed(
        4.0,
        &format!("{A}: obtaining certificate: [{A}] Obtain: {SERVFAIL}"),
    );
    assert_eq!(story.row(A).state, "ended");
    story.log(
        60.0,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": A}),
    );
    assert_eq!(story.row(A).state, "failing");
}

#[test]
fn the_largest_attempt_count_is_survived() {
    let mut story = Story::new();
    story.renewing(0.0, A, 5_000.0);
    story.will_retry(4.0, &format!("[{A}] Renew: {SERVFAIL}"), u32::MAX, 21_600);
    story.job_failed(
        5.0,
        &format!("{A}: renewing certificate: [{A}] Renew: {SERVFAIL}"),
    );
    assert_eq!(story.row(A).attempts_total, 2);
}

#[test]
fn the_end_of_an_attempt_that_is_in_the_log_twice_counts_once() {
    let mut story = Story::new();
    story.started(0.0).maintenance(600.0, A, 9_000.0);
    for _ in 0..2 {
        story.job_failed(604.0, &maintenance_error(A, "Renew"));
    }
    let row = story.row(A);
    assert_eq!((row.attempts_total, row.attempt), (1, Some(1)));
    assert_eq!(row.next_retry, Some(at(1_200.0)));
    let error = format!("[{B}] Renew: {SERVFAIL}");
    story.renewing(700.0, B, 9_000.0);
    for _ in 0..2 {
        story.will_retry(704.0, &error, 1, 60);
    }
    assert_eq!(story.row(B).attempts_total, 1);
}
