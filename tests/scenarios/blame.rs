//! Whose failure it is: the first failing issuer, the problem inside the attempt, the rate limit.

use super::story::{Story, at};
use notafter::caddy::ca::Ca;
use notafter::caddy::cause::Cause;
use serde_json::{Value, json};

const A: &str = "a.example.com";
const LE_KEY: &str = "acme-v02.api.letsencrypt.org-directory";
const LE: &str = "https://acme-v02.api.letsencrypt.org/directory";
const STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";
const ZEROSSL: &str = "https://acme.zerossl.com/v2/DV90";

fn issuer_failed(story: &mut Story, after: f64, issuer: &str, error: &str) {
    let fields = json!({"identifier": A, "issuer": issuer, "error": error});
    story.log(
        after,
        "tls.renew",
        "could not get certificate from issuer",
        fields,
    );
}

fn blamed(story: &Story) -> (Option<Cause>, Option<Ca>) {
    let row = story.row(A);
    (row.cause, row.ca)
}

#[test]
fn of_several_issuers_the_first_one_is_blamed_cause_and_ca() {
    let mut story = Story::new();
    story.renewing(0.0, A, 9_000.0);
    issuer_failed(
        &mut story,
        1.0,
        LE_KEY,
        "HTTP 403 urn:ietf:params:acme:error:caa - CAA record prevents issuance",
    );
    let zero = "caddy_legacy_user_removed (code 2977)";
    issuer_failed(&mut story, 2.0, "acme.zerossl.com-v2-DV90", zero);
    story.will_retry(2.1, &format!("[{A}] Renew: {zero} (ca={ZEROSSL})"), 1, 60);
    assert_eq!(blamed(&story), (Some(Cause::CaCaa), Some(Ca::Production)));
}

#[test]
fn the_only_issuer_is_asked_at_the_ca_of_the_last_line() {
    let mut story = Story::new();
    story.renewing(0.0, A, 9_000.0);
    let problem = "HTTP 429 urn:ietf:params:acme:error:rateLimited - Service busy; retry later.";
    issuer_failed(&mut story, 1.0, LE_KEY, problem);
    story.will_retry(
        1.1,
        &format!("[{A}] Renew: {problem} (ca={STAGING})"),
        2,
        120,
    );
    assert_eq!(
        blamed(&story),
        (Some(Cause::CaRateLimited), Some(Ca::Staging))
    );
}

/// Caddy 2.6.2: both challenge types failed, and the last line only says that none is left.
#[test]
fn the_problem_inside_the_attempt_counts_where_the_last_line_lost_it() {
    let none_left = "no solvers available for remaining challenges (configured=[http-01 tls-alpn-01] offered=[http-01 dns-01 tls-alpn-01] remaining=[dns-01])";
    let flat = json!({"identifier": A, "challenge_type": "http-01", "status_code": 400,
        "problem_type": "urn:ietf:params:acme:error:dns", "error": "DNS problem: NXDOMAIN looking up A for a.example.com"});
    let nested = json!({"identifier": A, "challenge_type": "http-01", "level": "error",
        "problem": {"type": "urn:ietf:params:acme:error:dns", "detail": "DNS problem: NXDOMAIN looking up A for a.example.com"}});
    for fields in [flat, nested] {
        let mut story = Story::new();
        story.renewing(0.0, A, 9_000.0);
        story.log(1.0, "http.acme_client", "challenge failed", fields);
        issuer_failed(
            &mut story,
            2.0,
            LE_KEY,
            &format!("[{A}] solving challenges: {none_left}"),
        );
        story.will_retry(2.1, &format!("[{A}] Renew: {none_left} (ca={LE})"), 1, 60);
        assert_eq!(
            blamed(&story),
            (Some(Cause::DnsNxdomain), Some(Ca::Production))
        );
        // The next attempt has a failure of its own.
        story.renewing(62.0, A, 8_938.0);
        story.will_retry(
            63.0,
            &format!("[{A}] Renew: dial tcp: connection refused (ca={LE})"),
            2,
            120,
        );
        assert_eq!(blamed(&story).0, Some(Cause::CaUnreachable));
    }
}

