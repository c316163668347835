//! Who issued, and who renewed: another instance, an internal CA, nobody.

use super::story::{Story, T, at};
use notafter::caddy::ca::Ca;
use notafter::caddy::cause::Cause;
use serde_json::json;

const A: &str = "a.example.com";
const X: &str = "x.example.org";
const DAY: f64 = 86_400.0;

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

/// Caddy 2.8 and later, by the API: no directory, no staging, errors with HTTP 200 (caddyserver/zerossl
/// `client.go`).
#[test]
fn zerossl_by_its_own_interface_tells_its_cause_and_ca() {
    let api = |step: &str, what: &str| {
        format!(
            "{step}: POST https://api.zerossl.com/certificates?access_key=redacted: HTTP 200: {what} (raw={{\"success\":false}} decode_error=json: unknown field \"success\")"
        )
    };
    let typed = |code: u32, kind: &str| {
        api(
            "creating certificate",
            &format!("API error {code}: {kind} (details=map[])"),
        )
    };
    let waited = "waiting for certificate to be issued: context deadline exceeded".to_owned();
    for (error, cause) in [
        (typed(101, "invalid_access_key"), Cause::CaAccount),
        (typed(102, "inactive_user"), Cause::CaAccount),
        (typed(111, "internal_server_error"), Cause::CaServerError),
        (typed(2836, "csr_cn_is_invalid"), Cause::CaRejectedName),
        (api("verifying identifiers", "API error 0: domain_control_validation_failed (details=map[])"), Cause::ChallengeWrongAnswer),
        (typed(9_999, "something_new"), Cause::Unknown),
        (api("creating certificate", "<missing error info>"), Cause::CaServerError),
        ("creating certificate: Post \"https://api.zerossl.com/certificates?access_key=redacted\": dial tcp: lookup api.zerossl.com: no such host".to_owned(), Cause::CaUnreachable),
        (waited, Cause::CaUnreachable),
    ] {
        let mut story = Story::new();
        story.renewing(0.0, A, 9_000.0);
        let failed = json!({"identifier": A, "issuer": "zerossl", "error": error});
        story.log(1.0, "tls.renew", "could not get certificate from issuer", failed);
        story.will_retry(1.1, &format!("[{A}] Renew: {error}"), 1, 60);
        let row = story.row(A);
        assert_eq!((row.cause, row.ca), (Some(cause), Some(Ca::Production)), "{error}");
    }
}

/// By ACME, with account binding: Caddy fetches its credentials, or has them in its configuration (Caddy
/// v2.11.4 `acmeissuer.go`).
#[test]
fn zerossl_by_acme_tells_what_is_wrong_with_its_account_binding() {
    for (error, cause) in [
        (
            "account pre-registration callback: failed getting EAB credentials: HTTP 200: caddy_legacy_user_removed (code 2977)",
            Cause::CaEab,
        ),
        (
            "account pre-registration callback: failed getting EAB credentials: HTTP 200: failed_creating_eab_account (code 2902)",
            Cause::CaServerError,
        ),
        (
            "account pre-registration callback: failed getting EAB credentials: HTTP 200: too_many_eab_credentials_created_today (code 2904)",
            Cause::CaRateLimited,
        ),
        (
            "registering account [] with server: attempt 1: https://acme.zerossl.com/v2/DV90/newAccount: HTTP 400 urn:ietf:params:acme:error:malformed - [External Account Binding] Invalid MAC on JWS request",
            Cause::CaEab,
        ),
        (
            "registering account [] with server: attempt 1: https://acme.zerossl.com/v2/DV90/newAccount: HTTP 400 urn:ietf:params:acme:error:externalAccountRequired - The request must include a value for the \"externalAccountBinding\" field",
            Cause::CaEab,
        ),
    ] {
        let mut story = Story::new();
        story.renewing(0.0, A, 9_000.0);
        let failed = json!({"identifier": A, "issuer": "acme.zerossl.com-v2-DV90", "error": error});
        story.log(
            1.0,
            "tls.renew",
            "could not get certificate from issuer",
            failed,
        );
        story.will_retry(1.1, &format!("[{A}] Renew: {error}"), 1, 60);
        let row = story.row(A);
        assert_eq!(
            (row.cause, row.ca),
            (Some(cause), Some(Ca::Production)),
            "{error}"
        );
    }
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
