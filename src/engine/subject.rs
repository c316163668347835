//! What alerts and incidents are about.

use crate::caddy::name::Name;
use crate::engine::alert::OpenAlert;
use crate::engine::certificate::Certificate;
use crate::engine::evidence::Quote;
use crate::engine::instance::Instance;
use crate::rules::Scope;
use std::collections::BTreeMap;

/// What an incident is about, within one watched Caddy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The source itself.
    Source,
    /// A certificate.
    Certificate(Name),
}

impl Subject {
    /// The certificate's name; `None` for a source.
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Self::Source => None,
            Self::Certificate(name) => Some(name),
        }
    }
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

    /// Its open alerts by rule.
    pub(super) fn alerts(self) -> &'a BTreeMap<String, OpenAlert> {
        match self {
            Self::Source(instance) => &instance.alerts,
            Self::Certificate(certificate) => &certificate.alerts,
        }
    }

    /// The lines that prove its alerts.
    pub(super) fn quotes(self) -> Vec<Quote> {
        match self {
            Self::Source(instance) => instance.evidence.quotes(),
            Self::Certificate(certificate) => certificate.evidence.quotes(),
        }
    }
}
