//! What an event changes in the state of a certificate.

use crate::caddy::ca::Ca;
use crate::caddy::event::Event;
use crate::caddy::failure::{Job, Origin};
use crate::caddy::vocabulary::Means;
use crate::engine::blame::{self, Blame};
use crate::engine::certificate::{Advice, Certificate, Due, DueSource, OpenJob, Revocation};
use crate::engine::evidence::Quote;
use crate::engine::failing::{failed, worker_panicked};
use crate::engine::instance::{Instance, RACE};
use crate::engine::recovery::{is_same_expiry, learn_not_after, replaced, succeeded};
use crate::time::LogTime;
use chrono::TimeDelta;

/// What the judge has to know beyond the new state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// An attempt ended, well or badly.
    pub attempt_ended: bool,
    /// A later notAfter from an issuer that counts is known, or a first issuance succeeded.
    pub recovered: bool,
}

/// Applies an event about one certificate.
pub(super) fn apply(
    instance: &mut Instance,
    certificate: &mut Certificate,
    event: &Event,
    at: LogTime,
    quote: impl FnOnce() -> Quote,
) -> Outcome {
    let mut outcome = Outcome::default();
    if is_told_twice(certificate, event.means, at) {
        return outcome;
    }
    match event.means {
        Means::Queued | Means::Due | Means::DueByAri => {
            outcome.attempt_ended = event.means == Means::Queued && died_silently(certificate, at);
            if outcome.attempt_ended {
                worker_panicked(certificate, event, at);
            }
            due(instance, certificate, event, at);
        }
        Means::AriChanged => ari_changed(certificate, event, at),
        Means::MaintenanceJob if !event.on_demand => {
            certificate.open_job = Some(OpenJob::new(Job::Renew, Some(Origin::Maintenance)));
        }
        Means::LockWanted => lock_wanted(certificate, event),
        Means::Began => began(certificate, event, at),
        Means::TalksTo => talks_to(certificate, event),
        Means::ChallengeFailed | Means::AccountLost => {
            if let (Some(job), Some(failure)) = (&mut certificate.open_job, &event.failure) {
                job.problem = Some(Box::new(Blame::of(failure, None, None)));
            }
        }
        Means::IssuerFailed => blame::issuer_failed(certificate, event, at),
        Means::WillRetry | Means::GaveUp | Means::JobFailed | Means::WorkerPanicked => {
            outcome.attempt_ended = failed(instance, certificate, event, at);
        }
        Means::Succeeded => {
            outcome.attempt_ended = true;
            outcome.recovered = succeeded(&mut instance.usual, certificate, event, at);
        }
        Means::RenewedElsewhere => {
            certificate.open_job = None;
            certificate.next = None;
        }
        Means::ObtainInstead => {
            if let Some(job) = &mut certificate.open_job {
                job.instead = true;
            }
        }
        Means::Replaced => outcome.recovered = replaced(certificate, event, at),
        Means::Revoked => certificate.revoked = Some(Revocation::Ocsp),
        Means::Unmanaged => certificate.unmanaged = true,
        Means::LockReleased => {
            if let Some(job) = &mut certificate.open_job {
                job.released = Some(at).filter(|_| job.running);
            }
        }
        Means::LockAcquired
        | Means::MaintenanceJob
        | Means::OnDemandObtain
        | Means::OnDemandFailed
        | Means::Managing
        | Means::MaintenanceStarted
        | Means::Stopping
        | Means::Cleaned
        | Means::LoopPanicked
        | Means::Noted => {}
    }
    note_evidence(certificate, event.means, outcome, quote);
    if let Some(not_after) = event.not_after {
        outcome.recovered |= learn_not_after(certificate, not_after, at);
    }
    conclude(instance, certificate, event, at);
    outcome
}

