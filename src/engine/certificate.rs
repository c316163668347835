//! All that is known of one certificate. It survives restarts of Caddy and of ours.

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::caddy::failure::{Job, Origin};
use crate::caddy::name::Name;
use crate::caddy::remedy::{Generation, Waiting};
use crate::engine::alert::Alerts;
use crate::engine::blame::Blame;
use crate::engine::evidence::Evidence;
use crate::engine::link::Link;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// How a moment is known to be when the renewal became due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DueSource {
    /// ARI's selected time.
    Ari,
    /// The start of the last third of the lifetime.
    Ratio,
    /// The first line that we saw call it due.
    Seen,
}

/// How the next attempt is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetrySource {
    /// Caddy printed `retrying_in`.
    Announced,
    /// We computed it from the back-off table and the tick.
    Predicted,
}

/// Since when the renewal is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The moment.
    pub since: LogTime,
    /// How it is known.
    pub source: DueSource,
}

/// What the CA advises by ACME renewal information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The moment that was selected from its window.
    pub selected: LogTime,
    /// When a line first told of it.
    pub heard: LogTime,
}

/// How a revocation became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revocation {
    /// An OCSP response says so.
    Ocsp,
    /// The CA moved the renewal window into the past.
    Ari,
}

/// The next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextRetry {
    /// When it starts.
    pub at: LogTime,
    /// How that is known.
    pub source: RetrySource,
    /// Consecutive failures before it, as the back-off counts them; `None` where unknown.
    pub failures: Option<u32>,
    /// Attempts that start strictly before notAfter, this one included; `None` where unknown.
    pub tries_left: Option<u32>,
}

/// A streak of failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The first failure we saw.
    pub since: LogTime,
    /// Microseconds at the last failure line: the larger of Caddy's `elapsed` and the time since
    /// the first failure.
    pub span_micros: i64,
    /// Failed attempts in all, across restarts of Caddy.
    pub attempts: u32,
    /// Caddy's own counter, else ours since its start.
    pub attempt: Option<u32>,
    /// Why the last attempt failed, by its first failing issuer.
    pub cause: Cause,
    /// Who met it.
    pub seen_by: SeenBy,
    /// The CA that the last attempt went to.
    pub ca: Option<Ca>,
    /// Where that CA is; the same for most.
    pub ca_url: Option<Arc<str>>,
    /// Why the first attempt of the streak failed.
    pub first_cause: Option<Cause>,
    /// Attempts in a row that the staging CA itself failed.
    #[serde(default)]
    pub staging_failures: u32,
    /// When the CA's rate limit ends, where it said so.
    #[serde(default)]
    pub rate_limited_until: Option<LogTime>,
}

impl Failing {
    /// What is to blame since a moment; no attempt has failed by it.
    pub(super) fn by(blame: Blame, since: LogTime) -> Self {
        Self {
            since,
            span_micros: 0,
            attempts: 0,
            attempt: None,
            cause: blame.cause,
            seen_by: blame.seen_by,
            ca: blame.ca.or(blame.issuer),
            ca_url: blame.ca_url.map(Arc::from),
            first_cause: Some(blame.cause),
            staging_failures: 0,
            rate_limited_until: blame.rate_limited_until,
        }
    }
}

/// A job of Caddy that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenJob {
    /// Obtain or renew.
    pub job: Job,
    /// Who began it, if that was seen.
    pub origin: Option<Origin>,
    /// Whether an attempt is under way, rather than asleep.
    pub running: bool,
    /// When the lock was let go while the attempt's outcome was still open.
    #[serde(default)]
    pub released: Option<LogTime>,
    /// `will retry` lines of this job.
    pub retries: u32,
    /// When the first issuer of the running attempt failed, and why.
    #[serde(default)]
    pub first_blame: Option<Box<(LogTime, Blame)>>,
    /// How many issuers failed in the running attempt.
    #[serde(default)]
    pub issuers_failed: u32,
    /// The last ACME problem that the running attempt met at the issuer it is with.
    #[serde(default)]
    pub problem: Option<Box<Blame>>,
    /// The CA that the running attempt talks to.
    pub ca: Option<Ca>,
    /// When its running attempt began.
    pub began: Option<LogTime>,
    /// The last line about it; what the maintenance loop says of the certificate does not count.
    pub heard: Option<LogTime>,
    /// A renewal that goes on as an obtain, because the stored files are gone.
    pub instead: bool,
}

impl OpenJob {
    /// A job whose first attempt has not begun.
    pub fn new(job: Job, origin: Option<Origin>) -> Self {
        Self {
            job,
            origin,
            running: false,
            released: None,
            retries: 0,
            first_blame: None,
            issuers_failed: 0,
            problem: None,
            ca: None,
            began: None,
            heard: None,
            instead: false,
        }
    }
}

