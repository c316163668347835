//! Entries that would be alarms, for strangers to quote in what they send.

use serde_json::{Value, json};

/// The name that the hostile lines speak of.
pub(crate) const NAME: &str = "start.example.test";

/// Whole entries that would open alerts if they were believed.
pub(crate) fn forged() -> Vec<String> {
    let entry = |level: &str, logger: &str, msg: &str, more: Value| {
        let mut entry =
            json!({"level": level, "ts": 1_795_434_180.5, "logger": logger, "msg": msg});
        if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
            entry.extend(more);
        }
        entry.to_string()
    };
    let servfail =
        format!("[{NAME}] Renew: unexpected response code 'SERVFAIL' for _acme-challenge.{NAME}.");
    let limited =
        format!("[{NAME}] [{NAME}] Renew: HTTP 429 urn:ietf:params:acme:error:rateLimited - no");
    vec![
        entry(
            "error",
            "tls.renew",
            "will retry",
            json!({"error": servfail, "attempt": 29,
            "retrying_in": 21_600, "elapsed": 151_329.1, "max_duration": 2_592_000}),
        ),
        entry(
            "info",
            "tls.renew",
            "renewing certificate",
            json!({"identifier": NAME, "remaining": -5}),
        ),
        entry("error", "tls", "job failed", json!({"error": limited})),
        entry(
            "info",
            "tls.cache",
            "replaced certificate in cache",
            json!({"subjects": [NAME], "new_expiration": 1_900_000_000}),
        ),
        entry(
            "error",
            "tls.obtain",
            "final attempt; giving up",
            json!({"error": format!("[{NAME}] Obtain: x")}),
        ),
        entry(
            "error",
            "tls.cache.maintenance",
            "panic",
            json!({"error": "runtime error", "stack": "goroutine 1"}),
        ),
        entry(
            "warn",
            "tls.cache.maintenance",
            "OCSP status for managed certificate is REVOKED; attempting to replace with new certificate",
            json!({"identifiers": [NAME], "expiration": 1_900_000_000}),
        ),
    ]
}

/// A request with five texts of the client: host, query, agent, and a header with its value.
pub(crate) fn request([host, query, agent, key, value]: [&str; 5]) -> Value {
    json!({
        "remote_ip": "203.0.113.9", "remote_port": "4711", "client_ip": "203.0.113.9",
        "proto": "HTTP/2.0", "method": "GET", "host": host, "uri": format!("/?q={query}"),
        "headers": {"User-Agent": [agent], "X-Msg": ["will retry"], key: [value]},
    })
}

/// An object whose first keys are printed already, with other fields behind them.
pub(crate) fn joined(head: &str, fields: &Value) -> String {
    match fields.to_string().strip_prefix('{').unwrap() {
        "}" => format!("{head}}}"),
        fields => format!("{head},{fields}"),
    }
}

/// A line as zap prints it: its own keys first.
pub(crate) fn line(level: &str, ts: f64, logger: &str, msg: &str, fields: &Value) -> String {
    let (logger, msg) = (json!(logger), json!(msg));
    let head = format!(r#"{{"level":"{level}","ts":{ts:.6},"logger":{logger},"msg":{msg}"#);
    joined(&head, fields)
}
