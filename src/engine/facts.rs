//! A certificate's state as the facts that rules read.

use crate::caddy::ca::Ca;
use crate::caddy::cause::Cause;
use crate::caddy::failure::Job;
use crate::engine::certificate::{Certificate, DueSource, RetrySource, Revocation};
use crate::engine::certificates::Certificates;
use crate::engine::evidence::neutral;
use crate::engine::instance::Instance;
use crate::rules::{Fact, Facts};
use crate::time::LogTime;
use chrono::TimeDelta;

/// The facts at a moment of the log.
pub(super) fn facts(
    instance_name: &str,
    instance: &Instance,
    certificate: &Certificate,
    at: LogTime,
) -> Facts {
    let mut facts = Facts::new();
    facts.set(Fact::Name, Some(certificate.name.as_str()));
    facts.set(Fact::Instance, Some(instance_name));
    facts.set(Fact::State, Some(certificate.state(at)));
    facts.set(Fact::Job, certificate.job.map(Job::word));
    facts.set(Fact::Failing, Some(certificate.is_failing()));
    facts.set(Fact::NotAfter, sane(certificate.not_after));
    facts.set(Fact::Lifetime, certificate.lifetime());
    facts.set(Fact::LastTwentieth, sane(certificate.last_twentieth()));
    facts.set(Fact::Due, Some(certificate.due.is_some()));
    facts.set(Fact::DueSince, sane(certificate.due.map(|due| due.since)));
    facts.set(
        Fact::DueSinceSource,
        certificate.due.map(|due| due.source.word()),
    );
    facts.set(
        Fact::SelectedTime,
        sane(certificate.advice.map(|advice| advice.selected)),
    );
    facts.set(Fact::TicksDue, Some(certificate.ticks_due));
    let share = |percent| certificate.share_of_window(percent, instance.interval() * 2);
    facts.set(Fact::Halfway, sane(share(50)));
    facts.set(Fact::LastTenth, sane(share(90)));
    facts.set(Fact::NextRetry, sane(certificate.next.map(|next| next.at)));
    facts.set(
        Fact::NextRetrySource,
        certificate.next.map(|next| next.source.word()),
    );
    facts.set(
        Fact::TriesLeft,
        certificate.next.and_then(|next| next.tries_left),
    );
    facts.set(Fact::IssuedBy, certificate.issued_by.map(Ca::word));
    facts.set(Fact::Downgraded, Some(certificate.downgraded));
    facts.set(Fact::PublicBefore, Some(certificate.public_before));
    facts.set(Fact::GaveUp, Some(certificate.gave_up));
    facts.set(Fact::Ended, Some(certificate.ended));
    facts.set(Fact::Recovering, Some(certificate.recovering));
    facts.set(Fact::Incurable, Some(certificate.is_incurable()));
    facts.set(Fact::Armed, Some(is_armed(instance, certificate, at)));
    set_activity(&mut facts, instance, certificate);
    set_streak(&mut facts, certificate);
    facts
}

fn sane(time: Option<LogTime>) -> Option<LogTime> {
    time.filter(|time| time.is_plausible())
}

/// What is under way, to come, or missing.
fn set_activity(facts: &mut Facts, instance: &Instance, certificate: &Certificate) {
    let pending = certificate.next.is_some() && !instance.rhythm.is_stopped();
    facts.set(Fact::RetryPending, Some(pending));
    let grace = certificate.next.map(|next| instance.grace(next.source));
    facts.set(Fact::Grace, grace);
    let idle = certificate.idle_since.is_some() && !instance.rhythm.is_stopped();
    facts.set(Fact::Idle, Some(idle));
    facts.set(Fact::IdleSince, certificate.idle_since);
    // A job without a next attempt is running, or waits for its lock.
    let open = certificate.open_job.as_ref();
    let working = open.filter(|_| certificate.next.is_none() && !instance.rhythm.is_stopped());
    facts.set(Fact::Working, Some(working.is_some()));
    facts.set(Fact::WorkingSince, working.and_then(|job| job.heard));
    facts.set(Fact::Revoked, Some(certificate.revoked.is_some()));
    facts.set(
        Fact::RevokedSource,
        certificate.revoked.map(Revocation::word),
    );
    facts.set(Fact::Unmanaged, Some(certificate.unmanaged));
    facts.set(Fact::Succeeded, certificate.succeeded);
    facts.set(
        Fact::Took,
        certificate.took_micros.map(TimeDelta::microseconds),
    );
    facts.set(Fact::Slowness, certificate.slowness);
}

