//! Which lines an alert quotes, and what it says where no attempt has failed.

use super::story::{Story, T};
use notafter::caddy::cause::Cause;
use notafter::engine::AlertRow;
use notafter::engine::message::Message;
use serde_json::{Value, json};

const A: &str = "a.example.com";
const DAY: f64 = 86_400.0;
const LOOP: &str = "tls.cache.maintenance";
const OUTAGE: &str = "registering account [] with server: provisioning client: performing request: Get \"https://acme-v02.api.letsencrypt.org/directory\": dial tcp 203.0.113.5:443: connect: connection refused";

fn managed() -> Story {
    let mut story = Story::new();
    story.started(0.0).managing(0.1, &[A]);
    story
}

/// The first row of a rule.
fn first<'a>(story: &'a Story, rule: &str) -> &'a AlertRow {
    let found = story.rows.iter().find(|row| row.rule == rule);
    found.unwrap_or_else(|| panic!("{rule} has not opened"))
}

/// The messages of the lines that the first row of a rule quotes.
fn quoted(story: &Story, rule: &str) -> Vec<String> {
    let quotes = first(story, rule).evidence.iter();
    let lines = quotes.map(|quote| serde_json::from_str::<Value>(&quote.text));
    let messages = lines.map(|line| line.unwrap()["msg"].as_str().unwrap().to_owned());
    messages.collect()
}

fn settled(story: &mut Story) -> Vec<Message> {
    story.engine.settle("caddy")
}

#[test]
fn what_is_revoked_quotes_the_line_that_says_so() {
    let ocsp = "OCSP status for managed certificate is REVOKED; attempting to replace with new certificate";
    let mut story = managed();
    let fields = json!({"identifiers": [A], "expiration": T + 60.0 * DAY + 1.0});
    story.log(1.0, LOOP, ocsp, fields);
    assert_eq!(quoted(&story, "revoked"), [ocsp]);
    let mut story = managed();
    let ari = "ARI window or selected renewal time changed";
    let window = |after: f64| json!(T + after);
    let fields = json!({"identifiers": [A], "cert_expiry": T + 60.0 * DAY,
        "prev_start": window(30.0 * DAY), "prev_end": window(32.0 * DAY),
        "next_start": window(-3.0 * DAY), "next_end": window(-DAY)});
    story.log(1.0, LOOP, ari, fields);
    assert_eq!(quoted(&story, "revoked"), [ari]);
}

#[test]
fn what_nobody_renews_quotes_the_line_that_says_so() {
    let mut story = managed();
    let said = "unmanaged certificate expires within 1 day";
    let fields = json!({"not_after": T + 40_000.0, "sans": ["u.example.com"]});
    story.log(1.0, "tls", said, fields);
    assert_eq!(quoted(&story, "unmanaged-expiring"), [said]);
}

#[test]
fn what_nobody_works_on_quotes_the_tick_that_finds_it_due() {
    let mut story = managed();
    let said = "certificate expires soon; queuing for renewal";
    for tick in 1..=4 {
        let after = 600.0 * f64::from(tick);
        let fields = json!({"identifiers": [A], "remaining": 2.0 * DAY - after});
        story.log(after, LOOP, said, fields);
    }
    story.tick(2_500.0);
    assert_eq!(quoted(&story, "renewal-stuck"), [said]);
}

#[test]
fn an_attempt_that_hangs_quotes_its_begin_and_is_called_so() {
    let mut story = managed();
    story.renewing(1.0, A, 10.0 * DAY).tick(9_000.0);
    assert_eq!(quoted(&story, "renewal-stuck"), ["renewing certificate"]);
    let title = &first(&story, "renewal-stuck").title;
    assert_eq!(
        title,
        "a.example.com: an attempt hangs and nobody hears of it"
    );
}

#[test]
fn an_expiry_without_a_failure_sends_nobody_to_an_error_that_is_not_there() {
    let mut story = managed();
    story.replaced(1.0, A, DAY).tick(DAY + 1.0);
    let expired = first(&story, "expired");
    let remedy = "No attempt for a.example.com has been seen to fail: see that Caddy runs and still manages it.";
    assert!(expired.remedy.starts_with(remedy), "{}", expired.remedy);
}

