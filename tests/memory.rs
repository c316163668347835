//! What a certificate costs in memory, by the bytes that are asked of the allocator. One test: the
//! allocator counts for the whole process.

#[cfg(test)]
mod memory {
    use notafter::caddy::entry::Entry;
    use notafter::engine::Engine;
    use notafter::engine::evidence::{Origin, Quote};
    use notafter::rules::{BUILT_IN, Configured, RuleSet};
    use peak_alloc::PeakAlloc;
    use serde_json::{Value, json};
    use std::sync::Arc;

    #[global_allocator]
    static ALLOCATOR: PeakAlloc = PeakAlloc;

    const T: f64 = 1_777_600_000.0;
    const DAY: f64 = 86_400.0;
    /// Names that live before those that are counted.
    const FIRST: u32 = 8;
    const HEALTHY_BYTES_MAX: usize = 400;
    const FAILING_BYTES_MAX: usize = 4_096;
    const SERVFAIL: &str = "solving challenges: presenting for challenge: could not determine zone for domain \"_acme-challenge.{name}\": unexpected response code 'SERVFAIL' for _acme-challenge.{name}. (order=https://acme-v02.api.letsencrypt.org/acme/order/2104325257/507891234567) (ca=https://acme-v02.api.letsencrypt.org/directory)";

    const UNREACHABLE: &str = "solving challenge: {name}: [{name}] authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem) (order=https://acme-v02.api.letsencrypt.org/acme/order/2104325257/507891234567) (ca=https://acme-v02.api.letsencrypt.org/directory)";

    struct Watch {
        engine: Engine,
        source: Arc<str>,
        line: u64,
        /// Lines to come, with the seconds after the start.
        lines: Vec<(f64, String)>,
    }

    impl Watch {
        fn new() -> Self {
            let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
            let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
            let mut watch = Self {
                engine: Engine::new(rules),
                source: "/var/log/caddy/caddy.log".into(),
                line: 0,
                lines: Vec::new(),
            };
            let msg = "started background certificate maintenance";
            watch.log(0.0, "tls.cache.maintenance", msg, json!({"cache": "0xc0"}));
            watch
        }

        fn log(&mut self, after: f64, logger: &str, msg: &str, fields: Value) {
            let level = if fields.get("error").is_some() {
                "error"
            } else {
                "info"
            };
            let mut line = json!({"level": level, "ts": T + after, "logger": logger, "msg": msg});
            if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
                line.extend(fields);
            }
            self.lines.push((after, line.to_string()));
        }

        /// Hears the lines that were written, in their order.
        fn hear(&mut self) {
            let mut lines = std::mem::take(&mut self.lines);
            lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            for (_, text) in lines {
                self.line += 1;
                let origin = Origin {
                    source: Arc::clone(&self.source),
                    line: self.line,
                };
                let entry = Entry::decode(text.as_bytes()).unwrap();
                let quote = || Quote::new(&origin, text.as_bytes());
                self.engine.entry("caddy", &entry, quote, &mut Vec::new());
                drop(self.engine.settle("caddy"));
                drop(self.engine.take_rows());
            }
        }

        /// A renewal that succeeds, and the news of it that Caddy fetches later.
        fn renewed(&mut self, after: f64, name: &str) {
            let about = json!({"identifier": name, "remaining": 30.0 * DAY});
            self.log(after, "tls.renew", "renewing certificate", about);
            let told =
                json!({"identifier": name, "issuer": "acme-v02.api.letsencrypt.org-directory"});
            let msg = "certificate renewed successfully";
            self.log(after + 5.0, "tls.renew", msg, told);
            let expires = (T + after + 90.0 * DAY).floor();
            let told = json!({"subjects": [name], "new_expiration": expires + 1.0});
            let msg = "replaced certificate in cache";
            self.log(after + 5.1, "tls.cache", msg, told);
            self.informed(after + 6.0, name);
        }