#[test]
fn the_problem_of_the_first_issuer_is_not_taken_for_the_second() {
    let mut story = Story::new();
    story.renewing(0.0, A, 9_000.0);
    issuer_failed(&mut story, 1.0, LE_KEY, "something odd");
    let fields = json!({"identifier": A, "problem": {"type": "urn:ietf:params:acme:error:caa", "detail": "no"}});
    story.log(2.0, "http.acme_client", "challenge failed", fields);
    issuer_failed(
        &mut story,
        3.0,
        "acme.zerossl.com-v2-DV90",
        "no solvers available",
    );
    story.will_retry(
        3.1,
        &format!("[{A}] Renew: no solvers available (ca={ZEROSSL})"),
        1,
        60,
    );
    assert_eq!(blamed(&story), (Some(Cause::Unknown), Some(Ca::Production)));
}

#[test]
fn the_end_of_a_rate_limit_is_a_fact() {
    let rule = r#"
id = "limited"
title = "A rate limit"
scope = "certificate"
why = "To be seen."
closes = "attempt"
[severity.warning]
when = 'cert.cause == "ca.rate-limited" && cert.rate_limited_until > cert.not_after'
[message]
title = '''{{ name }} {{ cert.rate_limited_until|utc }}'''
summary = "x"
remedy = "y"
[[example]]
why = "the limit ends after the certificate"
expect = "opens"
severity = "warning"
lines = [
  '''{"level":"info","ts":1777845837.34,"logger":"tls.renew","msg":"renewing certificate","identifier":"a.example.com","remaining":5642.66}''',
  '''{"level":"error","ts":1777845841.5,"logger":"tls.renew","msg":"will retry","error":"[a.example.com] Renew: HTTP 429 urn:ietf:params:acme:error:rateLimited - too many, retry after 2026-05-04 22:04:01 UTC: see x","attempt":1,"retrying_in":60}''',
]
[[example]]
why = "nothing failed"
expect = "silent"
lines = ['''{"level":"info","ts":1777845841.5,"logger":"tls.renew","msg":"renewing certificate","identifier":"a.example.com","remaining":5000}''']
"#;
    let mut story = Story::with(vec![("limited.toml".to_owned(), rule.to_owned())]);
    story.renewing(0.0, A, 9_000.0);
    let end = at(20_000.0).utc();
    let error = format!(
        "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after {end}: see https://letsencrypt.org/docs/rate-limits/"
    );
    issuer_failed(&mut story, 1.0, LE_KEY, &error);
    story.will_retry(1.1, &format!("[{A}] Renew: {error} (ca={LE})"), 1, 60);
    assert!(
        story.opened(A).contains(&"limited"),
        "{:?}",
        story.opened(A)
    );
    let row = story.rows.iter().find(|row| row.rule == "limited");
    assert_eq!(
        row.map(|row| row.title.as_str()),
        Some(&*format!("{A} {end}"))
    );
}

/// Caddy holds the job for running and never tries again before a restart.
#[test]
fn a_worker_that_panicked_ends_the_job() {
    let mut story = Story::new();
    story.renewing(0.0, A, 900_000.0);
    let msg = "panic: certificate worker: runtime error: invalid memory address or nil pointer dereference\ngoroutine 12 [running]:";
    story.log(1.0, "", msg, Value::Object(serde_json::Map::new()));
    let row = story.row(A);
    assert_eq!(
        (row.state, row.cause, row.next_retry),
        ("ended", Some(Cause::Crash), None)
    );
}

