//! What alerts and incidents are about.

use crate::caddy::cause::Cause;
use crate::caddy::name::Name;
use crate::engine::alert::{AlertRow, Alerts, OpenAlert};
use crate::engine::certificate::Certificate;
use crate::engine::evidence::{Evidence, Quote};
use crate::engine::incident::kindred;
use crate::engine::instance::Instance;
use crate::engine::link::Link;
use crate::engine::message::Reason;
use crate::rules::{Fact, FactSet, Rule, Scope, Severity};
use crate::time::LogTime;

/// What an incident is about, within one watched Caddy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The source itself.
    Source,
    /// A certificate.
    Certificate(Name),
}

/// The state behind a [`Subject`].
#[derive(Clone, Copy, Debug)]
pub(super) enum About<'a> {
    /// The source itself.
    Source(&'a Instance),
    /// A certificate.
    Certificate(&'a Certificate),
}

impl<'a> About<'a> {
    /// The key of its incident.
    pub(super) fn subject(self) -> Subject {
        match self {
            Self::Source(_) => Subject::Source,
            Self::Certificate(certificate) => Subject::Certificate(certificate.name.clone()),
        }
    }

    /// Which rules look at it.
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Source(_) => Scope::Source,
            Self::Certificate(_) => Scope::Certificate,
        }
    }

    /// The certificate, if it is one.
    pub(super) fn certificate(self) -> Option<&'a Certificate> {
        match self {
            Self::Source(_) => None,
            Self::Certificate(certificate) => Some(certificate),
        }
    }

    /// How people call it: the name of the certificate, or of the source.
    pub(super) fn called(self, instance: &'a str) -> &'a str {
        self.certificate().map_or(instance, |one| one.name.as_str())
    }

    /// What ties it to its incident.
    pub(super) fn link(self) -> &'a Link {
        match self {
            Self::Source(instance) => &instance.link,
            Self::Certificate(certificate) => &certificate.link,
        }
    }

    /// When it expires; `None` for a source.
    pub(super) fn not_after(self) -> Option<LogTime> {
        self.certificate()?.not_after
    }

    /// Why the last attempt failed.
    pub(super) fn cause(self) -> Option<Cause> {
        match self {
            Self::Source(instance) => instance.on_demand.cause(),
            Self::Certificate(certificate) => certificate.streak().map(|one| one.cause),
        }
    }

    /// Why attempts fail that an alert about it is about.
    pub(super) fn cause_of(self, alert: &OpenAlert) -> Option<Cause> {
        match self {
            Self::Source(_) => alert.cause,
            Self::Certificate(_) => self.cause(),
        }
    }

    /// Whether attempts fail for a cause by now that no message gave: what is to be done is another
    /// thing.
    pub(super) fn has_another_cause(self) -> bool {
        let (told, cause) = (self.link().causes, self.cause().map(kindred));
        !told.is_empty() && cause.is_some_and(|cause| !told.contains(cause))
    }

    /// Whether something that is open is more than a note.
    pub(super) fn is_loud(self) -> bool {
        self.alerts().values().any(|alert| alert.severity.is_loud())
    }

    /// Whether nothing fails, and all that is open is a note.
    pub(super) fn is_calm(self) -> bool {
        let fails = self.certificate().is_some_and(|one| one.failing.is_some());
        !self.is_loud() && !fails
    }

    /// Its open alerts by rule.
    pub(super) fn alerts(self) -> &'a Alerts {
        match self {
            Self::Source(instance) => &instance.alerts,
            Self::Certificate(certificate) => &certificate.alerts,
        }
    }

    /// The line after which another one is missing, where a rule asks for that.
    pub(super) fn last_of_rhythm(self, rule: &Rule) -> Option<&'a Quote> {
        const RHYTHM: FactSet = FactSet::EMPTY.with(Fact::NextLine);
        match self {
            Self::Source(instance) => instance.beat.as_ref(),
            Self::Certificate(_) => None,
        }
        .filter(|_| rule.reads().facts.intersects(RHYTHM))
    }

    /// Why attempts fail that strangers asked for, where a rule about the source asks for that.
    pub(super) fn cause_of_strangers(self, rule: &Rule) -> Option<Cause> {
        const STRANGERS: FactSet = FactSet::EMPTY.with(Fact::OnDemandFailing);
        match self {
            Self::Source(_) => self.cause(),
            Self::Certificate(_) => None,
        }
        .filter(|_| rule.reads().facts.intersects(STRANGERS))
    }

    /// The lines that prove an alert about it.
    pub(super) fn quotes(self, alert: &OpenAlert) -> Vec<Quote> {
        match self {
            Self::Source(_) => alert.evidence.as_deref().map(Evidence::quotes),
            Self::Certificate(certificate) => Some(certificate.evidence.quotes()),
        }
        .unwrap_or_default()
    }
}

/// The state behind a [`Subject`], to be changed.
#[derive(Debug)]
pub(super) enum AboutMut<'a> {
    /// The source itself.
    Source(&'a mut Instance),
    /// A certificate.
    Certificate(&'a mut Certificate),
}

impl AboutMut<'_> {
    /// The same, to be read.
    pub(super) fn about(&self) -> About<'_> {
        match self {
            Self::Source(instance) => About::Source(instance),
            Self::Certificate(certificate) => About::Certificate(certificate),
        }
    }

    /// What ties it to its incident.
    pub(super) fn link(&mut self) -> &mut Link {
        match self {
            Self::Source(instance) => &mut instance.link,
            Self::Certificate(certificate) => &mut certificate.link,
        }
    }

    /// What people know of an alert that opens again.
    pub(super) fn recall(&mut self, row: &AlertRow) -> Option<Severity> {
        let certificate = self.about().certificate();
        let fails = certificate.is_some_and(Certificate::is_failing);
        let opens = row.reason == Reason::Opened;
        let told = opens.then(|| self.link().recall(&row.rule, row.at, fails))??;
        self.alerts().get_mut(&*row.rule)?.told = Some(told);
        Some(told)
    }

    /// Its open alerts by rule.
    pub(super) fn alerts(&mut self) -> &mut Alerts {
        match self {
            Self::Source(instance) => &mut instance.alerts,
            Self::Certificate(certificate) => &mut certificate.alerts,
        }
    }
}
