//! The life of a server, as its Caddy logs it: starts, reloads, deploys, renewals that succeed, fail
//! once, or fail while the CA is down.

use serde_json::{Value, json};
use std::ops::Range;

pub(crate) const T: f64 = 1_777_600_000.0;
pub(crate) const DAY: f64 = 86_400.0;
pub(crate) const TICK: f64 = 600.0;
const FAULT: &str = "authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem)";
pub(crate) const ISSUER: &str = "acme-v02.api.letsencrypt.org-directory";

/// Seconds since the start, and what is logged then.
pub(crate) type Line = (f64, String);

/// How this Caddy tries again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    OldTable,
    NewTable,
    Paced,
}

impl Style {
    pub(crate) const ALL: [Self; 3] = [Self::OldTable, Self::NewTable, Self::Paced];

    /// Minutes until the next attempt, after so many failures.
    fn wait(self, failures: usize) -> f64 {
        let minutes: &[f64] = match self {
            Self::OldTable => &[1., 2., 2., 5., 10., 20., 20., 30., 30., 60., 180., 360.],
            _ => &[
                1., 2., 2., 5., 10., 10., 10., 20., 20., 20., 20., 30., 30., 30., 30., 30., 30.,
                60., 60., 60., 120., 120., 180., 180., 360.,
            ],
        };
        60.0 * minutes[(failures - 1).min(minutes.len() - 1)]
    }
}

pub(crate) struct Server {
    pub(crate) style: Style,
    lines: Vec<Line>,
    names: Vec<String>,
    /// When each certificate expires, in seconds since the start.
    not_after: Vec<f64>,
    /// When the CA cannot be reached.
    outage: Range<f64>,
    /// When the maintenance loop began.
    phase: f64,
    lifetime: f64,
}

impl Server {
    /// Names with the days at which their renewals become due, of certificates that live so many days.
    pub(crate) fn new(
        style: Style,
        lifetime: f64,
        due: impl Iterator<Item = (String, f64)>,
    ) -> Self {
        let lifetime = lifetime * DAY;
        let (names, due): (Vec<String>, Vec<f64>) = due.unzip();
        let not_after = due.iter().map(|due| (due * DAY + lifetime / 3.0).floor());
        Self {
            style,
            lines: Vec::new(),
            not_after: not_after.collect(),
            names,
            outage: 0.0..0.0,
            phase: 0.0,
            lifetime,
        }
    }

    /// The CA is down for a while.
    pub(crate) fn without_ca(mut self, outage: Range<f64>) -> Self {
        self.outage = outage;
        self
    }