        /// Caddy has asked when the renewal should begin.
        fn informed(&mut self, after: f64, name: &str) {
            let expires = (T + after + 89.0 * DAY).floor();
            let told = json!({"identifiers": [name], "cert_expiry": expires, "selected_time": expires - 30.0 * DAY});
            let msg = "updated and stored ACME renewal information";
            self.log(after, "tls", msg, told);
        }

        /// Eight attempts that fail, for these reasons by turns, until few are left.
        fn fails(&mut self, after: f64, name: &str, reasons: &[&str]) {
            let mut at = after;
            for (attempt, wait) in (1_usize..).zip([60, 120, 120, 300, 600, 600, 600, 21_600]) {
                let about = json!({"identifiers": [name], "remaining": 30_000.0 - (at - after)});
                let msg = "certificate expires soon; queuing for renewal";
                self.log(at, "tls.cache.maintenance", msg, about);
                let about = json!({"identifier": name, "remaining": 30_000.0 - (at - after)});
                self.log(at, "tls.renew", "renewing certificate", about);
                let why = reasons[attempt % reasons.len()].replace("{name}", name);
                let issuer = "acme-v02.api.letsencrypt.org-directory";
                let told = json!({"identifier": name, "issuer": issuer, "error": why});
                let msg = "could not get certificate from issuer";
                self.log(at + 4.0, "tls.renew", msg, told);
                let error = format!("[{name}] Renew: {why}");
                let told = json!({"error": error, "attempt": attempt, "retrying_in": wait, "elapsed": at + 4.0 - after, "max_duration": 2_592_000});
                self.log(at + 4.0, "tls.renew", "will retry", told);
                at += f64::from(wait) + 4.0;
            }
        }
    }

    /// Bytes that each of so many certificates costs, once there are some: what is made at the first
    /// use belongs to none.
    fn bytes_each(names: u32, live: impl Fn(&mut Watch, u32, &str)) -> usize {
        let mut watch = Watch::new();
        let name = |n: u32| format!("host{n:06}.customers.example.com");
        for n in 0..FIRST {
            live(&mut watch, n, &name(n));
        }
        watch.hear();
        let before = ALLOCATOR.current_usage();
        for n in FIRST..FIRST + names {
            live(&mut watch, n, &name(n));
        }
        watch.hear();
        let used = ALLOCATOR.current_usage() - before;
        assert_eq!(
            watch.engine.certificates().count(),
            (FIRST + names) as usize
        );
        used / names as usize
    }

    #[test]
    fn a_healthy_certificate_costs_little_and_a_failing_one_not_much() {
        let names = std::env::var("NOTAFTER_NAMES").map_or(3_000, |names| names.parse().unwrap());
        let healthy = bytes_each(names, |watch, n, name| {
            watch.renewed(1.0 + f64::from(n), name);
        });
        // All at the same time, after the first few.
        let begin = |n: u32| f64::from(n / FIRST).min(1.0) * DAY + 0.001 * f64::from(n);
        let failing = bytes_each(names / 15, |watch, n, name| {
            watch.fails(begin(n), name, &[SERVFAIL]);
        });
        let by_turns = bytes_each(names / 15, |watch, n, name| {
            watch.fails(begin(n), name, &[SERVFAIL, UNREACHABLE]);
        });
        let again = bytes_each(30, |watch, n, name| {
            let at = 1.0 + 86_400.0 * f64::from(n);
            watch.fails(at, name, &[SERVFAIL]);
            watch.renewed(at + 24_000.0, name);
            watch.informed(at + 40_000.0, name);
        });
        println!(
            "bytes each of {names} names: healthy {healthy}, failing {failing}, for two causes by turns {by_turns}, healthy again {again}"
        );
        assert!(healthy <= HEALTHY_BYTES_MAX, "{healthy}");
        assert!(failing <= FAILING_BYTES_MAX, "{failing}");
        assert!(by_turns <= FAILING_BYTES_MAX, "{by_turns}");
        assert!(again <= HEALTHY_BYTES_MAX * 2, "{again}");
    }
}
