//! What a Caddy prints of its attempts, from the decision to the new expiry.

use crate::caddy::{Caddy, Job, Origin, Step};
use crate::script::{
    DAY, Failure, Generation, HOUR, Life, MINUTE, S, TICK, Truth, seconds, tick_after, wait,
};
use serde_json::{Value, json};

pub(crate) const PRODUCTION: &str = "https://acme-v02.api.letsencrypt.org/directory";
pub(crate) const STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";
pub(crate) const ISSUER: &str = "acme-v02.api.letsencrypt.org-directory";

impl Caddy<'_> {
    /// The log begins when all attempts of nearly 30 days have failed.
    pub(crate) fn begin_late(&mut self, start: i64) {
        self.phase = start + self.random.between(MINUTE, TICK);
        self.agenda.insert((self.phase, Step::Tick));
        // Before it has announced an attempt, nobody knows that one is to come; and a count of ticks is not
        // known to who has not seen its start.
        self.plan(start + 7 * HOUR);
        if self.script.generation == Generation::Paced {
            self.agenda.retain(|(_, step)| *step != Step::Reload);
        }
        for who in 0..self.script.lives.len() {
            let since = start - 30 * DAY + self.random.between(HOUR, 13 * HOUR);
            let left = self.random.between(-10 * HOUR, 20 * HOUR);
            let life = &mut self.script.lives[who];
            let not_after = start + left - (start + left).rem_euclid(S);
            life.not_after = life.not_after.map(|_| not_after);
            life.lifetime = 90 * DAY;
            life.due = not_after - 30 * DAY;
            life.turns = life.turns.max(start);
            life.fixed = start + self.random.between(10 * HOUR, 40 * HOUR);
            (life.refused, life.panics, life.overlooked) = (None, false, false);
            // No list of names was seen, so nobody may miss what comes long after the last line.
            life.proof_after = S / 20;
            let job = Job {
                open: true,
                origin: Origin::Start,
                began: start,
                failures: 138,
                not_before: start,
                since,
                dead: false,
            };
            self.jobs.insert(who, job);
            let next = start + self.random.between(25 * MINUTE, 6 * HOUR);
            self.agenda.insert((next, Step::Attempt(who)));
        }
    }

    fn life(&self, who: usize) -> Life {
        self.script.lives[who].clone()
    }

    /// The logger of a certificate's attempts.
    pub(crate) fn logger(life: &Life) -> &'static str {
        if life.not_after.is_some() {
            "tls.renew"
        } else {
            "tls.obtain"
        }
    }

    /// As Caddy prints it: up to the second after the last one of validity.
    fn remaining(&self, at: i64, life: &Life) -> Value {
        let left = |not_after: i64| seconds(not_after + S - at - self.script.offset);
        json!(life.not_after.map(left))
    }

    /// When the CA wants it renewed, as versions with ARI may print it at a start.
    pub(crate) fn advise(&mut self, at: i64, who: usize) {
        if self.script.generation == Generation::Old || self.random.chance(40) {
            return;
        }
        let life = self.life(who);
        let fields = json!({
            "identifiers": [life.name], "cert_hash": "6f0c", "ari_unique_id": "k.B",
            "cert_expiry": life.not_after.map(|not_after| not_after / S), "selected_time": life.due / S,
            "next_update": null, "explanation_url": "",
        });
        let msg = "updated and stored ACME renewal information";
        self.script.line(at, "tls.cache.maintenance", msg, fields);
        self.script.is(&life.name, at, Truth::Advised);
    }

    /// Why it is due, as versions with ARI print it.
    pub(crate) fn decide(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        let not_after = life.not_after.unwrap_or_default();
        if self.script.generation == Generation::Old {
            return;
        }
        let fields = json!({
            "subjects": [life.name], "expiration": not_after / S + 1, "ari_cert_id": "k.B",
            "renew_check_interval": 600, "selected_time": life.due / S,
            "remaining": self.remaining(at, &life),
        });
        let msg = "certificate needs renewal based on ARI window";
        self.script.line(at, "tls", msg, fields);
        self.script.is(&life.name, at, Truth::Due);
    }

    pub(crate) fn queue(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        let msg = "certificate expires soon; queuing for renewal";
        self.say_identifiers(at, msg, &life);
        self.script.is(&life.name, at, Truth::Due);
    }

    fn say_identifiers(&mut self, at: i64, msg: &str, life: &Life) {
        let remaining = self.remaining(at, life);
        let fields = json!({"identifiers": [life.name], "remaining": remaining});
        self.script.line(at, "tls.cache.maintenance", msg, fields);
    }

    /// A job with its first attempt.
    pub(crate) fn begin(&mut self, at: i64, who: usize, origin: Origin) {
        let life = self.life(who);
        if origin == Origin::Maintenance {
            self.say_identifiers(at, "attempting certificate renewal", &life);
        }
        let paced = self.script.generation == Generation::Paced && origin == Origin::Maintenance;
        let before = self.jobs.get(&who).copied().filter(|_| paced);
        let job = Job {
            open: true,
            origin,
            began: at,
            failures: before.map_or(0, |job| job.failures),
            not_before: at,
            since: at,
            dead: false,
        };
        self.jobs.insert(who, job);
        let fields = json!({"identifier": life.name});
        let logger = Self::logger(&life);
        self.script
            .line(at + 500, logger, "acquiring lock", fields.clone());
        self.script
            .line(at + 1_000, logger, "lock acquired", fields);
        self.attempt(at + 2_000, who);
    }

    pub(crate) fn attempt(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        let (msg, fields) = if life.not_after.is_some() {
            let remaining = self.remaining(at, &life);
            let fields = json!({"identifier": life.name, "remaining": remaining});
            ("renewing certificate", fields)
        } else {
            ("obtaining certificate", json!({"identifier": life.name}))
        };
        self.script.line(at, Self::logger(&life), msg, fields);
        self.script.is(&life.name, at, Truth::Began);
        let mut takes = self.random.between(S, 9 * S);
        if let Some((_, long)) = life.hangs.filter(|(from, _)| *from <= at) {
            takes = long;
            self.script.lives[who].hangs = None;
        }
        if let Some(job) = self.jobs.get_mut(&who) {
            job.began = at;
        }
        self.agenda.insert((at + takes, Step::End(who)));
    }

    pub(crate) fn finish(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        // Only where nobody else is at it, the panic tells whose worker it was.
        let others = self
            .agenda
            .iter()
            .any(|(_, step)| matches!(step, Step::End(_)));
        let panics = life.panics && self.script.generation != Generation::Old;
        if panics && !others && at > self.busy {
            self.panic_worker(at, who);
        } else if self.jobs[&who].began >= life.fixed {
            self.succeed(at, who);
        } else {
            self.fail(at, who);
        }
    }

    fn fail(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        let job = self.jobs[&who];
        let generation = self.script.generation;
        let renews = life.not_after.is_some();
        let paced = generation == Generation::Paced && job.origin == Origin::Maintenance;
        let failures = job.failures + 1;
        let refused = !paced && life.refused == Some(failures);
        let staging = !paced && !refused && failures > 1;
        let fault = life.faults[usize::from(job.began >= life.turns)];
        self.failed.insert(who);
        let name = &life.name;
        let ca = if staging { STAGING } else { PRODUCTION };
        let error = format!("[{name}] {} (ca={ca})", fault.text);
        let logger = Self::logger(&life);
        self.say_refusal(at, logger, (name, &error));
        let told = at + self.random.between(1_000, 30_000);
        self.busy = self.busy.max(told + S / 20);
        let verb = if renews { "Renew" } else { "Obtain" };
        let error = format!("[{name}] {verb}: {error}");
        let wait = wait(generation, failures);
        let offset = self.script.offset;
        let mut failure = Failure {
            fault,
            since: at + offset,
            elapsed: told - job.since,
            failures: Some(failures),
            phase: None,
            staging,
        };
        let mut next = Some(told + wait);
        if told - job.since >= 30 * DAY {
            self.give_up(told, who, (failure, &error));
            return;
        }
        if paced || refused {
            let by_start = if renews { "renewing" } else { "obtaining" };
            let error = match job.origin {
                Origin::Maintenance => format!("[{name}] {error}"),
                Origin::Start => format!("{name}: {by_start} certificate: {error}"),
            };
            self.script
                .line(told, "tls", "job failed", json!({"error": error}));
            failure.elapsed = 0;
            failure.phase = Some(self.phase + offset);
            if refused {
                self.script.lives[who].refused = None;
                failure.failures = None;
                self.jobs.remove(&who);
                next = renews.then(|| tick_after(self.phase, told));
            } else {
                let after = Job {
                    open: false,
                    failures,
                    not_before: told + wait,
                    ..job
                };
                self.jobs.insert(who, after);
                next = next.map(|next| tick_after(self.phase, next));
            }
        } else {
            let fields = json!({
                "error": error, "attempt": failures, "retrying_in": wait / S,
                "elapsed": seconds(failure.elapsed), "max_duration": 2_592_000,
            });
            self.script.line(told, logger, "will retry", fields);
            self.jobs.insert(who, Job { failures, ..job });
            self.agenda.insert((told + wait, Step::Attempt(who)));
        }
        let next = next.map(|next| next + offset);
        self.script.is(name, told, Truth::Failed { failure, next });
    }

    /// The first issuer fails.
    pub(crate) fn say_refusal(&mut self, at: i64, logger: &str, (name, error): (&str, &str)) {
        let fields = json!({"identifier": name, "issuer": ISSUER, "error": error});
        let msg = "could not get certificate from issuer";
        self.script.line(at, logger, msg, fields);
    }

    /// After 30 days the job ends. A renewal is begun anew by the next tick; a first issuance by nobody.
    fn give_up(&mut self, at: i64, who: usize, (mut failure, error): (Failure, &str)) {
        let life = self.life(who);
        let elapsed = seconds(failure.elapsed);
        let fields = json!({"error": error, "attempt": failure.failures, "elapsed": elapsed,
            "max_duration": 2_592_000});
        let logger = Self::logger(&life);
        let msg = "final attempt; giving up";
        self.script.line(at, logger, msg, fields);
        self.jobs.remove(&who);
        failure.failures = None;
        failure.phase = Some(self.phase + self.script.offset);
        self.script.is(&life.name, at, Truth::GaveUp);
        let next = if let Some(not_after) = life.not_after {
            // What is in the cache is what it was.
            let fields = json!({"identifiers": [life.name]});
            let msg = "reloading managed certificate";
            self.script.line(at + 1_000, "tls", msg, fields);
            let fields = json!({"subjects": [life.name], "new_expiration": not_after / S + 1});
            let msg = "replaced certificate in cache";
            self.script.line(at + 2_000, "tls.cache", msg, fields);
            // In the newest one that begins such a count.
            if self.script.generation == Generation::Paced {
                self.script.lives[who].fixed = at;
            }
            Some(tick_after(self.phase, at) + self.script.offset)
        } else {
            let error = format!(
                "{0}: caching certificate after obtaining it: no matching certificate files for {0}",
                life.name
            );
            let fields = json!({"error": error});
            self.script.line(at + 1_000, "tls", "job failed", fields);
            None
        };
        self.script
            .is(&life.name, at, Truth::Failed { failure, next });
    }

    /// The line of a success. It does not name the issuer before certmagic v0.21.0.
    pub(crate) fn say_success(
        &mut self,
        at: i64,
        logger: &str,
        verb: &str,
        (name, issuer): (&str, &str),
    ) {
        let mut fields = json!({"identifier": name, "issuer": issuer});
        if self.script.generation == Generation::Old {
            fields = json!({"identifier": name});
        }
        let msg = format!("certificate {verb} successfully");
        self.script.line(at, logger, &msg, fields);
    }

    fn succeed(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        self.jobs.remove(&who);
        self.done.insert(who);
        let verb = if life.not_after.is_some() {
            "renewed"
        } else {
            "obtained"
        };
        self.say_success(at, Self::logger(&life), verb, (&life.name, ISSUER));
        self.script.is(&life.name, at, Truth::Succeeded);
        if life.not_after.is_none() {
            self.script.is(&life.name, at, Truth::Renewed);
            return;
        }
        // Where nothing was wrong, nothing has to be proven.
        let after = if self.failed.contains(&who) {
            life.proof_after
        } else {
            50_000
        };
        self.agenda.insert((at + after, Step::Proof(who)));
    }

    pub(crate) fn prove(&mut self, at: i64, who: usize) {
        let life = self.life(who);
        let expiration = (at + self.script.offset + life.lifetime) / S + 1;
        let fields = json!({"subjects": [life.name], "new_expiration": expiration});
        let msg = "replaced certificate in cache";
        self.script.line(at, "tls.cache", msg, fields);
        self.script.is(&life.name, at, Truth::Renewed);
    }
}
