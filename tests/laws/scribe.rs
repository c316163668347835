//! Logs of many names whose renewals fail and recover, as Caddy 2.8 writes them.

use crate::drive::Watcher;
use chrono::TimeDelta;
use notafter::engine::message::Message;
use notafter::time::LogTime;
use serde_json::{Value, json};

pub(crate) const START: f64 = 1_777_600_000.0;
pub(crate) const DAY: f64 = 86_400.0;

pub(crate) const SERVFAIL: &str = "solving challenges: presenting for challenge: could not determine zone for domain \"_acme-challenge.a.example.com\": unexpected response code 'SERVFAIL' for _acme-challenge.a.example.com. (order=https://acme-v02.api.letsencrypt.org/acme/order/1/2) (ca=https://acme-v02.api.letsencrypt.org/directory)";
pub(crate) const OUTAGE: &str = "registering account [] with server: provisioning client: performing request: Get \"https://acme-v02.api.letsencrypt.org/directory\": dial tcp 203.0.113.5:443: connect: connection refused";
pub(crate) const FIREWALL: &str = "solving challenge: a.example.com: [a.example.com] authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem) (ca=https://acme-v02.api.letsencrypt.org/directory)";
pub(crate) const LIMITED: &str = "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates already issued (ca=https://acme-v02.api.letsencrypt.org/directory)";

/// As Caddy names its first issuer.
const PRODUCTION: &str = "acme-v02.api.letsencrypt.org-directory";

/// certmagic's waits after each failed attempt, in seconds.
const WAITS: [f64; 9] = [
    60.0, 120.0, 120.0, 300.0, 600.0, 600.0, 1_200.0, 1_200.0, 1_800.0,
];

/// Seconds after [`START`] as a moment of the log.
pub(crate) fn at(seconds: f64) -> LogTime {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
    LogTime::from_micros(((START + seconds) * 1e6) as i64)
}

/// A log under way; its lines are sorted when it is told.
#[derive(Default)]
pub(crate) struct Scribe {
    lines: Vec<(f64, String)>,
}

impl Scribe {
    pub(crate) fn line(
        &mut self,
        after: f64,
        (level, logger): (&str, &str),
        msg: &str,
        rest: Value,
    ) {
        let at = START + after;
        let mut line = json!({"level": level, "ts": at, "logger": logger, "msg": msg});
        if let (Some(line), Value::Object(rest)) = (line.as_object_mut(), rest) {
            line.extend(rest);
        }
        self.lines.push((at, line.to_string()));
    }

    /// A Caddy, or its maintenance loop, begins.
    pub(crate) fn started(&mut self, after: f64) {
        let msg = "started background certificate maintenance";
        let rest = json!({"cache": "0xc000123456"});
        self.line(after, ("info", "tls.cache.maintenance"), msg, rest);
    }

    /// The names that Caddy manages.
    pub(crate) fn manages(&mut self, after: f64, names: &[impl serde::Serialize]) {
        let msg = "enabling automatic TLS certificate management";
        self.line(after, ("info", "http"), msg, json!({"domains": names}));
    }

    /// An attempt that fails, with so many seconds of life left.
    pub(crate) fn failure(&mut self, after: f64, name: &str, error: &str, (n, left): (usize, f64)) {
        self.began(after, name, left);
        let error = format!("[{name}] Renew: [{name}] {error}");
        let wait = WAITS[(n - 1).min(WAITS.len() - 1)];
        let elapsed: f64 = WAITS.iter().take(n - 1).sum();
        self.line(
            after + 0.01,
            ("error", "tls.renew"),
            "will retry",
            json!({"error": error, "attempt": n, "retrying_in": wait, "elapsed": elapsed + 4.0, "max_duration": 2_592_000}),
        );
    }

    fn began(&mut self, after: f64, name: &str, left: f64) {
        let rest = json!({"identifier": name, "remaining": left});
        self.line(after, ("info", "tls.renew"), "renewing certificate", rest);
    }

    /// Attempts by the table from a moment until another; gives out when the next would begin.
    pub(crate) fn streak(
        &mut self,
        (from, until): (f64, f64),
        name: &str,
        error: &str,
        end: f64,
    ) -> f64 {
        let (mut now, mut n) = (from, 1);
        while now < until {
            self.failure(now, name, error, (n, end - now));
            now += WAITS[(n - 1).min(WAITS.len() - 1)];
            n += 1;
        }
        now
    }

    /// An attempt that succeeds.
    pub(crate) fn renewal(&mut self, after: f64, name: &str, left: f64) {
        self.slow_renewal((after, 3.0), name, left);
    }

