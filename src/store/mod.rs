//! Reading position, state and outbox in one SQLite transaction.
