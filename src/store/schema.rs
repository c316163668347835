//! The database's shape: an empty or older file into the current one, forward only.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Each version and what it adds to the one before; a published entry is never edited.
const MIGRATIONS: [(i64, &str); 2] = [
    (1, include_str!("schema/v1.sql")),
    (2, include_str!("schema/v2.sql")),
];

/// The newest version we know.
pub(super) const KNOWN: i64 = 2;

/// "notA", so that a stray `SQLite` file is told from ours.
const APPLICATION: i64 = 0x6e6f_7441;

/// The file's version, 0 for an empty one; refuses what is newer or not ours.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let pragma = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| StoreError::from_sqlite("read", path, error))
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| StoreError::from_sqlite("read", path, error))?;
    let found = pragma("user_version")?;
    if tables > 0 && pragma("application_id")? != APPLICATION {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    if found > KNOWN {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: KNOWN,
        });
    }
    Ok(found)
}

/// Brings the file to [`KNOWN`], one transaction per version.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(connection, path)?;
    let failed = |error| StoreError::from_sqlite("migrate", path, error);
    for (to, step) in MIGRATIONS.iter().filter(|(to, _)| *to > found) {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        transaction.execute_batch(step).map_err(failed)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION)
            .map_err(failed)?;
        transaction
            .pragma_update(None, "user_version", to)
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_to_the_known_one() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|(to, _)| *to).collect();
        assert_eq!(versions, (1..=KNOWN).collect::<Vec<_>>());
    }
}
