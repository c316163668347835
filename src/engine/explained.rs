//! A certificate, or a log, as it stands, with what a person who asks why has to see.

use crate::caddy::remedy::{Advice, advise, next_step};
use crate::engine::Engine;
use crate::engine::alert::Alerts;
use crate::engine::certificate::Certificate;
use crate::engine::facts::{facts, source_facts};
use crate::engine::instance::Instance;
use crate::engine::step::UNTIMED;
use crate::rules::Facts;
use crate::time::LogTime;

/// What is known of a certificate, and what to do about it.
#[derive(Debug)]
pub struct Explained<'a> {
    /// Its state.
    pub certificate: &'a Certificate,
    /// Where the log stands.
    pub at: LogTime,
    /// What rules read.
    pub facts: Facts,
    /// What mends the cause, where attempts fail or failed.
    pub mend: Option<Advice>,
    /// What makes Caddy try again after that.
    pub next_step: &'static str,
}

impl<'a> Explained<'a> {
    pub(super) fn new(
        name: &str,
        instance: &Instance,
        certificate: &'a Certificate,
        at: LogTime,
    ) -> Self {
        let mend = certificate.streak().map(|streak| {
            let url = streak.ca_url.as_deref();
            advise(streak.cause, streak.seen_by, &certificate.name, url)
        });
        Self {
            certificate,
            at,
            facts: facts(name, instance, certificate, at),
            mend,
            next_step: next_step(certificate.waiting(instance.generation)),
        }
    }
}

/// What is known of a log itself.
#[derive(Debug)]
pub struct ExplainedSource<'a> {
    /// The watched Caddy.
    pub name: &'a str,
    /// Where its log stands.
    pub at: LogTime,
    /// What rules read.
    pub facts: Facts,
    /// The open alerts about it.
    pub alerts: &'a Alerts,
}

impl Engine {
    /// Every certificate of an instance whose log has a time, with what a person who asks why has to see.
    pub fn explained(&self, instance: &str) -> impl Iterator<Item = Explained<'_>> {
        let found = self.watched.get_key_value(instance);
        found.into_iter().flat_map(|(name, watched)| {
            let at = watched.instance.read_to().unwrap_or(UNTIMED);
            let all = watched.certificates.iter();
            all.map(move |one| Explained::new(name, &watched.instance, one, at))
        })
    }

    /// The log of an instance, with what a person who asks why has to see; `None` before it has a time.
    pub fn explained_source(&self, instance: &str) -> Option<ExplainedSource<'_>> {
        let (name, watched) = self.watched.get_key_value(instance)?;
        let at = watched.instance.log_time?;
        Some(ExplainedSource {
            name,
            at,
            facts: source_facts(name, &watched.instance, &watched.certificates),
            alerts: &watched.instance.alerts,
        })
    }
}
