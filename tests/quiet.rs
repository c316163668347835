//! Three weeks of a healthy server: fifty names, renewals, reloads, deploys, first attempts that fail.
//! Whoever watches it sleeps.

#[cfg(test)]
mod quiet {
    use notafter::caddy::entry::Entry;
    use notafter::engine::Engine;
    use notafter::engine::evidence::{Origin, Quote};
    use notafter::rules::{BUILT_IN, Configured, RuleSet};
    use notafter::time::LogTime;
    use serde_json::{Value, json};
    use std::sync::Arc;

    const T: f64 = 1_777_600_000.0;
    const DAY: f64 = 86_400.0;
    const TICK: f64 = 600.0;
    const LIFETIME: f64 = 90.0 * DAY;
    const FAULT: &str = "authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem)";

    /// How this Caddy tries again.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Style {
        OldTable,
        NewTable,
        Paced,
    }

    struct Server {
        style: Style,
        lines: Vec<(f64, String)>,
        names: Vec<String>,
        /// When each certificate expires, in seconds since the start.
        not_after: Vec<f64>,
    }

    impl Server {
        fn new(style: Style) -> Self {
            let names: Vec<String> = (0..50).map(|n| format!("n{n}.example.com")).collect();
            // Every second name becomes due within the three weeks.
            let not_after = (0..50).map(|n| {
                let due = if n % 2 == 0 {
                    f64::from(n) * 0.4 + 0.3
                } else {
                    40.0
                };
                (due * DAY + LIFETIME / 3.0).floor()
            });
            Self {
                style,
                lines: Vec::new(),
                not_after: not_after.collect(),
                names,
            }
        }

        fn say(&mut self, at: f64, logger: &str, msg: &str, fields: Value) {
            let level = if fields.get("error").is_some() {
                "error"
            } else {
                "info"
            };
            let mut line = json!({"level": level, "ts": T + at, "logger": logger, "msg": msg});
            if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
                line.extend(fields);
            }
            self.lines.push((at, line.to_string()));
        }

        fn load(&mut self, at: f64) {
            let names = self.names.clone();
            let msg = "enabling automatic TLS certificate management";
            self.say(at, "http", msg, json!({"domains": names}));
            self.say(at + 0.1, "admin.api", "load complete", json!({}));
            let msg = "storage cleaning happened too recently; skipping for now";
            self.say(
                at + 0.2,
                "tls",
                msg,
                json!({"storage": "FileStorage:/data"}),
            );
        }

        fn start(&mut self, at: f64) {
            let msg = "started background certificate maintenance";
            self.say(at, "tls.cache.maintenance", msg, json!({"cache": "0xc0"}));
            self.load(at + 0.01);
            self.say(at + 0.3, "", "serving initial configuration", json!({}));
        }

        fn stop(&mut self, at: f64) {
            let msg = "shutting down apps, then terminating";
            self.say(at, "", msg, json!({"signal": "SIGTERM"}));
            self.say(
                at + 0.2,
                "",
                "shutdown complete",
                json!({"signal": "SIGTERM", "exit_code": 0}),
            );
        }

        /// A tick begins the renewal; of every sixth name the first attempt fails.
        fn renew(&mut self, who: usize, mut at: f64) {
            let name = self.names[who].clone();
            let left = self.not_after[who] + 1.0;
            let fails = who.is_multiple_of(6);
            for attempt in 1..=if fails { 2 } else { 1 } {
                if attempt == 1 || self.style == Style::Paced {
                    let about = json!({"identifiers": [name], "remaining": left - at});
                    self.say(
                        at,
                        "tls.cache.maintenance",
                        "certificate expires soon; queuing for renewal",
                        about.clone(),
                    );
                    self.say(
                        at + 0.01,
                        "tls.cache.maintenance",
                        "attempting certificate renewal",
                        about,
                    );
                }
                let about = json!({"identifier": name, "remaining": left - at - 0.1});
                self.say(at + 0.1, "tls.renew", "renewing certificate", about);
                if attempt == 2 || !fails {
                    continue;
                }
                let error = format!("[{name}] Renew: [{name}] {FAULT}");
                let table = if self.style == Style::Paced {
                    self.say(
                        at + 6.0,
                        "tls",
                        "job failed",
                        json!({"error": format!("[{name}] {error}")}),
                    );
                    TICK
                } else {
                    let told =
                        json!({"error": error, "attempt": 1, "retrying_in": 60, "elapsed": 5.9});
                    self.say(at + 6.0, "tls.renew", "will retry", told);
                    66.0
                };
                at += table;
            }
            let issuer =
                (self.style != Style::OldTable).then_some("acme-v02.api.letsencrypt.org-directory");
            let mut told = json!({"identifier": name});
            if let Some(issuer) = issuer {
                told["issuer"] = json!(issuer);
            }
            self.say(
                at + 9.0,
                "tls.renew",
                "certificate renewed successfully",
                told,
            );
            self.not_after[who] = (at + LIFETIME).floor();
            let told = json!({"subjects": [name], "new_expiration": T + self.not_after[who] + 1.0});
            self.say(at + 9.1, "tls.cache", "replaced certificate in cache", told);
        }

        fn refresh(&mut self, at: f64) {
            for who in 0..self.names.len() {
                let told = json!({
                    "identifiers": [self.names[who]], "cert_expiry": T + self.not_after[who],
                    "selected_time": T + self.not_after[who] - LIFETIME / 3.0,
                });
                let at = at + 0.01 * f64::from(u32::try_from(who).unwrap());
                self.say(
                    at,
                    "tls",
                    "updated and stored ACME renewal information",
                    told,
                );
            }
        }

        /// Everything, in order.
        fn live(mut self) -> Vec<(f64, String)> {
            self.start(0.0);
            let mut phase = 0.0;
            for day in 0..21 {
                let midnight = f64::from(day) * DAY;
                self.say(
                    midnight + 5.0,
                    "tls",
                    "cleaning storage unit",
                    json!({"storage": "FileStorage:/data"}),
                );
                for hour in [1.0, 7.0, 13.0, 19.0] {
                    if self.style != Style::OldTable {
                        self.refresh(midnight + hour * 3_600.0);
                    }
                }
                for who in (0..50).step_by(2) {
                    let due = self.not_after[who] - LIFETIME / 3.0;
                    if (midnight..midnight + DAY).contains(&due) {
                        let ticks = ((due - phase) / TICK).ceil();
                        self.renew(who, phase + ticks * TICK + 0.02);
                    }
                }
                match day % 7 {
                    // A deploy in the evening, and a reload.
                    4 => {
                        self.stop(midnight + 80_000.0);
                        phase = midnight + 80_045.0;
                        self.start(phase);
                    }
                    2 => self.load(midnight + 50_000.0),
                    _ => {}
                }
            }
            self.lines.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.lines
        }
    }

    #[test]
    fn three_weeks_of_a_healthy_server_wake_nobody() {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
        let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
        for style in [Style::OldTable, Style::NewTable, Style::Paced] {
            let lines = Server::new(style).live();
            let mut engine = Engine::new(Arc::clone(&rules));
            let mut rows = Vec::new();
            let mut messages = Vec::new();
            let mut before = 0.0;
            for (at, line) in &lines {
                while before + TICK < *at {
                    before += TICK;
                    #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
                    engine.tick(
                        "caddy",
                        LogTime::from_seconds((T + before) as i64 - 5),
                        &mut rows,
                    );
                }
                before = before.max(*at);
                let origin = Origin {
                    source: "caddy.log".into(),
                    line: 1,
                };
                let entry = Entry::decode(line.as_bytes()).unwrap();
                engine.entry(
                    "caddy",
                    &entry,
                    || Quote::new(&origin, line.as_bytes()),
                    &mut rows,
                );
                messages.extend(engine.settle("caddy"));
            }
            let loud: Vec<_> = rows.iter().filter(|row| row.severity.is_loud()).collect();
            assert!(loud.is_empty(), "{style:?}: {loud:#?}");
            assert!(messages.iter().all(|message| !message.severity.is_loud()));
            let failed = rows
                .iter()
                .filter(|row| row.rule == "renewal-failing")
                .count();
            assert_eq!(
                failed, 18,
                "{style:?}: nine first attempts failed, and were made up for"
            );
        }
    }
}
