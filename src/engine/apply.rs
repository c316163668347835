//! What an event changes in the state of a certificate.

use crate::caddy::backoff::Table;
use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::caddy::event::Event;
use crate::caddy::failure::{Job, Origin};
use crate::caddy::vocabulary::Means;
use crate::engine::certificate::{Certificate, Due, DueSource, Failing, OpenJob};
use crate::engine::evidence::Quote;
use crate::engine::instance::Instance;
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
    match event.means {
        Means::Queued | Means::Due | Means::DueByAri => due(instance, certificate, event, at),
        Means::AriChanged => ari_changed(certificate, event, at),
        Means::MaintenanceJob if !event.on_demand => {
            certificate.open_job = Some(OpenJob::new(Job::Renew, Some(Origin::Maintenance)));
        }
        Means::LockWanted => lock_wanted(certificate, event),
        Means::Began => began(certificate, event),
        Means::TalksTo => {
            if let (Some(job), Some(ca)) = (&mut certificate.open_job, event.ca) {
                job.ca = Some(ca);
            }
            certificate.public_before |= matches!(event.ca, Some(Ca::Production | Ca::Other));
        }
        Means::ChallengeFailed => {
            if let (Some(job), Some(failure)) = (&mut certificate.open_job, &event.failure) {
                job.problem = Some((failure.cause, failure.seen_by));
            }
        }
        Means::IssuerFailed => {
            if let (Some(job), Some(failure)) = (&mut certificate.open_job, &event.failure) {
                job.first_failure
                    .get_or_insert((at, failure.cause, failure.seen_by));
                job.failed_ca = job.ca.take().or(job.failed_ca);
            }
        }
        Means::WillRetry | Means::GaveUp => {
            outcome.attempt_ended = true;
            attempt_failed(instance, certificate, event, at);
            certificate.evidence.failure(quote());
        }
        Means::JobFailed => {
            outcome.attempt_ended = job_failed(instance, certificate, event, at);
            if outcome.attempt_ended {
                certificate.evidence.failure(quote());
            }
        }
        Means::Succeeded => {
            outcome.attempt_ended = true;
            outcome.recovered = succeeded(certificate, event, at);
            certificate.evidence.last = Some(quote());
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
        Means::LockAcquired
        | Means::LockReleased
        | Means::MaintenanceJob
        | Means::Managing
        | Means::MaintenanceStarted
        | Means::Stopping
        | Means::Noted => {}
    }
    if let Some(not_after) = event.not_after {
        outcome.recovered |= learn_not_after(certificate, not_after, at);
    }
    if let (Some(next), Some(not_after)) = (&mut certificate.next, certificate.not_after) {
        next.tries_left = instance.tries(*next, not_after);
    }
    outcome
}

/// A new process, or a new maintenance loop: jobs and counters of the old one are gone.
pub(super) fn restarted(certificate: &mut Certificate) {
    certificate.open_job = None;
    certificate.next = None;
    certificate.paced_failures = Some(0);
    certificate.ended = false;
    // The list of managed names follows at once, if there is one.
    certificate.listed = false;
    if let Some(failing) = &mut certificate.failing {
        failing.attempt = None;
    }
}

