//! Reading position, state and outbox in one `SQLite` transaction.
//!
//! [`Store::commit`] turns one [`Commit`] (positions, changed rows, messages for channels) into
//! durable records and gives out the [`Debt`]s it opened, each with a ticket; [`Store::settle`]
//! turns what a channel answered into the [`Fate`] of a ticket. A `kill -9` between any two
//! instructions leaves either all of a commit or nothing of it.
//!
//! The directory holds `state.db` (with its write-ahead log beside it) and `state.lock`, which
//! keeps a second writer out and names the first.

mod database;
mod error;
mod lock;
mod outbox;
mod record;
mod schema;

pub use database::Store;
pub use error::StoreError;
pub use outbox::KEPT_AS_LOG;
pub use record::{
    Commit, Debt, Fate, Loaded, LogEntry, Position, Row, RowChange, Settled, Unreadable,
};