    pub(crate) fn say(&mut self, at: f64, logger: &str, msg: &str, fields: Value) {
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
        // Caddy cuts the list since 2.11.
        let shown = if self.style == Style::Paced {
            1_000
        } else {
            usize::MAX
        };
        let names: Vec<String> = self.names.iter().take(shown).cloned().collect();
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

    pub(crate) fn start(&mut self, at: f64) {
        self.phase = at;
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

    /// A tick begins the renewal; of every sixth name the first attempt fails, and while the CA is
    /// down each.
    fn renew(&mut self, who: usize, from: f64) {
        let name = self.names[who].clone();
        let left = self.not_after[who] + 1.0;
        let (mut at, mut failures) = (from, 0);
        self.queue(who, at, true);
        loop {
            let about = json!({"identifier": name, "remaining": left - at - 0.1});
            self.say(at + 0.1, "tls.renew", "renewing certificate", about);
            let down = self.outage.contains(&at);
            if !(down || failures == 0 && who.is_multiple_of(6)) {
                break;
            }
            failures += 1;
            let next = self.fail(who, (at, from), (failures, down));
            let mut tick = self.tick_after(at);
            while tick < next {
                self.queue(who, tick, false);
                tick += TICK;
            }
            if self.style == Style::Paced {
                self.queue(who, next, true);
            }
            at = next;
        }
        let mut told = json!({"identifier": name});
        if self.style != Style::OldTable {
            told["issuer"] = json!(ISSUER);
        }
        self.say(
            at + 9.0,
            "tls.renew",
            "certificate renewed successfully",
            told,
        );
        self.not_after[who] = (at + self.lifetime).floor();
        let told = json!({"subjects": [name], "new_expiration": T + self.not_after[who] + 1.0});
        self.say(at + 9.1, "tls.cache", "replaced certificate in cache", told);
    }

    /// A tick finds a name due.
    fn queue(&mut self, who: usize, at: f64, begins: bool) {
        let about =
            json!({"identifiers": [self.names[who]], "remaining": self.not_after[who] + 1.0 - at});
        let msg = "certificate expires soon; queuing for renewal";
        self.say(at, "tls.cache.maintenance", msg, about.clone());
        if begins {
            let msg = "attempting certificate renewal";
            self.say(at + 0.01, "tls.cache.maintenance", msg, about);
        }
    }

    /// An attempt fails; gives out when the next begins.
    fn fail(&mut self, who: usize, (at, from): (f64, f64), (failures, down): (usize, bool)) -> f64 {
        let name = self.names[who].clone();
        let host = if failures > 1 {
            "acme-staging-v02.api.letsencrypt.org"
        } else {
            "acme-v02.api.letsencrypt.org"
        };
        let why = if down {
            format!(
                "registering account [] with server: provisioning client: performing request: Get \"https://{host}/directory\": dial tcp 203.0.113.5:443: connect: connection refused"
            )
        } else {
            format!("[{name}] {FAULT}")
        };
        let told = json!({"identifier": name, "issuer": ISSUER, "error": why});
        self.say(
            at + 5.9,
            "tls.renew",
            "could not get certificate from issuer",
            told,
        );
        let error = format!("[{name}] Renew: {why}");
        if self.style == Style::Paced {
            let told = json!({"error": format!("[{name}] {error}")});
            self.say(at + 6.0, "tls", "job failed", told);
            return self.tick_after(at + 6.0 + self.style.wait(failures) - 0.02) + 0.02;
        }
        let wait = self.style.wait(failures);
        let told = json!({"error": error, "attempt": failures, "retrying_in": wait, "elapsed": at + 5.9 - from, "max_duration": 2_592_000});
        self.say(at + 6.0, "tls.renew", "will retry", told);
        at + 6.0 + wait
    }

    /// The first tick after a moment.
    fn tick_after(&self, at: f64) -> f64 {
        self.phase + ((at - self.phase) / TICK).floor() * TICK + TICK
    }

    /// The renewal information of every name is fetched, as Caddy does since 2.8.
    pub(crate) fn refresh(&mut self, at: f64) {
        if self.style == Style::OldTable {
            return;
        }
        for who in 0..self.names.len() {
            let told = json!({
                "identifiers": [self.names[who]], "cert_expiry": T + self.not_after[who],
                "selected_time": T + self.not_after[who] - self.lifetime / 3.0,
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

    /// So many days, in order; every week a deploy in the evening, and a reload.
    pub(crate) fn live(mut self, days: u32, refreshes: &[f64]) -> Vec<Line> {
        self.start(0.0);
        for day in 0..days {
            let midnight = f64::from(day) * DAY;
            self.say(
                midnight + 5.0,
                "tls",
                "cleaning storage unit",
                json!({"storage": "FileStorage:/data"}),
            );
            for hour in refreshes {
                self.refresh(midnight + hour * 3_600.0);
            }
            for who in 0..self.names.len() {
                let due = self.not_after[who] - self.lifetime / 3.0;
                if (midnight..midnight + DAY).contains(&due) {
                    self.renew(who, self.tick_after(due - 0.02) + 0.02);
                }
            }
            match day % 7 {
                4 => {
                    self.stop(midnight + 80_000.0);
                    self.start(midnight + 80_045.0);
                }
                2 => self.load(midnight + 50_000.0),
                _ => {}
            }
        }
        self.told()
    }

    /// What was said, in order.
    pub(crate) fn told(mut self) -> Vec<Line> {
        self.lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.lines
    }
}
