//! What looks like a failure and is none, and what strangers can make Caddy log.

use super::story::{Story, T, at};
use notafter::caddy::ca::Ca;
use serde_json::{Value, json};

const A: &str = "a.example.com";
const X: &str = "x.example.org";
const DAY: f64 = 86_400.0;

/// A healthy name, and then one line.
fn after(logger: &str, msg: &str, fields: Value) -> Story {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    story.renewing(1.0, A, 30.0 * DAY);
    story
        .succeeded(2.0, "renewed", A, None)
        .replaced(2.1, A, 90.0 * DAY);
    story.log(3.0, logger, msg, fields);
    story
}

/// Logger, message and fields of lines that mean no failure.
const NOISE: [(&str, &str, &str); 15] = [
    (
        "tls",
        "job failed",
        r#"{"error": "a.example.com: renewing certificate: context canceled"}"#,
    ),
    (
        "tls",
        "job failed",
        r#"{"error": "[a.example.com] context canceled"}"#,
    ),
    (
        "tls",
        "job failed",
        r#"{"error": "a.example.com: obtaining certificate: unable to acquire lock 'issue_cert_a.example.com': context canceled"}"#,
    ),
    (
        "http.acme_client",
        "cleaning up solver",
        r#"{"identifier": "a.example.com", "error": "no memory of presenting a DNS record for \"_acme-challenge.a.example.com\" (usually OK if presenting also failed)"}"#,
    ),
    (
        "tls",
        "stapling OCSP",
        r#"{"identifiers": ["a.example.com"], "error": "no OCSP stapling for [a.example.com]: no OCSP server specified in certificate"}"#,
    ),
    (
        "tls.renew",
        "unable to unlock",
        r#"{"identifier": "a.example.com", "lock_key": "issue_cert_a.example.com", "error": "remove x.lock: no such file or directory"}"#,
    ),
    (
        "",
        "unable to clean up lock in storage backend",
        r#"{"signal": "SIGTERM", "lock_key": "issue_cert_a.example.com", "error": "remove x.lock: no such file or directory"}"#,
    ),
    (
        "tls.issuance.acme",
        "creating new account because no account for configured email is known to us",
        r#"{"ca": "https://acme-v02.api.letsencrypt.org/directory", "error": "open default.json: no such file or directory"}"#,
    ),
    (
        "tls.issuance.acme",
        "looking up info for HTTP challenge",
        r#"{"host": "a.example.com", "error": "no information found to solve challenge for identifier: a.example.com"}"#,
    ),
    (
        "tls",
        "tls-alpn challenge",
        r#"{"server_name": "a.example.com", "error": "no information found to solve challenge for identifier: a.example.com"}"#,
    ),
    (
        "http.log.error.log0",
        "dial tcp: lookup backend on 127.0.0.53:53: server misbehaving",
        r#"{"request": {"host": "a.example.com"}, "error": "dial tcp: lookup backend on 127.0.0.53:53: server misbehaving"}"#,
    ),
    (
        "http.handlers.reverse_proxy",
        "aborting with incomplete response",
        r#"{"upstream": "backend:80", "error": "lookup backend: server misbehaving"}"#,
    ),
    (
        "http.log.access.log0",
        "handled request",
        r#"{"identifier": "a.example.com", "error": "[a.example.com] Renew: SERVFAIL", "request": {"uri": "/will%20retry"}}"#,
    ),
    (
        "http.log.access.log0",
        "will retry",
        r#"{"error": "[a.example.com] Renew: SERVFAIL", "attempt": 29, "retrying_in": 21600}"#,
    ),
    (
        "tls",
        "storage cleaning happened too recently; skipping for now",
        r#"{"storage": "FileStorage:/data/caddy", "try_again_in": 86400}"#,
    ),
];

#[test]
fn noise_is_no_failure() {
    for (logger, msg, fields) in NOISE {
        let story = after(logger, msg, serde_json::from_str(fields).unwrap());
        let row = story.row(A);
        let quiet = (row.state, row.attempts_total, row.alerts.len());
        assert_eq!(quiet, ("healthy", 0, 0), "{logger} {msg} {fields}");
    }
}

#[test]
fn a_failed_refresh_of_ari_is_no_revocation() {
    let zero = -6_795_364_578.871_345_5;
    let fields = json!({"identifiers": [A], "cert_expiry": T + 90.0 * DAY, "prev_start": T, "next_start": zero,
        "next_end": zero, "next_selected_time": zero, "prev_selected_time": T + 60.0 * DAY});
    let story = after(
        "tls.cache.maintenance",
        "ARI window or selected renewal time changed",
        fields,
    );
    let row = story.row(A);
    assert_eq!((row.state, row.due_since), ("healthy", None));
}

/// Caddy 2.8 and later: the line that calls it due comes before the one that tells whose it is.
fn handshake_renews(story: &mut Story, after: f64, name: &str) {
    let due = "certificate is in configured renewal window based on expiration date";
    story.log(
        after,
        "tls",
        due,
        json!({"subjects": [name], "expiration": T + after - 50.0, "remaining": -50}),
    );
    let fields = json!({"identifiers": [name], "server_name": name, "subjects": [name],
        "expiration": T + after - 50.0, "remaining": -50, "revoked": false});
    story.log(
        after + 0.001,
        "tls.on_demand",
        "attempting certificate renewal",
        fields.clone(),
    );
    story.log(
        after + 0.1,
        "tls.renew",
        "acquiring lock",
        json!({"identifier": name}),
    );
    story.renewing(after + 0.2, name, -50.0);
    story.will_retry(
        after + 4.0,
        &format!("[{name}] Renew: dial tcp: connection refused"),
        1,
        60,
    );
    let mut failed = fields;
    failed["error"] = json!("context deadline exceeded");
    story.log(
        after + 90.0,
        "tls.on_demand",
        "renewing and reloading certificate",
        failed,
    );
}

