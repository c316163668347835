//! Somebody points ten thousand made-up names at a server with on-demand TLS.

use crate::server::{ISSUER, Line, Server, Style};
use crate::told::{Told, by_replay, values};
use notafter::engine::message::Reason;
use notafter::rules::Severity;
use serde_json::json;

const LIMITED: &str = "[{name}] creating new order: HTTP 429 urn:ietf:params:acme:error:rateLimited - too many new orders recently (ca=https://acme-v02.api.letsencrypt.org/directory)";
const MANAGED: &str = "www.example.com";

/// A handshake begins the job; its context ends after 180 s (certmagic v0.25.3 `handshake.go`).
fn handshake(server: &mut Server, at: f64, name: &str) {
    let asks = json!({"remote_ip": "198.51.100.23", "remote_port": "49152", "server_name": name});
    server.say(at, "tls.on_demand", "obtaining new certificate", asks);
    let about = json!({"identifier": name});
    server.say(at + 0.01, "tls.obtain", "acquiring lock", about.clone());
    server.say(
        at + 0.03,
        "tls.obtain",
        "obtaining certificate",
        about.clone(),
    );
    let why = LIMITED.replace("{name}", name);
    let mut failed = about;
    (failed["issuer"], failed["error"]) = (json!(ISSUER), json!(why));
    let msg = "could not get certificate from issuer";
    server.say(at + 1.0, "tls.obtain", msg, failed);
    let error = format!("[{name}] Obtain: {why}");
    let told = json!({"error": error, "attempt": 1, "retrying_in": 60, "elapsed": 1.0, "max_duration": 2_592_000});
    server.say(at + 1.01, "tls.obtain", "will retry", told);
}

/// A server with one name of its own, and strangers three seconds apart.
fn flood(strangers: u32) -> Vec<Line> {
    let own = (MANAGED.to_owned(), 40.0);
    let mut server = Server::new(Style::NewTable, 90.0, [own].into_iter());
    server.start(0.0);
    for n in 0..strangers {
        let name = format!("x{}.example.net", n.wrapping_mul(2_654_435_761));
        handshake(&mut server, 100.0 + f64::from(n) * 3.0, &name);
    }
    server.told()
}

#[test]
fn ten_thousand_made_up_names_are_one_incident() {
    let lines = flood(10_000);
    let told = Told::by_watch(&lines, 7_200.0);
    let rows = told.rows.iter();
    let about: Vec<_> = rows.filter_map(|row| row.certificate.as_deref()).collect();
    assert!(about.is_empty(), "{about:?}");
    assert_eq!(told.incidents(Severity::Info).len(), 1);
    let reasons: Vec<Reason> = told.loud().iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [Reason::Opened, Reason::Closed]);
    assert_eq!(
        told.owed.len(),
        3,
        "and one word when the first name failed"
    );

    let rows = by_replay(&lines);
    assert_eq!(values(&rows, "incident").len(), 1);
    assert_eq!(values(&rows, "rule"), ["on-demand-failing"].into());
    assert_eq!(values(&rows, "severity"), ["info", "warning"].into());
}

#[test]
fn a_customer_who_is_not_ready_wakes_nobody() {
    let told = Told::by_watch(&flood(3), 7_200.0);
    assert!(told.loud().is_empty());
    assert_eq!(told.owed.len(), 2);
}