/// Caddy 2.8.4 to 2.10.2 panic when the CA has forgotten their account twice in one attempt, and say so on
/// standard error only, wherever the log goes.
#[test]
fn an_attempt_that_ends_without_a_word_is_a_dead_worker() {
    let mut story = Story::new();
    story.started(0.0).maintenance(600.0, A, 900_000.0);
    let lost = "ACME account does not exist on server; attempting to recreate";
    let problem = "HTTP 400 urn:ietf:params:acme:error:accountDoesNotExist - Account not found.";
    story.log(
        600.2,
        "tls.issuance.acme",
        lost,
        json!({"problem": problem}),
    );
    story.log(
        600.3,
        "tls.renew",
        "releasing lock",
        json!({"identifier": A}),
    );
    assert_eq!(story.row(A).attempts_total, 0, "the outcome may follow");
    let queued = json!({"identifiers": [A], "remaining": 899_400.0});
    let msg = "certificate expires soon; queuing for renewal";
    story.log(1_200.0, "tls.cache.maintenance", msg, queued);
    let row = story.row(A);
    assert_eq!((row.state, row.attempts_total), ("ended", 1));
    assert_eq!((row.cause, row.next_retry), (Some(Cause::CaAccount), None));
    assert!(row.alerts.contains(&"renewal-failing".to_owned()));
}

/// The `error` directive makes a message of whatever a stranger puts into the request.
#[test]
fn a_message_that_a_request_chose_means_nothing() {
    for (logger, msg) in [
        ("http.log.error.log0", "panic: certificate worker: gotcha"),
        (
            "http.log.error",
            "started background certificate maintenance",
        ),
        ("http.handlers.templates", "job failed"),
    ] {
        let mut story = Story::new();
        story.renewing(0.0, A, 900_000.0);
        let before = story.row(A);
        story.log(
            1.0,
            logger,
            msg,
            json!({"identifier": A, "error": format!("[{A}] Renew: x")}),
        );
        assert_eq!(story.row(A), before, "{logger}");
    }
}

#[test]
fn what_nobody_understands_is_counted_and_shown() {
    let mut story = Story::new();
    story.started(0.0).log(
        1.0,
        "tls.renew",
        "certificate renewal was postponed by the moon",
        json!({}),
    );
    story.log(
        2.0,
        "tls.renew",
        "certificate renewal was postponed by the moon",
        json!({"error": "x"}),
    );
    let unknowns: Vec<_> = story.engine.unknowns().collect();
    let [(instance, unknowns)] = unknowns[..] else {
        panic!("{unknowns:?}");
    };
    assert_eq!((instance, unknowns.lines, unknowns.errors), ("caddy", 2, 1));
    let times = unknowns
        .messages
        .get("certificate renewal was postponed by the moon");
    assert_eq!(times, Some(&2));
}

/// What a person is told to do last, for a renewal that sleeps in a job of the maintenance loop.
#[test]
fn what_helps_is_told_by_the_generation_that_the_log_gave_away() {
    let note = "server is listening only on the HTTPS port but has no TLS connection policies; adding one to enable TLS";
    for (logger, expected) in [
        (
            "http",
            "`caddy reload --force` tries ten minutes after the reload",
        ),
        (
            "http.auto_https",
            "a reload does not help and keeps the old settings",
        ),
    ] {
        let mut story = Story::new();
        story.log(
            0.0,
            logger,
            note,
            json!({"server_name": "srv0", "https_port": 443}),
        );
        story.started(0.1).maintenance(600.0, A, 9_000.0);
        story.will_retry(
            604.0,
            &format!("[{A}] Renew: HTTP 403 urn:ietf:params:acme:error:caa - no (ca={LE})"),
            29,
            21_600,
        );
        let alarm = story
            .rows
            .iter()
            .find(|row| row.rule == "retry-after-expiry");
        let remedy = alarm.map_or("", |row| row.remedy.as_str());
        assert!(remedy.contains(expected), "{logger}: {remedy}");
        assert!(!story.knows("srv0"));
    }
}
