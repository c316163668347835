//! What is a recovery, and what only looks like one.

use super::story::{Story, at};
use notafter::caddy::cause::Cause;
use notafter::engine::message::Reason;
use notafter::rules::Severity;
use serde_json::json;

const A: &str = "a.example.com";
const LE: &str = "acme-v02.api.letsencrypt.org-directory";
const REFUSED: &str = "connection refused (ca=https://acme-v02.api.letsencrypt.org/directory)";
const DAY: f64 = 86_400.0;

fn failing() -> Story {
    let mut story = Story::new();
    story
        .started(0.0)
        .managing(0.1, &[A])
        .renewing(1.0, A, 9_000.0);
    story.will_retry(5.0, &format!("[{A}] Renew: {REFUSED}"), 29, 21_600);
    assert!(story.opened(A).contains(&"retry-after-expiry"));
    story
}

fn open(story: &Story) -> usize {
    story.row(A).alerts.len()
}

#[test]
fn a_success_line_alone_closes_nothing() {
    let mut story = failing();
    story.succeeded(60.0, "renewed", A, Some(LE));
    assert_eq!((story.row(A).state, open(&story) > 0), ("recovering", true));
    story.replaced(60.1, A, 90.0 * DAY);
    assert_eq!((story.row(A).state, open(&story)), ("healthy", 0));
}

/// Lines without a time of their own have that of whoever collected them, which may be seconds late.
#[test]
fn the_same_expiry_in_a_line_that_was_collected_late_is_no_recovery() {
    for late in [-10.0, -1.5, 1.5, 10.0] {
        let mut story = failing();
        let before = open(&story);
        story.renewing(100.0, A, 9_000.0 - 99.0 + late);
        story.renewing(200.0, A, 9_000.0 - 199.0);
        let closed = story.rows.iter().filter(|row| row.reason == Reason::Closed);
        assert_eq!((open(&story), closed.count()), (before, 0), "{late}");
    }
}

#[test]
fn what_comes_after_a_recovery_is_not_laid_to_the_streak_that_is_over() {
    let mut story = failing();
    story.succeeded(60.0, "renewed", A, Some(LE));
    story.replaced(60.1, A, 90.0 * DAY);
    let closed = story.rows.iter().find(|row| row.reason == Reason::Closed);
    assert_eq!(closed.and_then(|row| row.cause), Some(Cause::CaUnreachable));
    for day in 1..90 {
        story.tick(f64::from(day) * DAY);
    }
    let expiring = story.rows.iter().rfind(|row| row.rule == "expiring");
    let expiring = expiring.unwrap();
    assert_eq!(expiring.severity, Severity::Critical);
    assert_eq!((expiring.cause, expiring.failing_since), (None, None));
    assert_eq!(expiring.attempts_total, 0);
    assert!(!expiring.summary.contains("Cause:"), "{}", expiring.summary);
}

#[test]
fn of_a_streak_whose_beginning_was_not_seen_caddy_s_own_count_and_time_are_told() {
    let mut story = Story::new();
    story.renewing(1.0, A, 9_000.0);
    let fields = json!({"error": format!("[{A}] Renew: {REFUSED}"), "attempt": 25,
        "retrying_in": 21_600, "elapsed": 64_900.5, "max_duration": 2_592_000});
    story.log(5.5, "tls.renew", "will retry", fields);
    let first = story.rows.iter().find(|row| row.rule == "renewal-failing");
    let summary = &first.unwrap().summary;
    let told = "(attempt 25 by Caddy's count, 18 h 1 min after the job began)";
    assert!(summary.contains(told), "{summary}");
}

/// What to do about an attempt that does not begin after one that failed.
fn remedy_of_missed(error: &str) -> String {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    story.renewing(1.0, A, 9_000.0);
    let ca = "(ca=https://acme-v02.api.letsencrypt.org/directory)";
    story.will_retry(5.0, &format!("[{A}] Renew: {error} {ca}"), 1, 60);
    story.tick(1_000.0);
    let missed = story.rows.iter().find(|row| row.rule == "retry-missed");
    missed.unwrap().remedy.clone()
}

#[test]
fn a_missed_attempt_that_was_rate_limited_sends_nobody_to_restart_caddy() {
    let limited = "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates";
    let remedy = remedy_of_missed(limited);
    assert!(remedy.contains("Do not restart Caddy"), "{remedy}");
    assert!(!remedy.contains("systemctl restart"), "{remedy}");
}

#[test]
fn a_limit_that_outlasts_the_certificate_sends_people_to_another_ca() {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    story.renewing(1.0, A, 9_000.0);
    let until = at(20_000.0).utc();
    let limited = format!(
        "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates, retry after {until} (ca=https://acme-v02.api.letsencrypt.org/directory)"
    );
    story.will_retry(5.0, &format!("[{A}] Renew: {limited}"), 1, 60);
    let row = story.rows.iter().find(|row| row.rule == "rate-limited");
    let row = row.unwrap();
    assert!(row.title.ends_with("until it has expired"), "{}", row.title);
    assert!(
        row.remedy.starts_with("Configure another CA"),
        "{}",
        row.remedy
    );
    assert!(!row.remedy.contains("Wait until"), "{}", row.remedy);
}

