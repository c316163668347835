//! Names whose certificate comes from the wrong issuer, or has to be replaced before its time.

use crate::attempt::{ISSUER, PRODUCTION, STAGING};
use crate::caddy::{Caddy, Step};
use crate::script::{DAY, Generation, HOUR, Issuer, MINUTE, S, Tale, Truth, seconds};
use serde_json::json;

const TALES: [Tale; 5] = [
    Tale::Internal,
    Tale::Fallback,
    Tale::Staging,
    Tale::Revoked,
    Tale::Window,
];

impl Caddy<'_> {
    pub(crate) fn plan_tales(&mut self, start: i64) {
        let old = self.script.generation == Generation::Old;
        if self.random.chance(25) {
            let tale = self.random.one(&TALES);
            // Without ARI nothing makes a public certificate due that soon.
            let fits = !old || !matches!(tale, Tale::Fallback | Tale::Window);
            if fits {
                self.script.tales.push(("t.example.com".to_owned(), tale));
            }
        }
        if self.random.chance(10) {
            for number in 0..self.random.between(2, 5) {
                let name = format!("q{number}.example.com");
                self.script.tales.push((name, Tale::Quick));
            }
            // After those, one that works, but slowly.
            let life = &mut self.script.lives[0];
            life.fixed = start;
            life.hangs = Some((
                life.due.max(start) + MINUTE,
                self.random.between(20 * S, HOUR),
            ));
        }
        for who in 0..self.script.tales.len() {
            let longest = match self.script.tales[who].1 {
                Tale::Quick => MINUTE,
                _ => 20 * HOUR,
            };
            let at = start + self.random.between(S, longest);
            self.agenda.insert((at, Step::Tale(who)));
        }
    }

    pub(crate) fn begin_tale(&mut self, at: i64, who: usize) {
        let (name, tale) = self.script.tales[who].clone();
        match tale {
            Tale::Internal | Tale::Fallback => {
                self.ready.insert(who);
            }
            Tale::Staging => {
                self.obtain(at, who, Issuer::Staging);
                self.end_later(at, who);
            }
            Tale::Revoked => {
                self.zero_window(at, who);
                let end = self.ends_in(at, who, 60 * DAY);
                let fields = json!({"identifiers": [name], "expiration": end / S + 1});
                let msg = "OCSP status for managed certificate is REVOKED; attempting to replace with new certificate";
                self.script
                    .line(at + 100_000, "tls.cache.maintenance", msg, fields);
                self.script.is(&name, at + 100_000, Truth::Revoked);
                self.told.insert(who);
                let soon = at + self.random.between(S, 5 * MINUTE);
                self.agenda.insert((soon, Step::TaleEnd(who)));
            }
            Tale::Window => {
                self.zero_window(at, who);
                self.move_window(at + 100_000, who, -3 * DAY);
                self.script.is(&name, at + 100_000, Truth::Revoked);
                self.told.insert(who);
                self.agenda.insert((at + S, Step::TaleEnd(who)));
            }
            Tale::Quick => self.obtain(at, who, Issuer::First),
        }
    }

    /// When the certificate expires that is in use: what is known of it, else so long from now.
    fn ends_in(&mut self, at: i64, who: usize, left: i64) -> i64 {
        let end = (at + self.script.offset + left) / S * S;
        *self.ends.entry(who).or_insert(end)
    }

    /// As Caddy prints it: up to the second after the last one of validity.
    fn remaining_of_tale(&self, at: i64, who: usize) -> f64 {
        seconds(self.ends[&who] + S - at - self.script.offset)
    }

    fn end_later(&mut self, at: i64, who: usize) {
        self.told.insert(who);
        // Caddy's own CA gives twelve hours, of which the last third is the time to renew.
        let later = at + self.random.between(8 * HOUR, 10 * HOUR);
        self.agenda.insert((later, Step::TaleEnd(who)));
    }

    pub(crate) fn end_tale(&mut self, at: i64, who: usize) {
        match self.script.tales[who].1 {
            Tale::Internal | Tale::Fallback | Tale::Window => {
                self.ready.insert(who);
            }
            // What everything ends with is not cancelled.
            Tale::Staging if self.last_act && self.works() => {
                self.agenda.insert((at + MINUTE, Step::TaleEnd(who)));
            }
            Tale::Staging => {
                self.reload(at);
                self.obtain(at + S, who, Issuer::First);
            }
            Tale::Revoked => self.renew(at, who, Issuer::First),
            Tale::Quick => {}
        }
    }

    /// A tick finds it due.
    pub(crate) fn renew_of_tale(&mut self, at: i64, who: usize) {
        let (name, tale) = self.script.tales[who].clone();
        let issuer = match (tale, self.told.contains(&who)) {
            (Tale::Fallback | Tale::Internal, false) => Issuer::Second,
            _ => Issuer::First,
        };
        let end = self.ends_in(at, who, 30 * DAY);
        let remaining = self.remaining_of_tale(at, who);
        let identifiers = json!({"identifiers": [name], "remaining": remaining});
        if self.script.generation != Generation::Old {
            let fields = json!({
                "subjects": [name], "expiration": end / S + 1, "ari_cert_id": "",
                "next_ari_update": null, "renew_check_interval": 600,
                "window_start": -6_795_364_578.871_345_5_f64, "window_end": -6_795_364_578.871_345_5_f64,
                "remaining": remaining,
            });
            let msg = "certificate is in configured renewal window based on expiration date";
            self.script.line(at, "tls", msg, fields);
        }
        let logger = "tls.cache.maintenance";
        for msg in [
            "certificate expires soon; queuing for renewal",
            "attempting certificate renewal",
        ] {
            self.script.line(at + 100, logger, msg, identifiers.clone());
        }
        self.script.is(&name, at, Truth::Due);
        self.renew(at + 1_000, who, issuer);
        if issuer == Issuer::Second {
            self.end_later(at, who);
        }
    }

    fn renew(&mut self, at: i64, who: usize, issuer: Issuer) {
        let name = self.script.tales[who].0.clone();
        let identifier = json!({"identifier": name});
        let logger = "tls.renew";
        self.script
            .line(at, logger, "acquiring lock", identifier.clone());
        self.script
            .line(at + 100, logger, "lock acquired", identifier);
        let fields =
            json!({"identifier": name, "remaining": self.remaining_of_tale(at + 300, who)});
        if self.script.tales[who].1 == Tale::Revoked {
            let msg = "certificate does not need to be renewed, but renewal is being forced";
            self.script.line(at + 200, logger, msg, fields.clone());
        }
        self.script
            .line(at + 300, logger, "renewing certificate", fields);
        self.script.is(&name, at + 300, Truth::Began);
        let end = at + self.random.between(S, 3 * S);
        self.succeed_of_tale(end, who, logger, issuer);
        let lasts = match (self.script.tales[who].1, issuer) {
            (Tale::Internal, Issuer::Second) => DAY / 2,
            _ => 90 * DAY,
        };
        self.ends.remove(&who);
        let expires = self.ends_in(end, who, lasts);
        self.script.is(&name, end, Truth::Ends(expires));
        let expiration = expires / S + 1;
        let fields = json!({"subjects": [name], "new_expiration": expiration});
        let msg = "replaced certificate in cache";
        self.script.line(end + 60_000, "tls.cache", msg, fields);
        if issuer == Issuer::First {
            self.script.is(&name, end + 60_000, Truth::Renewed);
        }
    }

    fn obtain(&mut self, at: i64, who: usize, issuer: Issuer) {
        let name = self.script.tales[who].0.clone();
        let identifier = json!({"identifier": name});
        for (after, msg) in [
            (0, "acquiring lock"),
            (100, "lock acquired"),
            (200, "obtaining certificate"),
        ] {
            let fields = identifier.clone();
            self.script.line(at + after, "tls.obtain", msg, fields);
        }
        self.script.is(&name, at + 200, Truth::Began);
        let end = at + self.random.between(S, 3 * S);
        let ca = if issuer == Issuer::Staging {
            STAGING
        } else {
            PRODUCTION
        };
        let fields = json!({"identifier": name, "challenge_type": "http-01", "ca": ca});
        let msg = "trying to solve challenge";
        self.script
            .line(end - S / 2, "tls.issuance.acme.acme_client", msg, fields);
        self.succeed_of_tale(end, who, "tls.obtain", issuer);
        if issuer == Issuer::First {
            self.script.is(&name, end, Truth::Renewed);
        }
    }

    fn succeed_of_tale(&mut self, at: i64, who: usize, logger: &str, issuer: Issuer) {
        let (name, tale) = self.script.tales[who].clone();
        if issuer == Issuer::Second {
            let error = "HTTP 403 urn:ietf:params:acme:error:caa - CAA record for the name prevents issuance";
            self.say_refusal(at - S / 4, logger, (&name, error));
        }
        let key = match (issuer, tale) {
            (Issuer::First, _) => ISSUER,
            (Issuer::Staging, _) => "acme-staging-v02.api.letsencrypt.org-directory",
            (Issuer::Second, Tale::Internal) => "local",
            (Issuer::Second, _) => "acme.zerossl.com-v2-DV90",
        };
        let verb = if logger == "tls.renew" {
            "renewed"
        } else {
            "obtained"
        };
        self.say_success(at, logger, verb, (&name, key));
        self.script.is(&name, at, Truth::Succeeded);
        self.script.is(&name, at, Truth::Issued(issuer));
        self.busy = self.busy.max(at + S);
    }

    /// A failed refresh prints the zero time, and means nothing.
    fn zero_window(&mut self, at: i64, who: usize) {
        if self.script.generation != Generation::Old && self.random.chance(50) {
            let zero = -6_795_364_578_871_345 - at - self.script.offset;
            self.move_window(at, who, zero);
        }
    }

    /// The window in which to renew moves from next month to so long from now.
    fn move_window(&mut self, at: i64, who: usize, to: i64) {
        let end = self.ends_in(at, who, 60 * DAY);
        let name = &self.script.tales[who].0;
        let now = at + self.script.offset;
        let time = |after: i64| json!(seconds(now + after));
        let fields = json!({
            "identifiers": [name], "cert_hash": "6f0c", "ari_unique_id": "k.B",
            "cert_expiry": end / S, "explanation_url": "",
            "prev_start": time(30 * DAY), "prev_selected_time": time(31 * DAY), "prev_end": time(32 * DAY),
            "next_start": time(to), "next_selected_time": time(to + DAY), "next_end": time(to + 2 * DAY),
        });
        let msg = "ARI window or selected renewal time changed";
        self.script.line(at, "tls.cache.maintenance", msg, fields);
    }
}