#[test]
fn alerts_about_the_log_quote_their_own_lines_and_are_not_called_one() {
    let mut story = managed();
    let fields = json!({"error": "runtime error", "stack": "goroutine 41 [running]:"});
    story.log(60.0, LOOP, "panic", fields);
    assert!(settled(&mut story)[0].title.starts_with("caddy: "));
    story.started(3_000.0);
    story.tick(3_001.0);
    let told = settled(&mut story);
    assert_eq!(told[0].title, "caddy: caddy-crashed is over");
    assert!(
        told[0].body.contains("It had been open for 49 min"),
        "{}",
        told[0].body
    );
    for number in 0..10 {
        let after = 3_100.0 + f64::from(number);
        let name = format!("x{number}.example.net");
        let fields = json!({"remote_ip": "198.51.100.23", "server_name": name});
        story.log(after, "tls.on_demand", "obtaining new certificate", fields);
        let fields = json!({"error": format!("[{name}] Obtain: [{name}] {OUTAGE}"), "attempt": 1, "retrying_in": 60});
        story.log(after + 0.1, "tls.obtain", "will retry", fields);
    }
    assert_eq!(quoted(&story, "caddy-crashed"), ["panic"]);
    assert_eq!(quoted(&story, "on-demand-failing"), ["will retry"]);
    let told = settled(&mut story);
    assert!(
        told.iter().all(|one| !one.title.starts_with("again: ")),
        "{told:#?}"
    );
}

#[test]
fn a_silence_that_is_told_late_says_how_long_it_is_now() {
    let mut story = managed();
    for tick in [600.0, 1_200.0] {
        let fields = json!({"identifiers": [A], "remaining": 30.0 * DAY - tick});
        story.log(
            tick,
            LOOP,
            "certificate expires soon; queuing for renewal",
            fields,
        );
    }
    story.tick(20.0 * DAY + 1_200.0);
    let told = settled(&mut story);
    let last = ["certificate expires soon; queuing for renewal"];
    assert_eq!(quoted(&story, "source-silent"), last);
    let body = &told
        .iter()
        .find(|one| one.certificates_total == 0)
        .unwrap()
        .body;
    assert!(body.contains("14:33:20 UTC, 20 d ago"), "{body}");
}

#[test]
fn a_downgrade_names_why_the_first_issuer_failed_and_no_expiry_of_the_old_certificate() {
    let mut story = managed();
    story
        .replaced(0.5, A, 20.0 * DAY)
        .renewing(1.0, A, 20.0 * DAY - 1.0);
    let issuer = "acme-v02.api.letsencrypt.org-directory";
    let fields = json!({"identifier": A, "issuer": issuer, "error": format!("[{A}] {OUTAGE}")});
    story.log(
        2.0,
        "tls.renew",
        "could not get certificate from issuer",
        fields,
    );
    story.succeeded(3.0, "renewed", A, Some("local"));
    let row = first(&story, "issuer-downgrade");
    assert!(row.summary.contains("(ca.unreachable)"), "{}", row.summary);
    assert!(!row.summary.contains("It expires"), "{}", row.summary);
    assert_eq!(row.cause.map(Cause::word), Some("ca.unreachable"));
}

#[test]
fn a_first_issuance_that_is_given_up_says_that_there_is_no_certificate() {
    let mut story = managed();
    story.log(
        1.0,
        "tls.obtain",
        "obtaining certificate",
        json!({"identifier": A}),
    );
    let error = format!("[{A}] Obtain: [{A}] {OUTAGE}");
    let fields =
        json!({"error": error, "attempt": 142, "elapsed": 2_592_011.4, "max_duration": 2_592_000});
    story.log(2.0, "tls.obtain", "final attempt; giving up", fields);
    let summary = &first(&story, "gave-up").summary;
    assert!(
        summary.contains("No certificate has been issued for it yet"),
        "{summary}"
    );
}
