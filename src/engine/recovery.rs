//! What proves that a certificate is well again, and what only looks like it.

use crate::caddy::ca::Ca;
use crate::caddy::event::Event;
use crate::caddy::failure::Job;
use crate::engine::certificate::{Certificate, Failing};
use crate::engine::usual::Usual;
use crate::time::LogTime;
use chrono::TimeDelta;

/// Lines tell the same expiry with so much difference: some round it, some add a second, and where they have
/// no time of their own, that of whoever collected them may be seconds late. No certificate is replaced by
/// one that lives for so little longer.
const BLUR: TimeDelta = TimeDelta::seconds(15);

/// Lines of one moment come in another order than their stamps by less than this.
const DISORDER: TimeDelta = TimeDelta::seconds(1);

/// Whether two lines tell of one certificate, by its expiry.
pub(super) fn is_same_expiry(one: LogTime, other: LogTime) -> bool {
    (one - other).abs() <= BLUR
}

/// A success line. It proves a recovery only for a first issuance by a CA that counts.
pub(super) fn succeeded(
    usual: &mut Usual,
    certificate: &mut Certificate,
    event: &Event,
    at: LogTime,
) -> bool {
    let open = certificate.open_job.take();
    let took = open.as_ref().and_then(|open| Some(at - open.began?));
    certificate.took_micros = took.and_then(|took| took.num_microseconds());
    certificate.slowness = took.and_then(|took| usual.times(took));
    if let Some(took) = took {
        usual.note(took);
    }
    let blame = open.as_ref().and_then(|open| open.first_blame.as_deref());
    let issuer_failed = blame.is_some();
    if let Some((since, blame)) = blame.filter(|_| certificate.failing.is_none()) {
        certificate.failed = Some(Box::new(Failing::by(blame.clone(), *since)));
    }
    // Before certmagic v0.21.0 the line does not name the issuer, and only the internal one
    // succeeds without a word about its CA.
    let unsaid = issuer_failed.then_some(Ca::Internal);
    let is_renewal = open.as_ref().is_some_and(|open| open.instead);
    let ca = event.ca.or(open.and_then(|open| open.ca)).or(unsaid);
    let counts = ca.is_none_or(|ca| ca.proves_recovery(certificate.public_before));
    certificate.downgraded = issuer_failed || ca == Some(Ca::Internal) && certificate.public_before;
    certificate.public_before |= ca.is_some_and(Ca::is_public);
    certificate.issued_by = ca;
    certificate.succeeded = Some(at);
    certificate.next = None;
    certificate.paced_failures = Some(0);
    certificate.ticks_due = 0;
    certificate.gave_up = false;
    certificate.ended = false;
    if event.job == Some(Job::Obtain) && counts && !is_renewal {
        if certificate.not_after.is_none() && !certificate.downgraded {
            recover(certificate);
            return true;
        }
        // A first issuance replaces what was known: its expiry is not in the line.
        certificate.not_after = None;
        certificate.advice = None;
        certificate.due = None;
    }
    certificate.recovering = certificate.failing.is_some() || !certificate.alerts.is_empty();
    false
}

/// Another certificate is served. After a success of an issuer that counts it proves the recovery,
/// also when it lives shorter than the old one did; after giving up Caddy prints the old one.
pub(super) fn replaced(certificate: &mut Certificate, event: &Event, at: LogTime) -> bool {
    let (Some(not_after), Some(success)) = (event.not_after, certificate.succeeded) else {
        return false;
    };
    let known = certificate.not_after;
    let is_known = known.is_some_and(|known| is_same_expiry(known, not_after));
    let fresh = at - success < TimeDelta::hours(1) && !is_known;
    let counts = certificate
        .issued_by
        .is_none_or(|ca| ca.proves_recovery(certificate.public_before));
    if !(fresh && counts && not_after > at) {
        return false;
    }
    certificate.expires(not_after, at);
    certificate.lifetime_micros = (not_after - success).num_microseconds();
    recover(certificate);
    true
}

fn recover(certificate: &mut Certificate) {
    certificate.failed = certificate.failing.take().map(Box::new);
    certificate.recovering = false;
    certificate.due = None;
    certificate.last_due = None;
    certificate.ticks_due = 0;
    certificate.next = None;
    certificate.gave_up = false;
    certificate.ended = false;
    certificate.revoked = None;
    certificate.paced_failures = Some(0);
    certificate.evidence.first = None;
}

/// Takes in a notAfter. Returns whether it proves a recovery: later than the known one, from an
/// issuer that counts.
pub(super) fn learn_not_after(
    certificate: &mut Certificate,
    not_after: LogTime,
    at: LogTime,
) -> bool {
    let counts = certificate
        .issued_by
        .is_none_or(|ca| ca.proves_recovery(certificate.public_before));
    let Some(known) = certificate.not_after else {
        certificate.expires(not_after, at);
        let proven = certificate.recovering && counts;
        if proven {
            recover(certificate);
        }
        return proven;
    };
    let late = certificate
        .not_after_heard
        .is_some_and(|heard| at <= heard + DISORDER);
    if not_after <= known + BLUR {
        if not_after < known - BLUR && !late {
            certificate.expires(not_after, at);
        }
        return false;
    }
    let issued = certificate
        .succeeded
        .filter(|&success| at - success < TimeDelta::hours(1));
    certificate.expires(not_after, at);
    certificate.lifetime_micros = issued
        .and_then(|issued| (not_after - issued).num_microseconds())
        .or(certificate.lifetime_micros);
    if counts {
        recover(certificate);
    }
    counts
}