#[test]
fn a_missed_attempt_after_what_no_retry_cures_names_the_cure_first() {
    let refused = "HTTP 403 urn:ietf:params:acme:error:caa - CAA record prevents issuance";
    let remedy = remedy_of_missed(refused);
    let places = ["CAA", "Then restart Caddy"].map(|words| remedy.find(words));
    assert!(places[0].is_some() && places[0] < places[1], "{remedy}");
}

#[test]
fn a_certificate_that_lives_shorter_than_the_old_one_is_a_recovery() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).renewing(1.0, A, 30.0 * DAY);
    story.will_retry(5.0, &format!("[{A}] Renew: {REFUSED}"), 1, 60);
    story.renewing(65.0, A, 30.0 * DAY - 64.0);
    story
        .succeeded(69.0, "renewed", A, Some(LE))
        .replaced(69.1, A, 6.6 * DAY);
    let row = story.row(A);
    assert_eq!(
        (row.state, row.not_after, row.alerts.len()),
        ("healthy", Some(at(6.6 * DAY)), 0)
    );
}

#[test]
fn an_internal_certificate_after_a_public_one_is_no_recovery() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).renewing(1.0, A, 30.0 * DAY);
    story
        .succeeded(2.0, "renewed", A, Some(LE))
        .replaced(2.1, A, 9_000.0);
    story.renewing(100.0, A, 8_900.0);
    story.will_retry(105.0, &format!("[{A}] Renew: {REFUSED}"), 29, 21_600);
    let before = open(&story);
    story
        .succeeded(200.0, "renewed", A, Some("local"))
        .replaced(200.1, A, 43_200.0);
    assert!(
        open(&story) >= before && before > 0,
        "{before} {}",
        open(&story)
    );
    assert_eq!(story.row(A).state, "wrong-issuer");
}

#[test]
fn a_first_issuance_of_a_known_name_forgets_the_old_expiry() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).replaced(1.0, A, DAY);
    story.log(
        2.0,
        "tls.obtain",
        "obtaining certificate",
        serde_json::json!({"identifier": A}),
    );
    story.succeeded(4.0, "obtained", A, Some(LE));
    story.managing(5.0, &[A]).tick(2.0 * DAY);
    assert!(story.opened(A).is_empty(), "{:?}", story.opened(A));
    assert_eq!(story.row(A).not_after, None);
}

#[test]
fn giving_up_and_the_old_expiry_after_it_are_no_recovery() {
    let mut story = failing();
    story.log(
        60.0,
        "tls.renew",
        "final attempt; giving up",
        serde_json::json!({"error": format!("[{A}] Renew: {REFUSED}"), "attempt": 142}),
    );
    story.replaced(60.1, A, 9_001.0 - 0.999);
    assert!(story.opened(A).contains(&"gave-up"));
    assert!(open(&story) > 0);
}

#[test]
fn the_old_expiry_said_a_second_apart_is_no_recovery() {
    let mut story = failing();
    assert_eq!(story.row(A).not_after, Some(at(9_000.0)));
    story.succeeded(60.0, "renewed", A, Some(LE));
    story.replaced(60.1, A, 9_001.0);
    assert_eq!((story.row(A).state, open(&story) > 0), ("recovering", true));
}

#[test]
fn what_goes_wrong_after_a_success_that_is_not_proven_says_that_there_was_one() {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    story.renewing(600.0, A, 90_000.0);
    let error = format!("[{A}] Renew: {REFUSED}");
    story.will_retry(605.0, &error, 1, 60);
    story.renewing(665.0, A, 89_935.0);
    story.succeeded(670.0, "renewed", A, None);
    for tick in 2..6_u32 {
        let after = f64::from(tick) * 600.0;
        let fields = json!({"identifiers": [A], "remaining": 90_600.0 - after});
        let msg = "certificate expires soon; queuing for renewal";
        story.log(after, "tls.cache.maintenance", msg, fields);
    }
    let stuck = story.rows.iter().find(|row| row.rule == "renewal-stuck");
    let summary = &stuck.unwrap().summary;
    let had_failed = format!(
        "The renewal had been failing since {}, for 1 min 5 s: 1 failed attempt.",
        at(605.0).utc()
    );
    assert!(summary.contains(&had_failed), "{summary}");
    let success = format!(
        "A success was logged at {}, 33 min 50 s ago, and no line since tells a later expiry.",
        at(670.0).utc()
    );
    assert!(summary.contains(&success), "{summary}");
}
