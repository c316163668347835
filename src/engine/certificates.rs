//! The certificates of one watched Caddy, and which of them a line without a name may be about.

use crate::caddy::name::Name;
use crate::engine::certificate::Certificate;
use crate::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};

/// Certificates by name. Where one in many thousands is wanted, none of the others is looked at.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    /// Boxed: a map keeps room for more than it holds.
    all: BTreeMap<Name, Box<Certificate>>,
    /// Those with an attempt under way.
    running: BTreeSet<Name>,
    /// Those whose renewal is due.
    due: BTreeSet<Name>,
}

impl Certificates {
    /// More of one Caddy are not watched.
    pub(super) const MAX: usize = 100_000;

    pub(super) fn get(&self, name: &Name) -> Option<&Certificate> {
        self.all.get(name).map(|one| &**one)
    }

    /// To note what was told of it; whatever else changes goes through `take` and `put`.
    pub(super) fn get_mut(&mut self, name: &Name) -> Option<&mut Certificate> {
        self.all.get_mut(name).map(|one| &mut **one)
    }

    pub(super) fn contains(&self, name: &Name) -> bool {
        self.all.contains_key(name)
    }

    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= Self::MAX
    }

    pub(super) fn names(&self) -> Vec<Name> {
        self.all.keys().cloned().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.all.values().map(|one| &**one)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Certificate> {
        self.all.values_mut().map(|one| &mut **one)
    }

    /// Those with an attempt under way.
    pub(super) fn running(&self) -> impl Iterator<Item = &Certificate> {
        self.running.iter().filter_map(|name| self.get(name))
    }

    /// Whether a line has called one of them due since a moment, and no attempt has succeeded since.
    pub(super) fn is_any_due_since(&self, tick: Option<LogTime>) -> bool {
        let mut due = self.due.iter().filter_map(|name| self.get(name));
        due.any(|one| one.last_due >= tick && one.succeeded < one.last_due)
    }

    /// Which of them expires first after a moment, and when.
    pub(super) fn first_to_expire(&self, after: LogTime) -> Option<(&Name, LogTime)> {
        let all = self.iter();
        let ends = all.filter_map(|one| Some((&one.name, one.not_after?)));
        let ahead = ends.filter(|(_, end)| *end > after && end.is_plausible());
        ahead.min_by_key(|(_, end)| *end)
    }

    /// Takes one out, to be changed and put back, or for good.
    pub(super) fn take(&mut self, name: &Name) -> Option<Box<Certificate>> {
        self.running.remove(name);
        self.due.remove(name);
        self.all.remove(name)
    }

    pub(super) fn put(&mut self, mut certificate: Box<Certificate>) {
        certificate.rest();
        let name = &certificate.name;
        if certificate.open_job.as_ref().is_some_and(|job| job.running) {
            self.running.insert(name.clone());
        }
        if certificate.due.is_some() {
            self.due.insert(name.clone());
        }
        self.all.insert(name.clone(), certificate);
    }
}
