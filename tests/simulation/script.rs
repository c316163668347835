//! What happens in one simulated life: the lines that Caddy writes of it, and the truth behind them.

use notafter::caddy::entry::Entry;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Microseconds in a second.
pub(crate) const S: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * S;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// The maintenance loop's interval.
pub(crate) const TICK: i64 = 10 * MINUTE;

/// How a Caddy tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// certmagic up to 0.17.2: the old table, no ARI, and a reload restarts the maintenance loop.
    Old,
    /// certmagic 0.20 to 0.25.5: the new table.
    New,
    /// certmagic 0.25.6: the new table, and jobs of the maintenance loop are paced by its ticks.
    Paced,
}

/// Why attempts fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) text: &'static str,
    /// The rule about it.
    pub(crate) rule: &'static str,
    /// No retry cures it.
    pub(crate) incurable: bool,
    /// The CA itself fails, whatever the name.
    pub(crate) of_ca: bool,
    /// When the CA's rate limit ends, where the text says so.
    pub(crate) limit: Option<i64>,
}

/// A certificate, and what becomes of it.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) name: String,
    /// When the certificate expires that it has; `None` where the first one is yet to be issued.
    pub(crate) not_after: Option<i64>,
    /// By the CA's advice, where the generation has ARI.
    pub(crate) due: i64,
    pub(crate) lifetime: i64,
    /// Why attempts fail, and why they do from another moment on.
    pub(crate) faults: [Fault; 2],
    pub(crate) turns: i64,
    /// From here on attempts succeed.
    pub(crate) fixed: i64,
    /// A job ends with this failure, because the CA refused after its test CA had agreed.
    pub(crate) refused: Option<usize>,
    /// The attempt that begins first after this moment hangs for so long.
    pub(crate) hangs: Option<(i64, i64)>,
    /// The worker of one of its attempts panics.
    pub(crate) panics: bool,
    /// Caddy does not notice that it is due, and says nothing of it.
    pub(crate) overlooked: bool,
    /// The new expiry is told so long after the success.
    pub(crate) proof_after: i64,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// When the issuer failed, just before.
    pub(crate) since: i64,
    /// What Caddy says of the age of its job.
    pub(crate) elapsed: i64,
    /// Consecutive failures of the job, where the back-off goes on from them.
    pub(crate) failures: Option<usize>,
    /// Ticks begin the next attempt; they have this phase.
    pub(crate) phase: Option<i64>,
    /// The test CA was asked.
    pub(crate) staging: bool,
}

/// One fact of a life.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Truth {
    /// A line says when the CA wants it renewed.
    Advised,
    /// A line calls it due.
    Due,
    /// An attempt begins.
    Began,
    /// It failed, and another one comes by itself at `next`.
    Failed { failure: Failure, next: Option<i64> },
    /// A reload ended the job; a tick begins another one at `next`.
    Canceled { next: Option<i64> },
    /// The process ended, said so or not, or another one began.
    Stopped,
    /// The failure that follows was the last one of 30 days.
    GaveUp,
    /// Who issued the certificate that is in use from now on.
    Issued(Issuer),
    /// When it expires.
    Ends(i64),
    /// OCSP says, or ARI lets know, that it is revoked.
    Revoked,
    /// It is loaded, nobody renews it, and it has less than a day.
    Unmanaged,
    /// An attempt succeeded.
    Succeeded,
    /// A later expiry is known, or a first certificate was issued.
    Renewed,
}

/// Who issued a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// The first one that is configured, which everybody trusts.
    First,
    /// The next one, because the first failed.
    Second,
    Staging,
}

/// One fact of the process or of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A maintenance loop begins that knows nothing of another one before it.
    LoopBegan,
    /// Code that renews certificates panicked: the loop, or a worker.
    Panicked {
        in_loop: bool,
    },
    /// An error about certificates that no version prints.
    Unknown,
    /// A name that a handshake asked for could not be obtained, or could.
    Guest {
        number: usize,
        failed: bool,
    },
    /// The log cannot be read any more, or can again.
    Lost,
    Found,
}

/// A name with a fate of its own, beside the lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tale {
    /// The first issuer fails, and Caddy's own CA steps in.
    Internal,
    /// The first issuer fails, and another CA steps in.
    Fallback,
    /// The test CA is configured.
    Staging,
    /// OCSP says that it is revoked.
    Revoked,
    /// The window in which to renew moves into the past.
    Window,
    /// A first issuance that nothing hinders.
    Quick,
}

#[derive(Debug)]
pub(crate) struct Line {
    /// When it came, by a clock that was never set.
    pub(crate) order: i64,
    /// Its stamp.
    pub(crate) at: i64,
    pub(crate) text: String,
    /// The same, decoded.
    pub(crate) entry: Entry,
}

/// The whole script of a host.
#[derive(Debug)]
pub(crate) struct Script {
    /// The name of the host.
    pub(crate) host: String,
    pub(crate) generation: Generation,
    pub(crate) lives: Vec<Life>,
    pub(crate) lines: Vec<Line>,
    pub(crate) truth: BTreeMap<String, Vec<(i64, Truth)>>,
    pub(crate) news: Vec<(i64, News)>,
    /// Managed names beside the lives, and what becomes of them.
    pub(crate) tales: Vec<(String, Tale)>,
    /// How far the host's clock is ahead of one that was never set.
    pub(crate) offset: i64,
    /// The stamp of the last line.
    pub(crate) end: i64,
}

impl Script {
    /// Time is watched up to here.
    pub(crate) fn until(&self) -> i64 {
        self.end + 10 * HOUR
    }

    pub(crate) fn line(&mut self, order: i64, logger: &str, msg: &str, fields: Value) {
        let level = if fields.get("error").is_some() {
            "error"
        } else {
            "info"
        };
        let at = order + self.offset;
        let ts = seconds(at);
        let mut line = json!({"level": level, "ts": ts, "msg": msg});
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            if !logger.is_empty() {
                line.insert("logger".to_owned(), json!(logger));
            }
            line.extend(fields);
        }
        let text = line.to_string();
        let entry = Entry::decode(text.as_bytes()).unwrap();
        self.lines.push(Line {
            order,
            at,
            text,
            entry,
        });
    }

    /// Notes what is true of the process, by its stamp.
    pub(crate) fn tell(&mut self, order: i64, news: News) {
        self.news.push((order + self.offset, news));
    }

    /// Notes what is true of a name, by its stamp.
    pub(crate) fn is(&mut self, name: &str, order: i64, truth: Truth) {
        let truths = self.truth.entry(name.to_owned()).or_default();
        truths.push((order + self.offset, truth));
    }
}

/// As Caddy prints a time or a duration.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of this century fit"
)]
pub(crate) fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// certmagic's tables, in minutes.
pub(crate) fn wait(generation: Generation, failures: usize) -> i64 {
    const OLD: &[i64] = &[1, 2, 2, 5, 10, 20, 20, 30, 30, 60, 180, 360];
    const NEW: &[i64] = &[
        1, 2, 2, 5, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30, 60, 60, 60, 120, 120, 180,
        180, 360,
    ];
    let table = if generation == Generation::Old {
        OLD
    } else {
        NEW
    };
    table[(failures - 1).min(table.len() - 1)] * MINUTE
}

/// The first tick at or after a moment.
pub(crate) fn tick_after(phase: i64, at: i64) -> i64 {
    let past = (at - phase).rem_euclid(TICK);
    if past == 0 { at } else { at + TICK - past }
}
