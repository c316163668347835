//! What a failed attempt, and the end of a job, change in the state of a certificate.

use crate::caddy::backoff::Table;
use crate::caddy::ca::Ca;
use crate::caddy::event::Event;
use crate::caddy::failure::{Job, Origin};
use crate::caddy::vocabulary::Means;
use crate::engine::blame::{self, Blame};
use crate::engine::certificate::{Certificate, Failing};
use crate::engine::instance::Instance;
use crate::time::LogTime;

/// Counts a failed attempt and says why.
fn note_failure(certificate: &mut Certificate, event: &Event, at: LogTime, attempt: Option<u32>) {
    let job = certificate.open_job.as_ref();
    let began = job.and_then(|job| Some(job.first_blame.as_ref()?.0));
    let blame = blame::of_attempt(job, event).unwrap_or(Blame::UNKNOWN);
    let known = certificate.failing.as_ref();
    let since = known.map_or(began.unwrap_or(at), |failing| failing.since);
    let span = (at - since).max(event.elapsed.unwrap_or_default());
    let failing = Failing::by(blame, since);
    let (cause, ca) = (failing.cause, failing.ca);
    let blocks = ca == Some(Ca::Staging) && cause.is_of_ca();
    let before = known.map_or(0, |failing| failing.staging_failures);
    let failing = Failing {
        span_micros: span.num_microseconds().unwrap_or(i64::MAX),
        attempts: known
            .map_or(0, |failing| failing.attempts)
            .saturating_add(1),
        attempt,
        first_cause: known.map_or(Some(cause), |failing| failing.first_cause),
        staging_failures: if blocks { before.saturating_add(1) } else { 0 },
        ..failing
    };
    certificate.public_before |= ca.is_some_and(Ca::is_public);
    certificate.failing = Some(failing);
    certificate.recovering = false;
    certificate.last_failure = Some(at);
    if let Some(job) = &mut certificate.open_job {
        job.running = false;
        (job.first_blame, job.problem) = (None, None);
    }
}

/// A line tells a failure; whether it ended an attempt.
pub(super) fn failed(
    instance: &mut Instance,
    certificate: &mut Certificate,
    event: &Event,
    at: LogTime,
) -> bool {
    let ended = match event.means {
        Means::JobFailed => job_failed(instance, certificate, event, at),
        Means::WorkerPanicked => {
            worker_panicked(certificate, event, at);
            true
        }
        _ => {
            attempt_failed(instance, certificate, event, at);
            true
        }
    };
    if let Some(failing) = &mut certificate.failing {
        instance.share_ca_url(&mut failing.ca_url);
    }
    ended
}

fn attempt_failed(
    instance: &mut Instance,
    certificate: &mut Certificate,
    event: &Event,
    at: LogTime,
) {
    let kind = event.job.or(certificate.job).unwrap_or(Job::Renew);
    certificate.job = Some(kind);
    note_failure(certificate, event, at, event.attempt);
    let attempt = event.attempt.unwrap_or(1);
    if let Some(job) = &mut certificate.open_job {
        job.retries = attempt;
    }
    if event.means == Means::GaveUp {
        certificate.gave_up = true;
        certificate.ended = kind == Job::Obtain;
        certificate.open_job = None;
        certificate.next = if kind == Job::Renew {
            instance.at_next_tick(at)
        } else {
            None
        };
        return;
    }
    if let Some(wait) = event.retrying_in {
        instance.learn_table(Table::of(attempt, wait));
        let next = Instance::announced(at + wait, attempt);
        certificate.next = Some(next).filter(|next| next.at.is_plausible());
    }
}

/// A job ended. Returns whether an attempt failed with it: a cancelled job is no failure.
fn job_failed(
    instance: &Instance,
    certificate: &mut Certificate,
    event: &Event,
    at: LogTime,
) -> bool {
    let Some(failure) = &event.failure else {
        return false;
    };
    if failure.uncached && certificate.gave_up {
        // Giving up is no error, so the job looks for what it never stored (certmagic v0.25.3 `config.go`).
        return false;
    }
    let open = certificate.open_job.clone();
    let kind = failure
        .job
        .or(open.as_ref().map(|open| open.job))
        .unwrap_or(Job::Renew);
    let origin = failure
        .origin
        .or(open.as_ref().and_then(|open| open.origin));
    if failure.canceled {
        certificate.open_job = None;
        let requeued = kind == Job::Renew && origin == Some(Origin::Start);
        certificate.next = if requeued {
            instance.at_next_tick(at)
        } else {
            None
        };
        return false;
    }
    certificate.job = Some(kind);
    certificate.origin = origin;
    if kind == Job::Obtain && origin != Some(Origin::Maintenance) {
        note_failure(
            certificate,
            event,
            at,
            open.map(|open| open.retries.saturating_add(1)),
        );
        certificate.ended = true;
        certificate.next = None;
    } else if origin == Some(Origin::Maintenance)
        && open.as_ref().is_none_or(|open| open.retries == 0)
    {
        certificate.paced_failures = certificate
            .paced_failures
            .map(|count| count.saturating_add(1));
        note_failure(certificate, event, at, certificate.paced_failures);
        certificate.next = certificate
            .paced_failures
            .and_then(|failures| instance.paced(at, failures));
    } else {
        note_failure(
            certificate,
            event,
            at,
            open.map(|open| open.retries.saturating_add(1)),
        );
        certificate.next = instance.at_next_tick(at);
    }
    certificate.open_job = None;
    true
}

/// The worker that ran the job is gone: Caddy never tries again before a restart.
pub(super) fn worker_panicked(certificate: &mut Certificate, event: &Event, at: LogTime) {
    note_failure(certificate, event, at, None);
    certificate.ended = true;
    certificate.open_job = None;
    certificate.next = None;
}