    /// An attempt that succeeds after so many seconds.
    pub(crate) fn slow_renewal(&mut self, (after, took): (f64, f64), name: &str, left: f64) {
        self.success((after, took), name, left);
        self.replaced(after + took, name);
    }

    /// The same, and nothing tells when the new certificate expires.
    pub(crate) fn success(&mut self, (after, took): (f64, f64), name: &str, left: f64) {
        self.began(after, name, left);
        self.succeeded(after + took, name, PRODUCTION);
    }

    /// An attempt in which the first issuer fails, and another one issues the certificate.
    pub(crate) fn downgrade(&mut self, after: f64, name: &str, left: f64) {
        self.began(after, name, left);
        let rest = json!({"identifier": name, "issuer": PRODUCTION, "error": LIMITED});
        let msg = "could not get certificate from issuer";
        self.line(after + 2.0, ("error", "tls.renew"), msg, rest);
        self.succeeded(after + 5.0, name, "acme.zerossl.com-v2-DV90");
        self.replaced(after + 5.0, name);
    }

    fn succeeded(&mut self, done: f64, name: &str, issuer: &str) {
        let rest = json!({"identifier": name, "issuer": issuer});
        let msg = "certificate renewed successfully";
        self.line(done, ("info", "tls.renew"), msg, rest);
    }

    fn replaced(&mut self, done: f64, name: &str) {
        let expiration = (START + done + 90.0 * DAY).floor();
        let rest = json!({"subjects": [name], "new_expiration": expiration});
        let msg = "replaced certificate in cache";
        self.line(done + 0.1, ("info", "tls.cache"), msg, rest);
    }

    /// A tick finds names due, with so many seconds of life left.
    pub(crate) fn queued(&mut self, after: f64, names: &[impl serde::Serialize], left: f64) {
        let rest = json!({"identifiers": names, "remaining": left});
        let msg = "certificate expires soon; queuing for renewal";
        self.line(after, ("info", "tls.cache.maintenance"), msg, rest);
    }

    /// A line that has nothing to do with certificates.
    pub(crate) fn runs(&mut self, after: f64) {
        self.line(after, ("info", "http.handlers.echo"), "it runs", json!({}));
    }

    /// Handshakes ask for twelve names of strangers, and none can be obtained.
    pub(crate) fn strangers(&mut self, from: f64) {
        for n in 0..12_u32 {
            let (after, name) = (from + f64::from(n) * 5.0, format!("x{n}.example.net"));
            let rest = json!({"server_name": name});
            let msg = "obtaining new certificate";
            self.line(after, ("info", "tls.on_demand"), msg, rest);
            let rest = json!({"identifier": name, "error": LIMITED});
            let msg = "could not get certificate from issuer";
            self.line(after + 1.0, ("error", "tls.obtain"), msg, rest);
        }
    }

    /// The same log with a line about something else each minute.
    pub(crate) fn each_minute(mut self, until: f64) -> Self {
        let mut now = 0.0;
        while now < until {
            self.runs(now);
            now += 60.0;
        }
        self
    }

    /// Each message with how far the log, which goes on each minute, was when it was told.
    pub(crate) fn told(self, until: f64) -> Vec<(LogTime, Message)> {
        let mut told = Vec::new();
        let log = self.each_minute(until);
        log.tell_until(until, |watcher| watcher.note_told(&mut told));
        told
    }

    /// The lines in order.
    pub(crate) fn sorted(mut self) -> Vec<String> {
        self.lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.lines.into_iter().map(|(_, line)| line).collect()
    }

    /// The lines in order, and told after each.
    pub(crate) fn tell(self, mut each: impl FnMut(&mut Watcher)) -> Watcher {
        let mut watcher = Watcher::new();
        for line in self.sorted() {
            watcher.line(line.as_bytes());
            watcher.settle();
            each(&mut watcher);
        }
        watcher
    }

    /// The same, and then time alone, a minute at a time, with telling after each.
    pub(crate) fn tell_until(self, seconds: f64, mut each: impl FnMut(&mut Watcher)) -> Watcher {
        let mut watcher = self.tell(&mut each);
        while let Some(next) = watcher.engine.deadline(crate::drive::INSTANCE)
            && next <= at(seconds)
        {
            watcher.tick(next);
            watcher.settle();
            each(&mut watcher);
        }
        watcher.tick(at(seconds));
        watcher.settle();
        watcher
    }
}

/// `n` names of one zone.
pub(crate) fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("n{i}.example.com")).collect()
}

pub(crate) fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}
