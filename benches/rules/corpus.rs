//! Logs to measure on: traffic, and among it a share of lines about certificates.

use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// 2026-05-01T01:46:40Z.
const START_SECONDS: f64 = 1_777_600_000.0;
/// So many names take turns.
pub(crate) const NAMES: usize = 200;

/// How much of a log is about certificates.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) name: &'static str,
    pub(crate) bytes: usize,
    /// One line of so many is about a certificate.
    pub(crate) one_in: usize,
}

impl Mix {
    /// Writes the log.
    pub(crate) fn write(self, path: &Path) -> Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let mut written = 0;
        for number in 0_usize.. {
            let line = if number.is_multiple_of(self.one_in) {
                certificate(number / self.one_in, at(number))
            } else {
                request(number)
            };
            written += line.len() + 1;
            writeln!(file, "{line}")?;
            if written >= self.bytes {
                break;
            }
        }
        file.flush()
    }
}

/// Twenty requests a second.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of lines are far below 2^52"
)]
fn at(number: usize) -> f64 {
    START_SECONDS + number as f64 / 20.0
}

/// An access line as Caddy 2.11 prints it.
fn request(number: usize) -> String {
    let (client, name) = (number % 250, number * 7 % NAMES);
    format!(
        r#"{{"level":"info","ts":{:.6},"logger":"http.log.access.log0","msg":"handled request","request":{{"remote_ip":"198.51.100.{client}","remote_port":"5{client:04}","client_ip":"198.51.100.{client}","proto":"HTTP/2.0","method":"GET","host":"n{name}.example.test","uri":"/items/{number}","headers":{{"User-Agent":["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"],"Accept":["text/html"],"Accept-Encoding":["gzip, deflate, br"]}},"tls":{{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2","server_name":"n{name}.example.test"}}}},"bytes_read":0,"user_id":"","duration":0.00{client:03},"size":{number},"status":200,"resp_headers":{{"Server":["Caddy"],"Content-Type":["text/html; charset=utf-8"]}}}}"#,
        at(number)
    )
}

/// The next line of one name's life: it becomes due, and is renewed; one name in ten fails before.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of lines are far below 2^52"
)]
fn certificate(step: usize, at: f64) -> String {
    let name = format!("n{}.example.test", step % NAMES);
    let (turn, renew) = (step / NAMES, "tls.renew");
    let fails = (step % NAMES).is_multiple_of(10);
    // Each renewal adds 60 days to the first expiry, 25 days after the start.
    let remaining = START_SECONDS + (25 + 60 * (turn / 12)) as f64 * 86_400.0 - at;
    let (failing, line) = match turn % 12 {
        4 => (
            false,
            json!({"logger": renew, "msg": "acquiring lock", "identifier": name}),
        ),
        5 => (
            false,
            json!({"logger": renew, "msg": "lock acquired", "identifier": name}),
        ),
        6 => (
            false,
            json!({"logger": renew, "msg": "renewing certificate", "identifier": name, "remaining": remaining}),
        ),
        7 | 8 if fails => {
            let failure = format!(
                "[{name}] Renew: [{name}] solving challenges: presenting for challenge: could not determine zone for domain \"_acme-challenge.{name}\": unexpected response code 'SERVFAIL' for _acme-challenge.{name}. (order=https://acme-v02.api.letsencrypt.org/acme/order/1001/2002) (ca=https://acme-v02.api.letsencrypt.org/directory)"
            );
            let attempt = turn % 12 - 6;
            (
                true,
                json!({"logger": renew, "msg": "will retry", "error": failure, "attempt": attempt, "retrying_in": 60 * attempt, "elapsed": 30.5, "max_duration": 2_592_000}),
            )
        }
        9 => (
            false,
            json!({"logger": "http.acme_client", "msg": "authorization finalized", "identifier": name, "authz_status": "valid"}),
        ),
        10 => (
            false,
            json!({"logger": renew, "msg": "certificate renewed successfully", "identifier": name}),
        ),
        11 => (
            false,
            json!({"logger": renew, "msg": "releasing lock", "identifier": name}),
        ),
        _ => (
            false,
            json!({"logger": "tls.cache.maintenance", "msg": "certificate expires soon; queuing for renewal", "identifiers": [name], "remaining": remaining}),
        ),
    };
    let level = if failing { "error" } else { "info" };
    let mut text = format!(r#"{{"level":"{level}","ts":{at:.6},"#);
    text.push_str(line.to_string().trim_start_matches('{'));
    text
}
