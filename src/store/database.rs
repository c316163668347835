//! [`Store`]: the state directory as one handle, for the writer and for readers beside it.

use super::lock::Lock;
use super::outbox::{self, Found};
use super::record::{Commit, Debt, Fate, Loaded, LogEntry, Position, Row, RowChange, Unreadable};
use super::{StoreError, schema};
use crate::time::WallTime;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Long enough for a reader's checkpoint, short enough that a stuck one is noticed.
const BUSY: Duration = Duration::from_secs(5);

/// After a burst the write-ahead log is cut back to this.
const LOG_BYTES: i64 = 4 * 1024 * 1024;

/// The state of one watcher, on disk.
#[derive(Debug)]
pub struct Store {
    // Fields drop in order: the lock must outlive the connection.
    connection: Connection,
    path: PathBuf,
    _lock: Option<Lock>,
}

impl Store {
    /// Opens the state for writing; makes the directory (0700) and the file (0600) where they
    /// are missing, keeps other writers out, and brings an older file up to date.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| StoreError::File {
                doing: "create",
                path: directory.to_owned(),
                source,
            })?;
        let lock = Lock::take(directory)?;
        let path = directory.join("state.db");
        touch(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(&path, flags)?;
        // Refused before anything is written: a newer file may not even want our journal mode.
        schema::version(&connection, &path)?;
        let failed = |error| StoreError::from_sqlite("open", &path, error);
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(failed)?;
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(failed)?;
        connection
            .pragma_update(None, "journal_size_limit", LOG_BYTES)
            .map_err(failed)?;
        schema::migrate(&mut connection, &path)?;
        Ok(Self {
            connection,
            path,
            _lock: Some(lock),
        })
    }

    /// Opens the state for reading, whether a watcher runs or not.
    pub fn open_read_only(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("state.db");
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(StoreError::Missing { path }),
            Err(source) => {
                return Err(StoreError::File {
                    doing: "open",
                    path,
                    source,
                });
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(&path, flags)?;
        match schema::version(&connection, &path)? {
            // The writer is just making it.
            0 => Err(StoreError::Missing { path }),
            found if found < schema::KNOWN => Err(StoreError::Older {
                path,
                found,
                known: schema::KNOWN,
            }),
            _ => Ok(Self {
                connection,
                path,
                _lock: None,
            }),
        }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that was committed, as of one moment.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        let snapshot = self
            .connection
            .unchecked_transaction()
            .map_err(|error| self.failed("read", error))?;
        let read = |error| self.failed("read", error);
        let positions = self.positions(&snapshot)?;
        let rows = rows(&snapshot).map_err(read)?;
        let found = outbox::owed(&snapshot, None, None).map_err(read)?;
        let (debts, unreadable) = sort(found);
        Ok(Loaded {
            positions,
            rows,
            debts,
            unreadable,
        })
    }

    /// The oldest debts of one channel, at most `limit`: for a courier that had no room for them.
    pub fn owed(
        &self,
        channel: &str,
        limit: u32,
    ) -> Result<(Vec<Debt>, Vec<Unreadable>), StoreError> {
        outbox::owed(&self.connection, Some(channel), Some(limit))
            .map(sort)
            .map_err(|error| self.failed("read", error))
    }

    /// How many messages each channel is still owed.
    pub fn owed_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        outbox::counts(&self.connection).map_err(|error| self.failed("read", error))
    }

    /// The last debts, newest first, each with where it stands.
    pub fn log(&self, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        outbox::log(&self.connection, limit).map_err(|error| self.failed("read", error))
    }

    /// Makes all of `commit` durable and gives out the debts it opened, or changes nothing: after
    /// an error the same commit can be tried again.
    ///
    /// A message id that a channel was owed before is not owed again.
    pub fn commit(&mut self, commit: &Commit) -> Result<Vec<Debt>, StoreError> {
        self.write(|transaction| {
            advance(transaction, &commit.positions)?;
            change(transaction, &commit.rows)?;
            outbox::owe(transaction, &commit.messages, commit.at)
        })
    }

    /// Records what became of one try to pay a debt.
    pub fn settle(&mut self, ticket: i64, fate: &Fate, now: WallTime) -> Result<(), StoreError> {
        self.write(|transaction| outbox::settle(transaction, ticket, fate, now))
    }

    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let attempt = || {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let made = work(&transaction)?;
            transaction.commit()?;
            Ok(made)
        };
        attempt().map_err(|error| StoreError::from_sqlite("write", &self.path, error))
    }

    fn positions(&self, connection: &Connection) -> Result<Vec<Position>, StoreError> {
        let pairs = pairs(connection).map_err(|error| self.failed("read", error))?;
        let position = |(source, text): (String, String)| match serde_json::from_str(&text) {
            Ok(value) => Ok(Position { source, value }),
            Err(error) => Err(StoreError::Damaged {
                path: self.path.clone(),
                what: format!("the position of source {source:?} is not JSON: {error}"),
            }),
        };
        pairs.into_iter().map(position).collect()
    }

    fn failed(&self, doing: &'static str, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(doing, &self.path, error)
    }
}