fn due(instance: &Instance, certificate: &mut Certificate, event: &Event, at: LogTime) {
    let new_tick = certificate
        .last_due
        .is_none_or(|last| at - last > instance.interval() / 2);
    if new_tick {
        certificate.ticks_due = certificate.ticks_due.saturating_add(1);
    }
    certificate.last_due = Some(at);
    let heard = certificate.not_after_heard;
    let was_healthy =
        certificate.due.is_none() && heard.is_some_and(|heard| at - heard >= instance.interval());
    if was_healthy && certificate.failing.is_none() {
        certificate.paced_failures = certificate.paced_failures.or(Some(0));
    }
    let selected = event
        .selected_time
        .filter(|_| event.means == Means::DueByAri);
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
/// no moment at all.
fn ari_changed(certificate: &mut Certificate, event: &Event, at: LogTime) {
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

fn began(certificate: &mut Certificate, event: &Event) {
    let kind = event.job.unwrap_or(Job::Renew);
    let goes_on = |open: &OpenJob| open.job == kind || open.instead;
    let open = certificate.open_job.take().filter(goes_on);
    let mut job = open.unwrap_or_else(|| OpenJob::new(kind, None));
    job.running = true;
    job.first_failure = None;
    job.problem = None;
    job.ca = None;
    job.failed_ca = None;
    certificate.ended = false;
    certificate.origin = job.origin;
    certificate.job = Some(job.job);
    certificate.open_job = Some(job);
    certificate.next = None;
}

/// Counts a failed attempt and says why, by the first failing issuer: with several issuers the
/// last line shows only the last one's error (certmagic v0.25.3 `config.go`).
fn note_failure(certificate: &mut Certificate, event: &Event, at: LogTime, attempt: Option<u32>) {
    let own = event
        .failure
        .as_ref()
        .map(|failure| (failure.cause, failure.seen_by));
    let job = certificate.open_job.as_ref();
    let first = job.and_then(|job| job.first_failure);
    let problem = job.and_then(|job| job.problem);
    let named = first.map(|(_, cause, seen_by)| (cause, seen_by));
    let is_vague = |&(cause, _): &(Cause, SeenBy)| {
        matches!(cause, Cause::Unknown | Cause::ChallengeNoneAvailable)
    };
    let (cause, seen_by) = [named, own, problem]
        .into_iter()
        .flatten()
        .find(|found| !is_vague(found))
        .or(named)
        .or(own)
        .unwrap_or((Cause::Unknown, SeenBy::Caddy));
    let began = first.map_or(at, |(began, _, _)| began);
    let known = certificate.failing.as_ref();
    let since = known.map_or(began, |failing| failing.since);
    let span = (at - since).max(event.elapsed.unwrap_or_default());
    let ca = event.ca.or(job.and_then(|job| job.ca.or(job.failed_ca)));
    let ca_url = event
        .failure
        .as_ref()
        .and_then(|failure| failure.ca_url.clone());
    certificate.public_before |= matches!(ca, Some(Ca::Production | Ca::Other));
    certificate.failing = Some(Failing {
        since,
        span_micros: span.num_microseconds().unwrap_or(i64::MAX),
        attempts: known
            .map_or(0, |failing| failing.attempts)
            .saturating_add(1),
        attempt,
        cause,
        seen_by,
        ca,
        ca_url,
    });
    certificate.recovering = false;
    certificate.last_failure = Some(at);
    if let Some(job) = &mut certificate.open_job {
        job.running = false;
    }
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

/// A success line. It proves a recovery only for a first issuance by a CA that counts.
fn succeeded(certificate: &mut Certificate, event: &Event, at: LogTime) -> bool {
    let open = certificate.open_job.take();
    let issuer_failed = open
        .as_ref()
        .is_some_and(|open| open.first_failure.is_some());
    // Before certmagic v0.21.0 the line does not name the issuer, and only the internal one
    // succeeds without a word about its CA.
    let unsaid = issuer_failed.then_some(Ca::Internal);
    let is_renewal = open.as_ref().is_some_and(|open| open.instead);
    let ca = event.ca.or(open.and_then(|open| open.ca)).or(unsaid);
    let counts = ca.is_none_or(|ca| ca.proves_recovery(certificate.public_before));
    certificate.public_before |= matches!(ca, Some(Ca::Production | Ca::Other));
    certificate.issued_by = ca;
    certificate.succeeded = Some(at);
    certificate.next = None;
    certificate.paced_failures = Some(0);
    certificate.ticks_due = 0;
    certificate.gave_up = false;
    certificate.ended = false;
    if event.job == Some(Job::Obtain) && counts && !is_renewal {
        if certificate.not_after.is_none() {
            recover(certificate);
            return true;
        }
        // A first issuance replaces what was known: its expiry is not in the line.
        certificate.not_after = None;
        certificate.due = None;
    }
    certificate.recovering = certificate.failing.is_some() || !certificate.alerts.is_empty();
    false
}

/// Another certificate is served. After a success of an issuer that counts it proves the recovery,
/// also when it lives shorter than the old one did; after giving up Caddy prints the old one.
fn replaced(certificate: &mut Certificate, event: &Event, at: LogTime) -> bool {
    let (Some(not_after), Some(success)) = (event.not_after, certificate.succeeded) else {
        return false;
    };
    let fresh = at - success < TimeDelta::hours(1) && Some(not_after) != certificate.not_after;
    let counts = certificate
        .issued_by
        .is_none_or(|ca| ca.proves_recovery(certificate.public_before));
    if !(fresh && counts && not_after > at) {
        return false;
    }
    certificate.not_after = Some(not_after);
    certificate.not_after_heard = Some(at);
    certificate.lifetime_micros = (not_after - success).num_microseconds();
    recover(certificate);
    true
}

fn recover(certificate: &mut Certificate) {
    certificate.failed = certificate.failing.take();
    certificate.recovering = false;
    certificate.due = None;
    certificate.last_due = None;
    certificate.ticks_due = 0;
    certificate.next = None;
    certificate.gave_up = false;
    certificate.ended = false;
    certificate.paced_failures = Some(0);
    certificate.evidence.first = None;
}

/// Takes in a notAfter. Returns whether it proves a recovery: later than the known one, from an
/// issuer that counts.
fn learn_not_after(certificate: &mut Certificate, not_after: LogTime, at: LogTime) -> bool {
    const SECOND: TimeDelta = TimeDelta::seconds(1);
    let counts = certificate
        .issued_by
        .is_none_or(|ca| ca.proves_recovery(certificate.public_before));
    let Some(known) = certificate.not_after else {
        certificate.not_after = Some(not_after);
        certificate.not_after_heard = Some(at);
        let proven = certificate.recovering && counts;
        if proven {
            recover(certificate);
        }
        return proven;
    };
    let late = certificate
        .not_after_heard
        .is_some_and(|heard| at <= heard + SECOND);
    if not_after <= known + SECOND {
        if not_after < known - SECOND && !late {
            certificate.not_after = Some(not_after);
            certificate.not_after_heard = Some(at);
        }
        return false;
    }
    let issued = certificate
        .succeeded
        .filter(|&success| at - success < TimeDelta::hours(1));
    certificate.not_after = Some(not_after);
    certificate.not_after_heard = Some(at);
    certificate.lifetime_micros = issued
        .and_then(|issued| (not_after - issued).num_microseconds())
        .or(certificate.lifetime_micros);
    if counts {
        recover(certificate);
    }
    counts
}
