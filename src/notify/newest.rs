//! [`Newest`]: which message of each incident is the last that one channel is owed.

use crate::engine::message::Reason;
use crate::store::Debt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The last ticket of each incident that is not settled; clones see the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest(Arc<Mutex<HashMap<String, i64>>>);

impl Newest {
    /// A debt came.
    pub(super) fn note(&self, debt: &Debt) {
        self.tickets()
            .insert(debt.message.incident.clone(), debt.ticket);
    }

    /// Whether a debt need not be sent: it only repeats, and something came after it.
    pub(super) fn supersedes(&self, debt: &Debt) -> bool {
        let newest = || self.tickets().get(&debt.message.incident).copied();
        debt.message.reason == Reason::Repeated
            && newest().is_some_and(|newest| newest != debt.ticket)
    }

    /// A debt is settled.
    pub(super) fn forget(&self, debt: &Debt) {
        let mut tickets = self.tickets();
        if tickets.get(&debt.message.incident) == Some(&debt.ticket) {
            tickets.remove(&debt.message.incident);
        }
    }

    fn tickets(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
