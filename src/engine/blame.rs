//! Whose failure an attempt is: by its first failing issuer, cause and CA. With several issuers the
//! last line shows only the last one's error (certmagic v0.25.3 `config.go`).

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::caddy::event::Event;
use crate::caddy::failure::Failure;
use crate::engine::certificate::{Certificate, OpenJob};
use crate::time::LogTime;
use serde::{Deserialize, Serialize};

/// What one error line of an attempt says about its failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// Why.
    pub cause: Cause,
    /// Who met it.
    pub seen_by: SeenBy,
    /// The CA it happened at.
    pub ca: Option<Ca>,
    /// Where that CA is.
    pub ca_url: Option<String>,
    /// The class of the CA that its issuer is configured with; a retry may ask its test CA.
    pub issuer: Option<Ca>,
    /// When a rate limit ends.
    pub rate_limited_until: Option<LogTime>,
}

impl Blame {
    /// Where no line says why.
    pub(super) const UNKNOWN: Self = Self {
        cause: Cause::Unknown,
        seen_by: SeenBy::Caddy,
        ca: None,
        ca_url: None,
        issuer: None,
        rate_limited_until: None,
    };

    /// Takes it from an error line; `asked` is the CA that was being talked to.
    pub(super) fn of(failure: &Failure, asked: Option<Ca>, issuer: Option<Ca>) -> Self {
        Self {
            cause: failure.cause,
            seen_by: failure.seen_by,
            ca: failure.ca.or(asked),
            ca_url: failure.ca_url.clone(),
            issuer,
            rate_limited_until: failure
                .retry_after
                .filter(|_| failure.cause == Cause::CaRateLimited),
        }
    }

    /// The same, with the cause that another line of the attempt tells where its own text is vague.
    fn unless_vague(self, other: Option<Self>) -> Self {
        let vague =
            |blame: &Self| matches!(blame.cause, Cause::Unknown | Cause::ChallengeNoneAvailable);
        match other {
            Some(other) if vague(&self) && !vague(&other) => Self {
                cause: other.cause,
                seen_by: other.seen_by,
                rate_limited_until: other.rate_limited_until,
                ..self
            },
            _ => self,
        }
    }
}

/// One issuer of an attempt failed.
pub(super) fn issuer_failed(certificate: &mut Certificate, event: &Event, at: LogTime) {
    let (Some(job), Some(failure)) = (&mut certificate.open_job, &event.failure) else {
        return;
    };
    let blame = Blame::of(failure, job.ca.take(), event.issuer)
        .unless_vague(job.problem.take().map(|problem| *problem));
    let is_public = blame.ca.or(blame.issuer).is_some_and(Ca::is_public);
    job.issuers_failed += 1;
    job.first_blame.get_or_insert(Box::new((at, blame)));
    certificate.public_before |= is_public;
}

/// Why an attempt failed whose last line is `event`. That line speaks of the last issuer, so it
/// adds to the first one's only where there was no other.
pub(super) fn of_attempt(job: Option<&OpenJob>, event: &Event) -> Option<Blame> {
    let asked = job.and_then(|job| job.ca);
    let own = event.failure.as_ref();
    let own = own.map(|failure| Blame::of(failure, asked, None));
    let Some((_, first)) = job.and_then(|job| job.first_blame.as_deref().cloned()) else {
        let problem = job.and_then(|job| job.problem.as_deref().cloned());
        let problem = problem.map(|problem| Blame {
            ca: problem.ca.or(asked),
            ..problem
        });
        return match own {
            Some(own) => Some(own.unless_vague(problem)),
            None => problem,
        };
    };
    if job.is_some_and(|job| job.issuers_failed > 1) {
        return Some(first);
    }
    let (ca, ca_url) = (first.ca, first.ca_url.clone());
    let (own_ca, own_url) = own.as_ref().map(|own| (own.ca, own.ca_url.clone())).unzip();
    let told = first.unless_vague(own);
    Some(Blame {
        ca: ca.or(own_ca.flatten()),
        ca_url: ca_url.or(own_url.flatten()),
        ..told
    })
}
