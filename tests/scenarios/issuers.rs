//! Who issued, and who renewed: another instance, an internal CA, nobody.

use super::story::{Story, T, at};
use notafter::caddy::ca::Ca;
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
