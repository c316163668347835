//! What looks like a failure and is none.

use super::story::{Story, T};
use notafter::caddy::cause::Cause;
use serde_json::{Value, json};

const A: &str = "a.example.com";
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
const NOISE: [(&str, &str, &str); 29] = [
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
    (
        "tls.renew",
        "could not get certificate from issuer",
        r#"{"identifier": "a.example.com", "issuer": "acme-v02.api.letsencrypt.org-directory", "error": "[a.example.com] solving challenges: waiting for solver certmagic.solverWrapper to be ready: context canceled (order=https://acme-v02.api.letsencrypt.org/acme/order/1/2) (ca=https://acme-v02.api.letsencrypt.org/directory)"}"#,
    ),
    (
        "tls.renew.acme_client",
        "deactivating authorization",
        r#"{"identifier": "a.example.com", "authz": "https://acme-v02.api.letsencrypt.org/acme/authz/1", "error": "attempt 1: https://acme-v02.api.letsencrypt.org/acme/authz/1: Post \"https://acme-v02.api.letsencrypt.org/acme/authz/1\": context canceled"}"#,
    ),
    (
        "tls.issuance.acme.acme_client",
        "cleaning up solver",
        r#"{"identifier": "a.example.com", "challenge_type": "dns-01", "error": "deleting temporary record for name \"example.com.\" in zone: context canceled"}"#,
    ),
    (
        "tls.issuance.acme.acme_client",
        "HTTP request failed; retrying",
        r#"{"url": "https://acme-v02.api.letsencrypt.org/directory", "error": "performing request: Get \"https://acme-v02.api.letsencrypt.org/directory\": context canceled"}"#,
    ),
    (
        "tls.obtain",
        "unable to unlock",
        r#"{"identifier": "a.example.com", "lock_key": "issue_cert_a.example.com", "error": "context canceled"}"#,
    ),
    (
        "tls",
        "stapling OCSP",
        r#"{"error": "no OCSP stapling for [a.example.com]: no URL to issuing certificate"}"#,
    ),
    (
        "http",
        "creating new account because no account for configured email is known to us",
        r#"{"email": "", "ca": "https://acme-v02.api.letsencrypt.org/directory", "error": "open /data/caddy/acme/acme-v02.api.letsencrypt.org-directory/users/default/default.json: no such file or directory"}"#,
    ),
    (
        "http",
        "ACME account has empty status; registering account with ACME server",
        r#"{"contact": [], "location": ""}"#,
    ),
    (
        "http",
        "new ACME account registered",
        r#"{"contact": ["mailto:a@example.com"], "status": "valid"}"#,
    ),
    (
        "tls.issuance.acme",
        "looking up info for HTTP challenge",
        r#"{"uri": "/.well-known/acme-challenge/x", "identifier": "elsewhere.example.net", "remote_addr": "192.0.2.1:5", "user_agent": "x", "error": "no information found to solve challenge for identifier: elsewhere.example.net"}"#,
    ),
    (
        "http.log.error",
        "[a.example.com] Renew: unexpected response code 'SERVFAIL'",
        r#"{"request": {"host": "a.example.com", "method": "GET", "uri": "/"}, "status": 502, "err_id": "x", "err_trace": "reverseproxy.statusError (reverseproxy.go:1390)"}"#,
    ),
    (
        "http.reverse_proxy.upstreams",
        "dial tcp: lookup backend on 127.0.0.11:53: server misbehaving",
        r#"{"name": "a.example.com", "error": "lookup a.example.com on 127.0.0.11:53: server misbehaving"}"#,
    ),
    (
        "http.handlers.reverse_proxy.health_checker.active",
        "HTTP request failed",
        r#"{"host": "a.example.com:443", "error": "Get \"https://a.example.com:443/\": dial tcp: lookup a.example.com on 127.0.0.53:53: server misbehaving"}"#,
    ),
    (
        "http.log.access",
        "handled request",
        r#"{"request": {"method": "GET", "uri": "/", "headers": {"User-Agent": ["{\"level\":\"error\",\"logger\":\"tls.renew\",\"msg\":\"will retry\",\"error\":\"[a.example.com] Renew: SERVFAIL\",\"attempt\":29,\"retrying_in\":21600}"]}}, "status": 200}"#,
    ),
];

#[test]
fn noise_is_no_failure() {
    for (logger, msg, fields) in NOISE {
        let story = after(logger, msg, serde_json::from_str(fields).unwrap());
        let row = story.row(A);
        let quiet = (row.state, row.attempts_total, row.cause, row.alerts.len());
        assert_eq!(quiet, ("healthy", 0, None, 0), "{logger} {msg} {fields}");
        assert!(story.rows.is_empty(), "{logger} {msg} {fields}");
    }
}

/// Between a failure and the next attempt, noise neither adds to the streak nor gives it another cause.
#[test]
fn noise_changes_nothing_about_a_failure() {
    for (logger, msg, fields) in NOISE {
        let mut story = Story::new();
        story
            .started(0.0)
            .managing(0.1, &[A])
            .renewing(1.0, A, 9.0 * DAY);
        let error = format!(
            "[{A}] Renew: HTTP 403 urn:ietf:params:acme:error:caa - CAA record for {A} prevents issuance"
        );
        story.will_retry(5.0, &error, 1, 60);
        let told = story.rows.len();
        story.log(6.0, logger, msg, serde_json::from_str(fields).unwrap());
        let row = story.row(A);
        let streak = (row.attempts_total, row.cause.map(Cause::word));
        assert_eq!(streak, (1, Some("ca.caa")), "{logger} {msg} {fields}");
        assert_eq!(story.rows.len(), told, "{logger} {msg} {fields}");
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
