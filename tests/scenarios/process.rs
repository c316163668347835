//! What happens to the process of Caddy, or to its log, and what must not be made of it.

use super::story::{Story, T, at};
use notafter::caddy::ca::Ca;
use notafter::engine::message::Reason;
use serde_json::json;

const A: &str = "a.example.com";
const B: &str = "b.example.com";
const TICK: f64 = 600.0;
const DAY: f64 = 86_400.0;
const CRASH: &str =
    "panic: certificate worker: runtime error: index out of range [3] with length 3";

/// The moments at which a rule opened about anybody.
fn opened(story: &Story, rule: &str) -> usize {
    let rows = story.rows.iter();
    rows.filter(|row| row.rule == rule && row.reason == Reason::Opened)
        .count()
}

/// A Caddy that manages two names, of which one is due.
fn started() -> Story {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A, B]);
    story
}

fn queue(story: &mut Story, after: f64, name: &str) {
    let fields = json!({"identifiers": [name], "remaining": 30.0 * DAY - after});
    let msg = "certificate expires soon; queuing for renewal";
    story.log(after, "tls.cache.maintenance", msg, fields);
}

fn let_go(story: &mut Story, after: f64, name: &str) {
    let fields = json!({"identifier": name});
    story.log(after, "tls.renew", "releasing lock", fields);
}

fn panic(story: &mut Story, after: f64) {
    let fields = json!({"error": "runtime error", "stack": "goroutine 41 [running]:"});
    story.log(after, "tls.cache.maintenance", "panic", fields);
}

#[test]
fn a_configuration_that_is_loaded_after_half_a_day_is_no_rhythm_of_cleaning() {
    let clean = |story: &mut Story, after: f64| {
        let fields = json!({"storage": "FileStorage:/data"});
        story.log(after, "tls", "cleaning storage unit", fields);
    };
    let mut story = started();
    clean(&mut story, 0.2);
    story.managing(0.6 * DAY, &[A, B]);
    clean(&mut story, 0.6 * DAY + 0.1);
    // Its next cleaning is a day after it was loaded.
    story.tick(1.59 * DAY);
    assert_eq!(opened(&story, "source-silent"), 0);
    clean(&mut story, 1.6 * DAY + 0.1);
    story.tick(3.0 * DAY);
    assert_eq!(opened(&story, "source-silent"), 1);
}

#[test]
fn a_process_that_said_that_it_stops_is_not_stuck() {
    let mut story = started();
    story.renewing(TICK, A, 30.0 * DAY);
    let_go(&mut story, TICK + 5.0, A);
    story.log(TICK + 5.0, "", CRASH, json!({}));
    queue(&mut story, 2.0 * TICK, A);
    let msg = "shutting down apps, then terminating";
    story.log(2.0 * TICK + 60.0, "", msg, json!({"signal": "SIGTERM"}));
    story.tick(DAY);
    assert_eq!(opened(&story, "renewal-stuck"), 0);
}

#[test]
fn a_strangers_job_that_outlives_a_reload_is_nobodys_certificate() {
    let stranger = "x.example.net";
    let mut story = started();
    let fields = json!({"server_name": stranger});
    story.log(10.0, "tls.on_demand", "obtaining new certificate", fields);
    let fail = |story: &mut Story, after: f64, attempt: u32| {
        let fields = json!({"identifier": stranger});
        story.log(after, "tls.obtain", "obtaining certificate", fields);
        let error = format!("[{stranger}] Obtain: no");
        let fields = json!({"error": error, "attempt": attempt, "retrying_in": 60 * attempt});
        story.log(after + 1.0, "tls.obtain", "will retry", fields);
    };
    fail(&mut story, 10.1, 1);
    story.started(30.0).managing(30.1, &[A, B]);
    fail(&mut story, 71.1, 2);
    story.tick(DAY);
    assert!(!story.knows(stranger));
}

#[test]
fn lines_of_one_tick_in_another_order_leave_its_name_due() {
    let mut story = started();
    for tick in [1.0, 2.0] {
        queue(&mut story, tick * TICK + 0.04, A);
        queue(&mut story, tick * TICK, A);
    }
    story.tick(DAY);
    assert_eq!(opened(&story, "source-silent"), 1);
}

#[test]
fn a_name_that_waits_for_proof_of_its_success_is_named_by_no_tick() {
    let mut story = started();
    for tick in [1.0, 2.0] {
        queue(&mut story, tick * TICK, A);
    }
    story.renewing(2.0 * TICK + 1.0, A, 29.0 * DAY);
    story.succeeded(2.0 * TICK + 5.0, "renewed", A, None);
    story.tick(DAY);
    assert_eq!(opened(&story, "source-silent"), 0);
}

#[test]
fn a_panic_that_is_in_the_log_twice_counts_once() {
    let mut story = started();
    for tick in 1..=10 {
        let after = f64::from(tick) * TICK;
        panic(&mut story, after);
        panic(&mut story, after);
        story.started(after + 0.1);
    }
    assert_eq!(opened(&story, "maintenance-dead"), 0);
    panic(&mut story, 11.0 * TICK);
    assert_eq!(opened(&story, "maintenance-dead"), 1);
}

#[test]
fn a_process_that_begins_right_after_a_loop_began_anew_is_another_one() {
    let mut story = started();
    panic(&mut story, TICK);
    story.started(TICK + 0.1).started(TICK + 0.1);
    let closed = |story: &Story| {
        let mut rows = story.rows.iter();
        rows.any(|row| row.rule == "caddy-crashed" && row.reason == Reason::Closed)
    };
    assert!(!closed(&story));
    story.started(TICK + 1.6);
    assert!(closed(&story));
}