/// Keeps a line that proves what is open, or what may open. What is failing has its failures for proof, unless
/// nobody works on it any more.
fn note_evidence(
    certificate: &mut Certificate,
    means: Means,
    outcome: Outcome,
    quote: impl FnOnce() -> Quote,
) {
    let is_proof = match means {
        Means::Succeeded | Means::Revoked | Means::Unmanaged => true,
        Means::AriChanged => certificate.revoked.is_some(),
        Means::Began => certificate.failing.is_none(),
        Means::Queued | Means::Due | Means::DueByAri => {
            certificate.failing.is_none() || certificate.idle_since.is_some()
        }
        _ => false,
    };
    if outcome.attempt_ended && means != Means::Succeeded {
        certificate.evidence.failure(quote());
    } else if is_proof {
        certificate.evidence.last = Some(quote());
    }
}

/// When the CA advises to renew the certificate in use, rather than the one before it. A failed refresh of
/// renewal information prints the zero time, which is no advice.
fn advised(certificate: &Certificate, event: &Event) -> Option<LogTime> {
    let told = certificate.not_after.zip(event.not_after);
    let is_own = told.is_none_or(|(own, told)| is_same_expiry(own, told));
    let selected = event.selected_time.filter(|_| is_own);
    selected.filter(|selected| selected.is_plausible())
}

/// Whether the maintenance loop speaks, which says nothing of the job that is under way.
fn is_of_maintenance(event: &Event) -> bool {
    match event.means {
        Means::Queued | Means::Due | Means::DueByAri | Means::AriChanged => true,
        // Renewal information was looked up, in vain or not.
        Means::Noted => event.not_after.is_some(),
        _ => false,
    }
}

/// Whether the end of an attempt comes again: a line that is in the log twice counts once.
fn is_told_twice(certificate: &Certificate, means: Means, at: LogTime) -> bool {
    if means == Means::Succeeded {
        return certificate.open_job.is_none() && certificate.succeeded == Some(at);
    }
    let ends = matches!(means, Means::WillRetry | Means::GaveUp | Means::JobFailed);
    let running = certificate.open_job.as_ref().is_some_and(|job| job.running);
    ends && !running && certificate.last_failure == Some(at)
}

/// What follows from every event.
fn conclude(instance: &Instance, certificate: &mut Certificate, event: &Event, at: LogTime) {
    if let Some(selected) = advised(certificate, event) {
        let known = certificate.advice.map(|advice| advice.heard);
        let heard = known.unwrap_or(at);
        certificate.advice = Some(Advice { selected, heard });
    }
    let job = certificate.open_job.as_mut();
    if let Some(job) = job.filter(|_| !is_of_maintenance(event)) {
        job.heard = Some(at);
    }
    if event.means == Means::Unmanaged {
        // A start of Caddy that is told later has to know whether it was said since.
        certificate.not_after_heard = Some(at);
    }
    if certificate.open_job.is_some() || certificate.next.is_some() || certificate.due.is_none() {
        certificate.idle_since = None;
    }
    let not_after = certificate.not_after;
    if let (Some(next), Some(not_after)) = (&mut certificate.next, not_after) {
        next.tries_left = instance.tries(*next, not_after);
    }
}

fn talks_to(certificate: &mut Certificate, event: &Event) {
    if let (Some(job), Some(ca)) = (&mut certificate.open_job, event.ca) {
        job.ca = Some(ca);
    }
    certificate.public_before |= event.ca.is_some_and(Ca::is_public);
}

/// A new process, or a new maintenance loop, as it says at a moment: jobs and counters of the old one are
/// gone. What came since it has `begun` is its own.
pub(super) fn restarted(certificate: &mut Certificate, at: LogTime, begun: LogTime) {
    let is_own = |moment: Option<LogTime>| moment.is_some_and(|moment| moment >= begun);
    let open_job = certificate.open_job.take();
    certificate.open_job = open_job.filter(|job| is_own(job.heard));
    if !is_own(certificate.last_failure) {
        certificate.next = None;
        certificate.ended = false;
        if let Some(failing) = &mut certificate.failing {
            failing.attempt = None;
        }
    }
    certificate.paced_failures = Some(0);
    certificate.idle_since = None;
    // What is loaded and expires is said anew, with its expiry.
    let said = certificate.not_after_heard;
    certificate.unmanaged &= said.is_some_and(|said| at - said <= RACE);
}