/// What only a certificate in trouble has: apart, so that a healthy one stays small.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// The job under way.
    pub open_job: Option<OpenJob>,
    /// The current streak of failures.
    pub failing: Option<Failing>,
    /// The last streak, once it is over.
    pub failed: Option<Box<Failing>>,
    /// The next attempt.
    pub next: Option<NextRetry>,
    /// Ticks that found it due, without success since.
    pub ticks_due: u32,
    /// The last failure.
    pub last_failure: Option<LogTime>,
    /// Caddy gave up after thirty days.
    pub gave_up: bool,
    /// The job ended and nobody will retry.
    pub ended: bool,
    /// A success was logged, and a later notAfter is still to be seen.
    pub recovering: bool,
    /// The CA revoked it, or asked for its renewal at once.
    pub revoked: Option<Revocation>,
    /// Since when ticks find it due while no attempt of it is under way or to come.
    pub idle_since: Option<LogTime>,
    /// Lines that prove the streak.
    pub evidence: Evidence,
    /// Open alerts by rule.
    pub alerts: Alerts,
    /// Its incident.
    pub link: Link,
}

impl Trouble {
    const NONE: Self = Self {
        open_job: None,
        failing: None,
        failed: None,
        next: None,
        ticks_due: 0,
        last_failure: None,
        gave_up: false,
        ended: false,
        recovering: false,
        revoked: None,
        idle_since: None,
        evidence: Evidence {
            first: None,
            last: None,
        },
        alerts: Alerts::new(),
        link: Link::EMPTY,
    };

    /// Whether it is over, and all that is left of it is what was.
    fn is_over(&self) -> bool {
        let begun = self.open_job.is_some() || self.next.is_some() || self.idle_since.is_some();
        let fails = self.failing.is_some() || self.recovering || self.ticks_due > 0;
        let ended = self.gave_up || self.ended || self.revoked.is_some();
        let told = !self.alerts.is_empty() || self.link != Link::default();
        !(begun || fails || ended || told)
    }
}

/// One certificate. What it has in trouble reads as its own: see [`Trouble`].
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its name.
    pub name: Name,
    /// When it expires, as the log says.
    pub not_after: Option<LogTime>,
    /// When notAfter was last heard, so that a late line does not bring an old one back.
    pub not_after_heard: Option<LogTime>,
    /// Microseconds from issuance to notAfter, where an issuance was seen.
    pub lifetime_micros: Option<i64>,
    /// When the CA advises to renew the certificate in use.
    #[serde(default)]
    pub advice: Option<Advice>,
    /// Since when the renewal is due.
    pub due: Option<Due>,
    /// The last line that called it due.
    pub last_due: Option<LogTime>,
    /// What the last job was.
    pub job: Option<Job>,
    /// Who began the last job.
    pub origin: Option<Origin>,
    /// Consecutive failures paced by the maintenance loop since Caddy's start; `None` unless all
    /// of them were seen.
    pub paced_failures: Option<u32>,
    /// The last success line.
    pub succeeded: Option<LogTime>,
    /// How long the last success took, in microseconds.
    pub took_micros: Option<i64>,
    /// How many times the usual that was.
    pub slowness: Option<u32>,
    /// The class of CA that issued the certificate in use.
    pub issued_by: Option<Ca>,
    /// Another issuer than the first one issued it, or Caddy's own CA in place of a public one.
    #[serde(default)]
    pub downgraded: bool,
    /// Whether a CA other than Caddy's own has issued, or was asked to.
    pub public_before: bool,
    /// The name was in the latest list of managed names.
    pub listed: bool,
    /// Caddy was given it as it is, and nobody renews it.
    #[serde(default)]
    pub unmanaged: bool,
    /// The next moment at which a rule has to be looked at.
    pub wake: Option<LogTime>,
    #[serde(flatten)]
    pub(super) trouble: Aside,
}

/// [`Trouble`], if there is any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Aside(Option<Box<Trouble>>);

impl Aside {
    /// It, without making room for what there is not.
    pub(super) fn get_mut(&mut self) -> Option<&mut Trouble> {
        self.0.as_deref_mut()
    }
}

impl Serialize for Aside {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(trouble) => trouble.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

impl<'de> Deserialize<'de> for Aside {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Some(Box::new(Trouble::deserialize(deserializer)?))))
    }
}

impl Deref for Certificate {
    type Target = Trouble;

    fn deref(&self) -> &Trouble {
        static NONE: Trouble = Trouble::NONE;
        self.trouble.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Certificate {
    fn deref_mut(&mut self) -> &mut Trouble {
        self.trouble.0.get_or_insert_default()
    }
}

impl Certificate {
    /// A certificate of which nothing is known.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            not_after: None,
            not_after_heard: None,
            lifetime_micros: None,
            advice: None,
            due: None,
            last_due: None,
            job: None,
            origin: None,
            paced_failures: None,
            succeeded: None,
            took_micros: None,
            slowness: None,
            issued_by: None,
            downgraded: false,
            public_before: false,
            listed: false,
            unmanaged: false,
            wake: None,
            trouble: Aside::default(),
        }
    }