#[test]
fn a_success_that_is_in_the_log_twice_is_no_second_one() {
    let mut story = started();
    story.renewing(TICK, A, 30.0 * DAY);
    let error =
        json!({"identifier": A, "issuer": "acme-v02.api.letsencrypt.org-directory", "error": "no"});
    let msg = "could not get certificate from issuer";
    story.log(TICK + 1.0, "tls.renew", msg, error);
    for _ in 0..2 {
        let issuer = Some("acme.zerossl.com-v2-DV90");
        story.succeeded(TICK + 2.0, "renewed", A, issuer);
    }
    story.replaced(TICK + 2.1, A, 90.0 * DAY);
    let closed = story.rows.iter().filter(|row| row.reason == Reason::Closed);
    assert_eq!((opened(&story, "issuer-downgrade"), closed.count()), (1, 0));
}

#[test]
fn of_two_attempts_the_one_that_let_its_lock_go_has_panicked() {
    let mut story = started();
    story.renewing(TICK, A, 30.0 * DAY);
    story.renewing(TICK + 0.1, B, 30.0 * DAY);
    let_go(&mut story, TICK + 5.0, B);
    story.log(TICK + 5.0, "", CRASH, json!({}));
    assert_eq!(story.opened(A), Vec::<&str>::new());
    assert_eq!(story.opened(B), ["renewal-failing"]);
}

#[test]
fn a_stranger_who_is_well_again_keeps_nobody_waiting() {
    let mut story = started();
    for (after, name) in [(10.0, "x.example.net"), (70.0, "y.example.net")] {
        let fields = json!({"server_name": name});
        story.log(after, "tls.on_demand", "obtaining new certificate", fields);
        let fields = json!({"identifier": name, "issuer": "x", "error": "no"});
        let msg = "could not get certificate from issuer";
        story.log(after + 1.0, "tls.obtain", msg, fields);
    }
    story.succeeded(100.0, "obtained", "y.example.net", None);
    story.tick(DAY);
    let closed = story.rows.iter().find(|row| row.reason == Reason::Closed);
    assert_eq!(closed.and_then(|row| row.at), Some(at(3_611.0)));
}

/// The list comes first, then the attempt it begins; the loop says that it began when it gets its turn.
#[test]
fn an_attempt_that_is_told_before_the_loop_says_that_it_began_is_of_the_same_process() {
    for loop_began in [0.003, 0.02] {
        let mut story = Story::new();
        story.managing(0.0, &[A]).renewing(0.01, A, 30.0 * DAY);
        let ca = "https://acme-v02.api.letsencrypt.org/directory";
        let fields = json!({"identifier": A, "ca": ca, "challenge_type": "http-01"});
        let msg = "trying to solve challenge";
        story.log(0.015, "tls.issuance.acme.acme_client", msg, fields);
        story.started(loop_began);
        story.will_retry(1.0, "no sense in this", 1, 60);
        let row = story.row(A);
        assert_eq!(row.ca, Some(Ca::Production), "{loop_began}");
        assert_eq!(row.next_retry, Some(at(61.0)));
        // The next process knows nothing of it.
        story.managing(30.0, &[A]).started(31.1);
        assert_eq!(story.row(A).next_retry, None);
    }
}

#[test]
fn a_failure_that_is_told_before_the_loop_says_that_it_began_announces_the_next_attempt() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).renewing(0.01, A, 30.0 * DAY);
    story.will_retry(0.02, &format!("[{A}] Renew: connection refused"), 1, 60);
    story.started(0.03);
    assert_eq!(story.row(A).next_retry, Some(at(60.02)));
}

#[test]
fn a_certificate_that_nobody_renews_may_be_named_before_the_loop_says_that_it_began() {
    let mut story = Story::new();
    for process in [0.0, 100.0, 200.0] {
        let fields = json!({"not_after": T + 50_000.0, "sans": [A]});
        let msg = "unmanaged certificate expires within 1 day";
        story.log(process, "tls", msg, fields);
        story.started(process + 0.01);
        assert_eq!(story.row(A).state, "unmanaged", "{process}");
    }
    story.started(300.0);
    assert_ne!(story.row(A).state, "unmanaged");
}

#[test]
fn a_line_of_before_that_comes_while_the_log_is_lost_takes_nothing_back() {
    let mut story = started();
    story.tick(100.0);
    let gone = Some("it is gone");
    story
        .engine
        .reach("caddy", at(100.0), gone, &mut story.rows);
    story.tick(500.0);
    queue(&mut story, 200.0, A);
    story
        .engine
        .reach("caddy", at(600.0), None, &mut story.rows);
    let rows = story.rows.iter().filter(|row| row.rule == "source-lost");
    let told: Vec<_> = rows.map(|row| (row.reason, row.at)).collect();
    let wanted = [
        (Reason::Opened, Some(at(400.0))),
        (Reason::Closed, Some(at(600.0))),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn what_keeps_a_caddy_from_renewing_or_from_being_heard_says_by_when_it_hurts() {
    let mut story = started();
    queue(&mut story, 30.0, A);
    story.replaced(40.0, B, 20.0 * DAY);
    for n in 0..12_u32 {
        panic(&mut story, 50.0 + f64::from(n));
    }
    let gone = Some("it is gone");
    let reached = at(100.0);
    story.engine.reach("caddy", reached, gone, &mut story.rows);
    story.tick(500.0);
    let first = format!(
        "The first of its certificates to expire, as far as the log tells, is that of {B}, at {}, in 19 d",
        at(20.0 * DAY).utc()
    );
    for rule in ["caddy-crashed", "maintenance-dead", "source-lost"] {
        let row = story.rows.iter().find(|row| row.rule == rule).unwrap();
        assert!(row.summary.contains(&first), "{rule}: {}", row.summary);
    }
}