/// Whether the open job let its lock go and never said how it ended. A worker that panics leaves such
/// a job, and Caddy up to 2.10.2 tells of the panic on standard error only.
fn died_silently(certificate: &Certificate, at: LogTime) -> bool {
    /// The line that says how it ended follows within milliseconds.
    const AT_ONCE: TimeDelta = TimeDelta::seconds(1);
    let job = certificate.open_job.as_ref();
    let released = job.and_then(|job| job.released.filter(|_| job.running));
    released.is_some_and(|released| at - released > AT_ONCE)
}

fn due(instance: &Instance, certificate: &mut Certificate, event: &Event, at: LogTime) {
    let new_tick = certificate
        .last_due
        .is_none_or(|last| at - last > instance.interval() / 2);
    if new_tick {
        certificate.ticks_due = certificate.ticks_due.saturating_add(1);
    }
    // Lines of one tick may come in another order than their stamps.
    certificate.last_due = certificate.last_due.max(Some(at));
    // Where a failure may have been missed, an attempt that nobody announced may still come.
    let nobody = certificate.open_job.is_none() && certificate.next.is_none();
    if event.means == Means::Queued && nobody && certificate.paced_failures.is_some() {
        certificate.idle_since = certificate.idle_since.or(Some(at));
    }
    let heard = certificate.not_after_heard;
    let was_healthy =
        certificate.due.is_none() && heard.is_some_and(|heard| at - heard >= instance.interval());
    if was_healthy && certificate.failing.is_none() {
        certificate.paced_failures = certificate.paced_failures.or(Some(0));
    }
    let by_ari = event
        .selected_time
        .filter(|_| event.means == Means::DueByAri);
    // Near the end Caddy does not wait for the CA's date.
    let advised = certificate.advice.map(|advice| advice.selected);
    let advised = advised.filter(|advised| *advised <= at);
    let selected = by_ari.or(advised);
    let ratio = certificate
        .not_after
        .or(event.not_after)
        .zip(certificate.lifetime_micros)
        .map(|(not_after, lifetime)| not_after - TimeDelta::microseconds(lifetime) / 3);
    let found = match (selected, ratio) {
        (Some(since), _) => Due {
            since,
            source: DueSource::Ari,
        },
        (None, Some(since)) if since <= at => Due {
            since,
            source: DueSource::Ratio,
        },
        _ => Due {
            since: at,
            source: DueSource::Seen,
        },
    };
    match certificate.due {
        Some(known) if known.source == found.source || found.source == DueSource::Seen => {}
        Some(known) if known.source == DueSource::Ari => {}
        _ => certificate.due = Some(found),
    }
}

/// ARI moved into the past: due from that moment. A failed refresh prints the zero time, which is
/// no moment at all. A whole window that moves there is a revocation.
fn ari_changed(certificate: &mut Certificate, event: &Event, at: LogTime) {
    if event
        .window
        .is_some_and(|(before, now)| before > at && now <= at)
    {
        certificate.revoked = Some(Revocation::Ari);
    }
    if event.selected_time.is_some_and(|selected| selected <= at) && certificate.due.is_none() {
        certificate.due = Some(Due {
            since: at,
            source: DueSource::Ari,
        });
    }
}

fn lock_wanted(certificate: &mut Certificate, event: &Event) {
    let job = event.job.unwrap_or(Job::Renew);
    let queued = certificate.open_job.as_ref().is_some_and(|open| {
        open.instead
            || open.job == job && open.origin == Some(Origin::Maintenance) && open.retries == 0
    });
    if !queued {
        certificate.open_job = Some(OpenJob::new(job, Some(Origin::Start)));
    }
}

fn began(certificate: &mut Certificate, event: &Event, at: LogTime) {
    let kind = event.job.unwrap_or(Job::Renew);
    let goes_on = |open: &OpenJob| open.job == kind || open.instead;
    let open = certificate.open_job.take().filter(goes_on);
    let mut job = open.unwrap_or_else(|| OpenJob::new(kind, None));
    job.running = true;
    job.released = None;
    job.began = Some(at);
    job.first_blame = None;
    job.issuers_failed = 0;
    job.problem = None;
    job.ca = None;
    certificate.ended = false;
    certificate.origin = job.origin;
    certificate.job = Some(job.job);
    certificate.open_job = Some(job);
    certificate.next = None;
}