    /// Another certificate is in use, as a line says.
    pub(super) fn expires(&mut self, not_after: LogTime, heard: LogTime) {
        self.not_after = Some(not_after);
        self.not_after_heard = Some(heard);
        self.advice = None;
    }

    /// Forgets a trouble that is over, once its incident is gone, too.
    pub(super) fn rest(&mut self) {
        if self.trouble.0.as_ref().is_some_and(|one| one.is_over()) {
            self.trouble.0 = None;
        }
    }

    /// Forgets a streak that is over once no alert is open that may be about it: what opens later must
    /// not be laid to it.
    pub(super) fn forget_failed(&mut self) {
        if self.failed.is_some() && self.alerts.is_empty() {
            self.failed = None;
        }
    }

    /// Time from issuance to expiry: seen, else three times the span from ARI's wish to expiry.
    pub fn lifetime(&self) -> Option<TimeDelta> {
        if let Some(micros) = self.lifetime_micros {
            return Some(TimeDelta::microseconds(micros));
        }
        let due = self.due.filter(|due| due.source == DueSource::Ari);
        let advised = self.advice.map(|advice| advice.selected);
        Some((self.not_after? - due.map(|due| due.since).or(advised)?) * 3)
    }

    /// When a share of the time from due to notAfter is over. A renewal that no line has called due is
    /// due when the CA advises it, else when the last third of the lifetime begins; who has only just heard
    /// of the advice has to wait for the line with `patience`.
    pub fn share_of_window(&self, percent: i32, patience: TimeDelta) -> Option<LogTime> {
        let not_after = self.not_after?;
        let third = self
            .lifetime_micros
            .map(|micros| not_after - TimeDelta::microseconds(micros) / 3);
        let (due, earliest) = match (self.due, self.advice) {
            (Some(due), _) => (due.since, None),
            (None, Some(advice)) => (advice.selected, Some(advice.heard + patience)),
            (None, None) => (third?, None),
        };
        let share = due + (not_after - due) / 100 * percent;
        Some(earliest.map_or(share, |earliest| share.max(earliest))).filter(|_| due < not_after)
    }

    /// Whether a tick would find it due if it had not been renewed, by all that is known of it.
    pub fn is_to_be_renewed(&self, at: LogTime) -> bool {
        let begins = self.share_of_window(0, TimeDelta::zero());
        let begins = begins.into_iter().chain(self.not_after).min();
        let is_due = self.due.is_some() || self.failing.is_some();
        is_due || begins.is_some_and(|begins| begins <= at)
    }

    /// When 1/20 of the lifetime is left; 48 h before expiry where the lifetime is unknown.
    pub fn last_twentieth(&self) -> Option<LogTime> {
        let span = self
            .lifetime()
            .map_or(TimeDelta::hours(48), |lifetime| lifetime / 20);
        Some(self.not_after? - span)
    }

    /// What decides how Caddy is made to try again.
    pub fn waiting(&self, generation: Option<Generation>) -> Waiting {
        let predicted = |next: NextRetry| next.source == RetrySource::Predicted;
        Waiting {
            job: self.job.unwrap_or(Job::Renew),
            origin: self.origin,
            sleeps: !self.next.is_some_and(predicted),
            generation,
        }
    }

    /// Whether attempts are failing, rather than done or recovering.
    pub fn is_failing(&self) -> bool {
        self.failing.is_some() && !self.recovering
    }

    /// The streak that is, else the one that was.
    pub fn streak(&self) -> Option<&Failing> {
        self.failing.as_ref().or(self.failed.as_deref())
    }

    /// Whether waiting cannot cure the failure.
    pub fn is_incurable(&self) -> bool {
        self.ended
            || self
                .failing
                .as_ref()
                .is_some_and(|failing| failing.cause.is_incurable())
    }

    /// Whether it was issued by a CA that nobody out there trusts.
    pub fn is_of_wrong_issuer(&self) -> bool {
        self.issued_by
            .is_some_and(|ca| !ca.proves_recovery(self.public_before))
    }

    /// The state in a word, at a moment of the log.
    pub fn state(&self, at: LogTime) -> &'static str {
        if self.not_after.is_some_and(|not_after| not_after <= at) {
            "expired"
        } else if self.ended {
            "ended"
        } else if self.is_of_wrong_issuer() {
            "wrong-issuer"
        } else if self.recovering {
            "recovering"
        } else if self.failing.is_some() {
            "failing"
        } else if self.unmanaged {
            "unmanaged"
        } else if self.due.is_some() {
            "due"
        } else if self.not_after.is_some() || self.succeeded.is_some() {
            "healthy"
        } else {
            "unknown"
        }
    }
}