/// `SQLite` would make the file readable for everyone; its log takes over the mode we set here.
///
/// A file that exists is not even opened: closing it would drop the locks that `SQLite` holds on
/// it for this process.
fn touch(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(StoreError::File {
            doing: "create",
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let failed = |error| StoreError::from_sqlite("open", path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    Ok(connection)
}

fn pairs(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut select = connection.prepare("SELECT source, value FROM position ORDER BY source")?;
    select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn rows(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut select = connection.prepare("SELECT kind, key, value FROM state ORDER BY kind, key")?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Row {
            kind: row.get(0)?,
            key: row.get(1)?,
            value: row.get(2)?,
        })
    };
    select.query_map([], row)?.collect()
}

fn advance(transaction: &Transaction<'_>, positions: &[(String, String)]) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare(
        "INSERT INTO position (source, value) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )?;
    for (source, value) in positions {
        upsert.execute(params![source, value])?;
    }
    Ok(())
}

fn change(transaction: &Transaction<'_>, rows: &[RowChange]) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare(
        "INSERT INTO state (kind, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )?;
    let mut delete = transaction.prepare("DELETE FROM state WHERE kind = ?1 AND key = ?2")?;
    for RowChange { kind, key, value } in rows {
        match value {
            Some(value) => upsert.execute(params![kind, key, value])?,
            None => delete.execute(params![kind, key])?,
        };
    }
    Ok(())
}

fn sort(found: Vec<Found>) -> (Vec<Debt>, Vec<Unreadable>) {
    let (mut debts, mut unreadable) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(debt) => debts.push(debt),
            Err(lost) => unreadable.push(lost),
        }
    }
    (debts, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Settled;

    fn commit(position: u32, bytes: usize) -> Commit {
        Commit {
            positions: vec![("caddy".into(), position.to_string())],
            rows: vec![RowChange {
                kind: "certificate".into(),
                key: "a.example".into(),
                value: Some(format!("\"{}\"", "x".repeat(bytes))),
            }],
            messages: Vec::new(),
            at: WallTime::from_seconds(1),
        }
    }

    #[test]
    fn a_full_disk_leaves_the_old_state_and_the_next_try_succeeds() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(directory.path()).unwrap();
        store.commit(&commit(1, 10)).unwrap();
        let before = store.load().unwrap();
        let pages = |limit: i64| {
            let set = format!("PRAGMA max_page_count = {limit}");
            store.connection.query_row(&set, [], |_| Ok(())).unwrap();
        };
        pages(1);
        let big = commit(2, 1_000_000);
        let error = store.commit(&big).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert!(error.is_passing());
        assert!(
            error.to_string().starts_with("no space left for /"),
            "{error}"
        );
        assert_eq!(store.load().unwrap(), before);

        let set = "PRAGMA max_page_count = 1000000";
        store.connection.query_row(set, [], |_| Ok(())).unwrap();
        store.commit(&big).unwrap();
        assert_eq!(store.load().unwrap().positions[0].value, 2);
    }

    #[test]
    fn a_message_that_cannot_be_read_back_is_named_and_can_be_settled() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(directory.path()).unwrap();
        let insert = "INSERT INTO debt (message_id, channel, message, owed_at, next_try)
                      VALUES ('m', 'phone', '{}', 0, 0)";
        store.connection.execute(insert, []).unwrap();
        let loaded = store.load().unwrap();
        assert!(loaded.debts.is_empty());
        let lost = loaded.unreadable.first().unwrap();
        assert!(lost.why.contains("missing field"), "{}", lost.why);
        let why = lost.why.clone();
        let at = WallTime::from_seconds(2);
        store
            .settle(lost.ticket, &Fate::Refused { why }, at)
            .unwrap();
        assert!(store.load().unwrap().unreadable.is_empty());
        assert_eq!(store.log(9).unwrap()[0].settled, Settled::Refused);
    }

    #[test]
    fn every_commit_reaches_the_disk_before_it_returns() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let pragma = |name| {
            store
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into());
    }
}
