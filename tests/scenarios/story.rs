//! A log written line by line, and what the engine makes of it.

use notafter::caddy::entry::Entry;
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::message::Reason;
use notafter::engine::{AlertRow, Engine};
use notafter::report::json::CertificateRow;
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use notafter::time::LogTime;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// The start of every story, in seconds since the Unix epoch.
pub(crate) const T: f64 = 1_790_000_000.0;

pub(crate) struct Story {
    pub(crate) engine: Engine,
    pub(crate) rows: Vec<AlertRow>,
    line: u64,
}

impl Story {
    pub(crate) fn new() -> Self {
        static BUILT_IN_ALONE: LazyLock<Arc<RuleSet>> = LazyLock::new(|| rules(Vec::new()));
        Self::by(Arc::clone(&BUILT_IN_ALONE))
    }

    /// With rule files over the built-in ones.
    pub(crate) fn with(files: Vec<(String, String)>) -> Self {
        Self::by(rules(files))
    }

    fn by(rules: Arc<RuleSet>) -> Self {
        Self {
            engine: Engine::new(rules),
            rows: Vec::new(),
            line: 0,
        }
    }

    /// A line so many seconds after the start.
    pub(crate) fn log(&mut self, after: f64, logger: &str, msg: &str, fields: Value) -> &mut Self {
        let level = if fields.get("error").is_some() {
            "error"
        } else {
            "info"
        };
        let mut line = json!({"level": level, "ts": T + after, "logger": logger, "msg": msg});
        let (Value::Object(line_fields), Value::Object(fields)) = (&mut line, fields) else {
            panic!("fields are an object");
        };
        line_fields.extend(fields);
        let text = line.to_string();
        let entry = Entry::decode(text.as_bytes()).unwrap();
        self.line += 1;
        let origin = Origin {
            source: "story".into(),
            line: self.line,
        };
        let quote = || Quote::new(&origin, text.as_bytes());
        self.engine.entry("caddy", &entry, quote, &mut self.rows);
        self
    }

    /// An attempt of a renewal begins; the certificate has `left` seconds.
    pub(crate) fn renewing(&mut self, after: f64, name: &str, left: f64) -> &mut Self {
        let fields = json!({"identifier": name, "remaining": left});
        self.log(after, "tls.renew", "renewing certificate", fields)
    }

    pub(crate) fn will_retry(
        &mut self,
        after: f64,
        error: &str,
        attempt: u32,
        wait: u32,
    ) -> &mut Self {
        let fields = json!({"error": error, "attempt": attempt, "retrying_in": wait, "elapsed": 4});
        self.log(after, "tls.renew", "will retry", fields)
    }

    pub(crate) fn job_failed(&mut self, after: f64, error: &str) -> &mut Self {
        self.log(after, "tls", "job failed", json!({"error": error}))
    }

    /// A job of the maintenance loop begins its attempt.
    pub(crate) fn maintenance(&mut self, after: f64, name: &str, left: f64) -> &mut Self {
        let fields = json!({"identifiers": [name], "remaining": left});
        self.log(
            after,
            "tls.cache.maintenance",
            "attempting certificate renewal",
            fields,
        );
        self.renewing(after + 0.1, name, left - 0.1)
    }

    pub(crate) fn started(&mut self, after: f64) -> &mut Self {
        let msg = "started background certificate maintenance";
        self.log(
            after,
            "tls.cache.maintenance",
            msg,
            json!({"cache": "0xc000"}),
        )
    }

    pub(crate) fn managing(&mut self, after: f64, names: &[&str]) -> &mut Self {
        let msg = "enabling automatic TLS certificate management";
        self.log(after, "http", msg, json!({"domains": names}))
    }

    pub(crate) fn succeeded(
        &mut self,
        after: f64,
        verb: &str,
        name: &str,
        issuer: Option<&str>,
    ) -> &mut Self {
        let mut fields = json!({"identifier": name});
        if let Some(issuer) = issuer {
            fields["issuer"] = json!(issuer);
        }
        let logger = if verb == "obtained" {
            "tls.obtain"
        } else {
            "tls.renew"
        };
        self.log(
            after,
            logger,
            &format!("certificate {verb} successfully"),
            fields,
        )
    }

    /// The certificate in use is replaced by one that expires so many seconds after the start.
    pub(crate) fn replaced(&mut self, after: f64, name: &str, expires: f64) -> &mut Self {
        let fields = json!({"subjects": [name], "new_expiration": T + expires + 1.0});
        self.log(after, "tls.cache", "replaced certificate in cache", fields)
    }

    pub(crate) fn tick(&mut self, after: f64) -> &mut Self {
        self.engine.tick("caddy", at(after), &mut self.rows);
        self
    }

    /// Rules that opened or worsened for a name, in order.
    pub(crate) fn opened(&self, name: &str) -> Vec<&str> {
        let rows = self.rows.iter();
        rows.filter(|row| row.certificate.as_deref() == Some(name))
            .filter(|row| row.reason != Reason::Closed)
            .map(|row| row.rule.as_str())
            .collect()
    }

    pub(crate) fn row(&self, name: &str) -> CertificateRow {
        let mut all = self.engine.certificates();
        let found = all.find(|(_, _, certificate)| certificate.name.as_str() == name);
        let Some((instance, at, certificate)) = found else {
            panic!("{name} is not known");
        };
        CertificateRow::new(instance, certificate, at)
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        let mut all = self.engine.certificates();
        all.any(|(_, _, certificate)| certificate.name.as_str() == name)
    }
}

fn rules(files: Vec<(String, String)>) -> Arc<RuleSet> {
    let rules = RuleSet::new(BUILT_IN, files, &Configured::default());
    Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")))
}

pub(crate) fn at(after: f64) -> LogTime {
    #[expect(clippy::cast_possible_truncation, reason = "times of this century")]
    LogTime::from_micros(((T + after) * 1e6).round() as i64)
}
