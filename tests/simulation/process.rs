//! What a Caddy prints beside its attempts: panics, cleanings, strangers' names, certificates that
//! somebody else made, and words that no version has.

use crate::attempt::{ISSUER, PRODUCTION};
use crate::caddy::{Caddy, Step};
use crate::script::{DAY, Failure, Fault, Generation, HOUR, Line, MINUTE, News, S, Truth};
use crate::source;
use serde_json::json;

/// What the text of a panic tells.
pub(crate) const CRASH: Fault = Fault {
    text: "panic: certificate worker: runtime error: index out of range [3] with length 3",
    rule: "",
    incurable: true,
    of_ca: false,
    limit: None,
};

pub(crate) const UNMANAGED: &str = "u.example.net";

impl Caddy<'_> {
    /// What the world does to it, beside what it does to its certificates.
    pub(crate) fn plan_more(&mut self, start: i64) {
        let once = |caddy: &mut Self, percent: i64, step: Step| {
            if caddy.random.chance(percent) {
                // Most lives are over soon.
                let longest = caddy.random.one(&[HOUR, 4 * HOUR, 20 * HOUR]);
                let at = start + caddy.random.between(MINUTE, longest);
                caddy.agenda.insert((at, step));
            }
        };
        once(self, 10, Step::Unknown);
        once(self, 10, Step::Strangers);
        let times = self.random.one(&[1, 10, 11, 11]);
        once(self, 12, Step::Panics(times));
        if self.script.generation != Generation::Old && self.random.chance(10) {
            let not_after = start + self.random.between(-DAY, 3 * DAY);
            let given = start + self.random.between(HOUR, 3 * DAY);
            self.unmanaged = Some((not_after - not_after.rem_euclid(S), given));
        }
        self.plan_tales(start);
    }

    /// The log cannot be read for a while in which Caddy goes on; what it wrote is read later.
    pub(crate) fn lose_log(&mut self) {
        let lines = &self.script.lines;
        // Between lines whose order nothing changes, by a clock that is not set meanwhile.
        let is_still = |pair: &[Line]| pair[1].at - pair[0].at > S;
        let pairs = lines.windows(2).filter(|pair| is_still(pair));
        let gaps: Vec<&Line> = pairs.map(|pair| &pair[0]).collect();
        if gaps.len() < 2 {
            return;
        }
        let last = i64::try_from(gaps.len() - 1).unwrap_or(i64::MAX);
        let first = self.random.between(0, last);
        let last = self.random.between(first, (first + 60).min(last)) + 1;
        let moment = |index: i64| {
            let line = gaps[usize::try_from(index).unwrap_or_default()];
            (line.order + S / 2, line.at - line.order)
        };
        let ((lost, offset), (found, other)) = (moment(first), moment(last));
        let steps = |line: &Line| line.at - line.order != offset;
        let meanwhile = |line: &&Line| (lost..=found + S).contains(&line.order);
        let is_set = offset != other || lines.iter().filter(meanwhile).any(steps);
        let (from, to) = (lost + offset, found + offset);
        let twice = |(one, other): &(i64, i64)| from <= *other + MINUTE && *one <= to + MINUTE;
        if !is_set && found - lost > MINUTE && !source::lost(&self.script).iter().any(twice) {
            self.script.news.push((from, News::Lost));
            self.script.news.push((to, News::Found));
        }
    }

    /// Messages that look as if they mattered; only an error of the code about certificates does.
    pub(crate) fn say_unknown(&mut self, at: i64) {
        let msg = "could not divine the renewal";
        let error = json!({"error": "no crystal"});
        match self.random.between(0, 4) {
            0 => self.script.line(at, "http.log.error", msg, error),
            1 => self
                .script
                .line(at, "tls.cache.maintenance", msg, json!({})),
            _ => {
                self.script.line(at, "tls.cache.maintenance", msg, error);
                self.script.tell(at, News::Unknown);
                self.has_to_restart = true;
            }
        }
    }

    /// The loop panics, and is begun anew ten times (certmagic v0.25.3 `maintain.go`).
    pub(crate) fn panic(&mut self, at: i64) {
        self.panics.0 -= 1;
        self.panics.1 += 1;
        self.has_to_restart = true;
        let error = "runtime error: invalid memory address or nil pointer dereference";
        let fields = json!({"error": error, "stack": "goroutine 41 [running]:"});
        self.script
            .line(at, "tls.cache.maintenance", "panic", fields);
        self.script.tell(at, News::Panicked { in_loop: true });
        if self.panics.1 <= 10 {
            self.begin_ticks(at + 1_000);
        } else {
            self.panics.0 = 0;
            self.agenda.retain(|(_, step)| *step != Step::Tick);
        }
    }

    /// A worker panics in an attempt. Its lock is released, and its job counts as open for ever.
    pub(crate) fn panic_worker(&mut self, at: i64, who: usize) {
        let name = self.script.lives[who].name.clone();
        self.script.lives[who].panics = false;
        self.has_to_restart = true;
        let logger = Self::logger(&self.script.lives[who]);
        let fields = json!({"identifier": name});
        self.script.line(at, logger, "releasing lock", fields);
        self.script.line(at + 100, "", CRASH.text, json!({}));
        self.script.tell(at, News::Panicked { in_loop: false });
        if let Some(job) = self.jobs.get_mut(&who) {
            job.dead = true;
        }
        self.failed.insert(who);
        let failure = Failure {
            fault: CRASH,
            since: at + self.script.offset,
            elapsed: 0,
            failures: None,
            phase: None,
            staging: false,
        };
        let truth = Truth::Failed {
            failure,
            next: None,
        };
        self.script.is(&name, at, truth);
    }

    pub(crate) fn clean_daily(&mut self, at: i64) {
        self.agenda.retain(|(_, step)| *step != Step::Clean);
        self.agenda.insert((at + DAY, Step::Clean));
    }

    /// Since certmagic v0.20 a stamp in the storage says when that was done last, and a tick that
    /// comes a day after the last one finds it too young.
    pub(crate) fn clean(&mut self, at: i64) {
        const TAKES: i64 = 10_000;
        self.clean_daily(at);
        self.cleaned = Some(at);
        let old = self.script.generation == Generation::Old;
        let recent = self.stamped.is_some_and(|stamp| at - stamp < DAY);
        if !old && recent {
            let fields = json!({"storage": "FileStorage:/data", "instance": "2df4ee8f",
                "try_again": (at + self.script.offset + DAY) / S, "try_again_in": 86_400});
            let msg = "storage cleaning happened too recently; skipping for now";
            self.script.line(at, "tls", msg, fields);
        } else {
            let field = if old { "description" } else { "storage" };
            let fields = json!({field: "FileStorage:/data"});
            let msg = "cleaning storage unit";
            self.script.line(at, "tls", msg, fields);
            self.stamped = Some(at + TAKES);
        }
        let msg = "finished cleaning storage units";
        self.script.line(at + TAKES, "tls", msg, json!({}));
    }

    /// Caddy names a certificate that nobody renews while it is loaded, and at no other time.
    pub(crate) fn load_unmanaged(&mut self, at: i64) {
        let Some((not_after, _)) = self.unmanaged.filter(|(_, given)| at < *given) else {
            return;
        };
        let left = not_after - at - self.script.offset;
        let msg = if left < 0 {
            "unmanaged certificate has expired"
        } else if left < DAY {
            "unmanaged certificate expires within 1 day"
        } else {
            return;
        };
        let fields = json!({"not_after": not_after / S, "sans": [UNMANAGED]});
        self.script.line(at, "tls", msg, fields);
        self.script.is(UNMANAGED, at, Truth::Unmanaged);
        self.has_to_restart = true;
    }

    /// Strangers begin to ask for names.
    pub(crate) fn open_door(&mut self, at: i64) {
        let mut at = at;
        for number in 0..self.random.one(&[1, 4, 9, 10, 11]) {
            at += self.random.between(S, MINUTE);
            self.agenda.insert((at, Step::Guest(number)));
        }
    }

    /// An attempt for a name that a handshake asked for. A second one fits into the 180 seconds that
    /// a handshake lets it go on (certmagic v0.25.3 `handshake.go`), and no third.
    pub(crate) fn guest(&mut self, at: i64, number: usize, attempt: usize) {
        let name = format!("x{number}.example.net");
        let identifier = json!({"identifier": name});
        if attempt == 1 {
            let fields =
                json!({"remote_ip": "198.51.100.23", "remote_port": "49152", "server_name": name});
            let msg = "obtaining new certificate";
            self.script.line(at, "tls.on_demand", msg, fields);
            for (after, msg) in [(100, "acquiring lock"), (200, "lock acquired")] {
                let fields = identifier.clone();
                self.script.line(at + after, "tls.obtain", msg, fields);
            }
        }
        let msg = "obtaining certificate";
        self.script.line(at + 300, "tls.obtain", msg, identifier);
        let end = at + S;
        self.busy = self.busy.max(end + S);
        let failed = self.random.chance(85);
        self.script.tell(end, News::Guest { number, failed });
        if !failed {
            self.say_success(end, "tls.obtain", "obtained", (&name, ISSUER));
            return;
        }
        let problem =
            "HTTP 400 urn:ietf:params:acme:error:dns - DNS problem: NXDOMAIN looking up A";
        self.say_refusal(end, "tls.obtain", (&name, problem));
        let error = format!("[{name}] Obtain: [{name}] {problem} (ca={PRODUCTION})");
        let fields = json!({"error": error, "attempt": attempt, "retrying_in": 60 * attempt,
            "elapsed": 1.5, "max_duration": 2_592_000});
        self.script
            .line(end + 200, "tls.obtain", "will retry", fields);
        if attempt == 1 {
            let again = end + MINUTE;
            self.agenda.insert((again, Step::GuestAgain(number)));
        }
    }
}