/// The announced retry never comes: the handshake's context ends after 90 s.
#[test]
fn a_name_of_handshakes_is_never_judged_by_itself() {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    for number in 0..20 {
        handshake_renews(
            &mut story,
            10.0 + f64::from(number),
            &format!("n{number}.example.org"),
        );
    }
    story.tick(2.0 * DAY);
    assert!(story.rows.is_empty(), "{:?}", story.rows);
    assert!(!story.knows("n7.example.org"));
}

/// The list of managed names was printed before our log begins.
#[test]
fn a_name_that_turns_out_to_be_of_handshakes_is_forgotten() {
    let mut story = Story::new();
    handshake_renews(&mut story, 10.0, X);
    story.tick(2.0 * DAY);
    assert!(!story.knows(X));
}

#[test]
fn so_many_strangers_that_no_room_is_left_make_no_certificates() {
    let mut story = Story::new();
    story.started(0.0);
    let ask = |story: &mut Story, name: &str| {
        let fields = json!({"server_name": name, "remote_ip": "192.0.2.1", "remote_port": "1"});
        story.log(1.0, "tls.on_demand", "obtaining new certificate", fields);
    };
    for number in 0..10_000 {
        ask(&mut story, &format!("n{number}.example.org"));
    }
    ask(&mut story, X);
    story.log(
        2.0,
        "tls.obtain",
        "acquiring lock",
        json!({"identifier": X}),
    );
    story.log(
        2.1,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": X}),
    );
    story.job_failed(3.0, &format!("{X}: obtaining certificate: [{X}] Obtain: x"));
    assert!(!story.knows(X));
    assert!(story.rows.is_empty());
    story.managing(4.0, &[A]);
    assert!(story.knows(A), "the list still counts");
}

#[test]
fn another_instance_on_the_same_storage_may_do_the_renewal() {
    for waits in [true, false] {
        let mut story = Story::new();
        story
            .started(0.0)
            .managing(0.1, &[A])
            .renewing(1.0, A, 9_000.0);
        story.will_retry(
            5.0,
            &format!("[{A}] Renew: dial tcp: connection refused"),
            29,
            21_600,
        );
        assert!(!story.row(A).alerts.is_empty());
        if waits {
            let fields = json!({"identifier": A, "remaining": 89.0 * DAY});
            let msg = "certificate appears to have been renewed already";
            story.log(70.0, "tls.renew", msg, fields);
        } else {
            let fields = json!({"identifiers": [A], "remaining": 8_400.0});
            let msg = "certificate expires soon, but is already renewed in storage; reloading stored certificate";
            story.log(600.0, "tls.cache.maintenance", msg, fields);
            assert_eq!(story.row(A).state, "failing", "not yet");
            story.replaced(600.1, A, 89.0 * DAY);
        }
        let row = story.row(A);
        assert_eq!((row.state, row.alerts.len()), ("healthy", 0), "{waits}");
    }
}

#[test]
fn falling_through_to_the_internal_issuer_is_no_success() {
    let refused = "HTTP 403 urn:ietf:params:acme:error:caa - CAA record prevents issuance";
    for (issuer, key) in [
        (None, "acme-v02.api.letsencrypt.org-directory"),
        (Some("local"), "acme-v02.api.letsencrypt.org-directory"),
    ] {
        let mut story = Story::new();
        story.started(0.0).managing(0.1, &[A]);
        story.log(
            1.0,
            "tls.obtain",
            "obtaining certificate",
            json!({"identifier": A}),
        );
        story.log(
            2.0,
            "tls.obtain",
            "could not get certificate from issuer",
            json!({"identifier": A, "issuer": key, "error": refused}),
        );
        story.succeeded(2.1, "obtained", A, issuer);
        assert_eq!(story.row(A).state, "wrong-issuer", "{issuer:?}");
        assert!(
            story.opened(A).contains(&"issuer-downgrade"),
            "{:?}",
            story.opened(A)
        );
    }
}

#[test]
fn a_certificate_that_nobody_renews_is_called_so() {
    let mut story = Story::new();
    story.started(0.0);
    let fields = json!({"not_after": T + 50_000.0, "sans": [X]});
    story.log(
        1.0,
        "tls",
        "unmanaged certificate expires within 1 day",
        fields,
    );
    let row = story.row(X);
    assert_eq!(row.state, "unmanaged");
    assert_eq!(row.not_after, Some(at(50_000.0)));
}

#[test]
fn the_internal_ca_is_at_home_where_no_public_one_was() {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    story.log(
        1.0,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": A}),
    );
    story.succeeded(1.5, "obtained", A, Some("local"));
    story.renewing(20_000.0, A, 10_000.0);
    story
        .succeeded(20_001.0, "renewed", A, Some("local"))
        .replaced(20_001.1, A, 60_000.0);
    assert_eq!((story.row(A).state, story.opened(A).len()), ("healthy", 0));
}

#[test]
fn zerossl_by_its_own_interface_is_a_production_ca() {
    let mut story = Story::new();
    story
        .started(0.0)
        .managing(0.1, &[A])
        .renewing(1.0, A, 30.0 * DAY);
    story.log(
        2.0,
        "tls.issuance.zerossl",
        "creating certificate",
        json!({"identifiers": [A]}),
    );
    story
        .succeeded(9.0, "renewed", A, Some("zerossl"))
        .replaced(9.1, A, 90.0 * DAY);
    let row = story.row(A);
    assert_eq!(
        (row.state, row.issued_by.map(Ca::word)),
        ("healthy", Some("production"))
    );
}
