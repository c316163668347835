//! Whose line it is.

use super::story::Story;
use notafter::caddy::cause::Cause;
use serde_json::json;

const A: &str = "a.example.com";
const B: &str = "b.example.com";

#[test]
fn a_line_without_a_name_goes_to_nobody_but_the_running_attempt() {
    let mut story = Story::new();
    story.renewing(0.0, A, 5_000.0).renewing(1.0, B, 5_000.0);
    story
        .succeeded(2.0, "renewed", B, Some("local"))
        .replaced(2.1, B, 7_776_000.0);
    story.will_retry(3.0, "unable to do something", 29, 21_600);
    assert_eq!(story.row(B).state, "healthy");
    assert_eq!(
        story.row(A).state,
        "failing",
        "its attempt alone was running"
    );
}

#[test]
fn between_two_running_attempts_nobody_is_guessed() {
    let mut story = Story::new();
    story.renewing(0.0, A, 5_000.0).renewing(1.0, B, 5_000.0);
    story.will_retry(3.0, "unable to do something", 29, 21_600);
    assert_eq!(
        (story.row(A).attempts_total, story.row(B).attempts_total),
        (0, 0)
    );
}

#[test]
fn the_name_of_the_lock_counts() {
    let mut story = Story::new();
    story.renewing(0.0, A, 5_000.0).renewing(1.0, B, 5_000.0);
    let error = format!("unable to renew lock lease 'issue_cert_{A}': storage is gone");
    story.will_retry(3.0, &error, 29, 21_600);
    assert_eq!(
        (story.row(A).state, story.row(B).attempts_total),
        ("failing", 0)
    );
}

/// An attempt of `B` is under way when the job of `A`, whose last attempt is told by a line, ends with an error.
fn ended(last: impl Fn(&mut Story)) -> Story {
    let mut story = Story::new();
    for name in [A, B] {
        let fields = json!({"identifier": name});
        story.log(0.0, "tls.obtain", "obtaining certificate", fields);
    }
    last(&mut story);
    let error = format!(
        "{A}: caching certificate after obtaining it: no matching certificate files for {A}"
    );
    story.job_failed(4.001, &error);
    assert_eq!((story.row(B).attempts_total, story.opened(B).len()), (0, 0));
    story
}

#[test]
fn a_job_that_gave_up_finds_no_certificate_and_says_so_of_its_own_name() {
    let story = ended(|story| {
        let error = format!("[{A}] Obtain: unexpected response code 'SERVFAIL' for x.");
        let fields = json!({"error": error, "attempt": 139, "elapsed": 2_600_000});
        story.log(4.0, "tls.obtain", "final attempt; giving up", fields);
    });
    let row = story.row(A);
    assert_eq!(
        (row.state, row.attempts_total, row.cause),
        ("ended", 1, Some(Cause::DnsServfail)),
        "no attempt of its own, and no other cause"
    );
}

#[test]
fn a_certificate_that_was_obtained_and_cannot_be_loaded_is_a_failure_of_its_job() {
    let story = ended(|story| {
        story.succeeded(
            4.0,
            "obtained",
            A,
            Some("acme-v02.api.letsencrypt.org-directory"),
        );
    });
    assert_eq!(
        (story.row(A).state, story.row(A).attempts_total),
        ("ended", 1)
    );
}

#[test]
fn a_forgotten_name_that_old_jobs_go_on_retrying_stays_forgotten() {
    let mut story = Story::new();
    story.managing(0.0, &[A, B]).renewing(1.0, A, 9_000.0);
    story.will_retry(5.0, &format!("[{A}] Renew: connection refused"), 1, 60);
    story.managing(30.0, &[B]);
    story.renewing(65.0, A, 8_900.0);
    story.will_retry(
        69.0,
        &format!("[{A}] Renew: connection refused"),
        12,
        21_600,
    );
    assert!(!story.knows(A));
    assert!(!story.opened(A).contains(&"retry-after-expiry"));
    story.managing(100.0, &[A, B]);
    assert!(story.knows(A), "listed again");
}

#[test]
fn a_users_rule_sees_lines_whose_name_stands_in_the_error() {
    let rule = r#"
id = "mine"
title = "A retry was announced"
scope = "certificate"
why = "To be seen."
closes = "recovery"
[match]
msg = "will retry"
[severity.warning]
when = 'cert.failing'
[message]
title = '''{{ name }}: {{ line.msg }}'''
summary = "x"
remedy = "y"
[[example]]
why = "a failing attempt"
expect = "opens"
severity = "warning"
lines = ['''{"level":"error","ts":1777845841.5,"logger":"tls.renew","msg":"will retry","error":"[a.example.com] Renew: x","attempt":1,"retrying_in":60}''']
[[example]]
why = "nothing failed"
expect = "silent"
lines = ['''{"level":"info","ts":1777845841.5,"logger":"tls.renew","msg":"renewing certificate","identifier":"a.example.com","remaining":5000}''']
"#;
    let mut story = Story::with(vec![("mine.toml".to_owned(), rule.to_owned())]);
    story.renewing(0.0, A, 500_000.0);
    story.will_retry(4.0, &format!("[{A}] Renew: connection refused"), 1, 60);
    assert!(story.opened(A).contains(&"mine"), "{:?}", story.opened(A));
}

#[test]
fn a_name_of_a_handshake_is_no_certificate_of_ours() {
    let mut story = Story::new();
    let fields = json!({"server_name": "x.example.org", "remote_ip": "192.0.2.1"});
    story.log(0.0, "tls.on_demand", "obtaining new certificate", fields);
    story.log(
        0.1,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": "x.example.org"}),
    );
    let error = "x.example.org: obtaining certificate: [x.example.org] Obtain: x";
    story.job_failed(1.0, error);
    assert!(!story.knows("x.example.org"));
    assert!(story.rows.iter().all(|row| row.certificate.is_none()));
}

/// Caddy 2.8.4 and 2.11.4 print the list first; then a stranger's name, found due on the logger of managed
/// ones, was taken for one of them, and told to be expired.
#[test]
fn the_list_counts_also_when_it_is_printed_before_the_loop_begins() {
    let mut story = Story::new();
    story.managing(0.0, &[A]).started(0.04);
    let due = json!({"subjects": ["x.example.org"], "expiration": 1_789_999_000});
    let msg = "certificate is in configured renewal window based on expiration date";
    story.log(5.0, "tls", msg, due);
    assert!(!story.knows("x.example.org"));
    // A later process has a list of its own.
    story.started(600.0);
    story.log(
        605.0,
        "tls",
        msg,
        json!({"subjects": [B], "expiration": 1_790_009_000}),
    );
    assert!(story.knows(B));
}