/// The streak of failures that goes on.
fn set_streak(facts: &mut Facts, certificate: &Certificate) {
    let streak = certificate.failing.as_ref();
    facts.set(
        Fact::AttemptsTotal,
        Some(streak.map_or(0, |streak| streak.attempts)),
    );
    facts.set(Fact::FailingSince, sane(streak.map(|streak| streak.since)));
    facts.set(
        Fact::FailingFor,
        streak.map(|streak| TimeDelta::microseconds(streak.span_micros)),
    );
    facts.set(Fact::Attempt, streak.and_then(|streak| streak.attempt));
    facts.set(Fact::Cause, streak.map(|streak| streak.cause.word()));
    let first_cause = streak.and_then(|streak| streak.first_cause);
    facts.set(Fact::FirstCause, first_cause.map(Cause::word));
    let staging_failures = streak.map_or(0, |streak| streak.staging_failures);
    facts.set(Fact::StagingFailures, Some(staging_failures));
    let rate_limited_until = streak.and_then(|streak| streak.rate_limited_until);
    facts.set(Fact::RateLimitedUntil, sane(rate_limited_until));
    facts.set(Fact::SeenBy, streak.map(|streak| streak.seen_by.word()));
    facts.set(Fact::Ca, streak.and_then(|streak| streak.ca).map(Ca::word));
}

/// The facts about the source itself.
pub(super) fn source_facts(
    instance_name: &str,
    instance: &Instance,
    certificates: &Certificates,
) -> Facts {
    let on_demand = &instance.on_demand;
    let mut facts = Facts::new();
    // While a renewal is due, each tick names it.
    let waiting = certificates.is_any_due_since(instance.rhythm.tick);
    let next = instance.next_line(waiting);
    facts.set(Fact::SourceName, Some(instance_name));
    facts.set(Fact::Informed, Some(instance.informed));
    facts.set(Fact::LastLine, instance.rhythm.heard);
    facts.set(Fact::NextLine, next.map(|(at, _)| at));
    facts.set(Fact::Rhythm, next.map(|(_, beat)| beat.word()));
    facts.set(
        Fact::LostSince,
        instance.lost.as_ref().map(|(since, _)| *since),
    );
    facts.set(
        Fact::LostWhy,
        instance.lost.as_ref().map(|(_, why)| neutral(why)),
    );
    facts.set(Fact::Lost, Some(instance.lost.is_some()));
    facts.set(Fact::Panics, Some(instance.panics));
    facts.set(Fact::LastPanic, instance.panicked_at);
    facts.set(Fact::OnDemandFailing, Some(on_demand.failing()));
    facts.set(Fact::OnDemandSince, sane(on_demand.since));
    facts.set(Fact::LoopDead, Some(instance.is_loop_dead()));
    facts
}

/// Whether absence may be judged: the instance has shown info-level certificate lines since its
/// start, and the name is still managed.
fn is_armed(instance: &Instance, certificate: &Certificate, at: LogTime) -> bool {
    let heard = [certificate.last_due, certificate.last_failure]
        .into_iter()
        .flatten()
        .max();
    let recent = heard.is_some_and(|heard| at - heard <= instance.interval() * 2);
    let pending = certificate.open_job.is_some() || certificate.next.is_some();
    instance.informed && (recent || pending || certificate.listed)
}

impl DueSource {
    /// The word for it in rules and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ari => "ari",
            Self::Ratio => "ratio",
            Self::Seen => "seen",
        }
    }
}

impl RetrySource {
    /// The word for it in rules and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Predicted => "predicted",
        }
    }
}

impl Revocation {
    /// The word for it in rules.
    const fn word(self) -> &'static str {
        match self {
            Self::Ocsp => "ocsp",
            Self::Ari => "ari",
        }
    }
}
