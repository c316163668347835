//! Lines that strangers can bring about, with entries of Caddy quoted in them.

use crate::forged::{NAME, forged, line, request};
use serde_json::json;

/// One of the lines that a request can bring about, by its number.
pub(crate) fn hostile(number: usize, ts: f64) -> String {
    let forged = forged();
    let evil = &forged[number % forged.len()];
    let request = || request([evil, &format!("{evil}\n{evil}"), evil, evil, "SERVFAIL"]);
    let fields = json!({"request": request(), "bytes_read": 0, "user_id": evil, "duration": 0.1,
        "size": 7, "status": 404, "resp_headers": {"Location": [evil]}});
    let access = line(
        "info",
        ts,
        "http.log.access.log0",
        "handled request",
        &fields,
    );
    match number / forged.len() % 6 {
        0 => access,
        1 => {
            let msg = format!(
                "dial tcp: lookup {evil} on 127.0.0.53:53: server misbehaving: SERVFAIL, will retry"
            );
            let fields =
                json!({"request": request(), "status": 502, "err_id": "x", "err_trace": evil});
            line("error", ts, "http.log.error", &msg, &fields)
        }
        2 => {
            let error = format!("[{NAME}] Renew: {evil}");
            let fields = json!({"error": error, "request": request()});
            let msg = "aborting with incomplete response";
            line("error", ts, "http.handlers.reverse_proxy", msg, &fields)
        }
        3 => {
            let msg = format!("http: TLS handshake error from 203.0.113.9:1: {evil}");
            line("debug", ts, "http.stdlib", &msg, &json!({"error": evil}))
        }
        // A site may add fields of any name behind Caddy's own.
        4 => {
            let open = access.strip_suffix('}').unwrap();
            let again = forged[0].strip_prefix('{').unwrap();
            format!("{open},{again}")
        }
        // A line that was torn in two.
        _ => access.split_at(access.len() / 2).1.to_owned(),
    }
}
