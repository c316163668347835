//! Names that only handshakes ask for: strangers choose them.

use super::story::{Story, T};
use notafter::engine::message::Reason;
use notafter::rules::Severity;
use serde_json::json;

const A: &str = "a.example.com";
const X: &str = "x.example.org";
const DAY: f64 = 86_400.0;

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
    assert!(story.rows.iter().all(|row| row.certificate.is_none()));
    let said: Vec<_> = story
        .rows
        .iter()
        .map(|row| (row.reason, row.severity))
        .collect();
    let expected = [
        (Reason::Opened, Severity::Info),
        (Reason::Worsened, Severity::Warning),
        (Reason::Closed, Severity::Warning),
    ];
    assert_eq!(said, expected, "all of them are one matter");
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
    assert!(story.rows.iter().all(|row| row.certificate.is_none()));
    story.managing(4.0, &[A]);
    assert!(story.knows(A), "the list still counts");
}
