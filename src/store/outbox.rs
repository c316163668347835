//! Messages into debts, answers into fates: the outbox table.

use super::record::{Debt, Fate, LogEntry, Settled, Unreadable};
use crate::engine::message::Message;
use crate::time::WallTime;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

/// How many settled debts are kept as the log of deliveries.
pub const KEPT_AS_LOG: u32 = 1_000;

/// A debt, or why its message cannot be read.
pub(super) type Found = Result<Debt, Unreadable>;

/// Records what is owed and gives out only what was not owed before.
pub(super) fn owe(
    transaction: &Transaction<'_>,
    messages: &[(Message, Vec<String>)],
    at: WallTime,
) -> rusqlite::Result<Vec<Debt>> {
    let mut insert = transaction.prepare(
        "INSERT INTO debt (message_id, channel, message, owed_at, next_try)
         VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT DO NOTHING RETURNING ticket",
    )?;
    let mut debts = Vec::new();
    for (message, channels) in messages {
        let text = serde_json::to_string(message)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        for channel in channels {
            let ticket = insert
                .query_row(params![message.id, channel, text, at.micros()], |row| {
                    row.get(0)
                })
                .optional()?;
            debts.extend(ticket.map(|ticket| Debt {
                ticket,
                channel: channel.clone(),
                message: message.clone(),
                attempts: 0,
                next_try: at,
                last_error: None,
            }));
        }
    }
    Ok(debts)
}

/// Records what became of a debt. One that is already settled stays as it is.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    ticket: i64,
    fate: &Fate,
    now: WallTime,
) -> rusqlite::Result<()> {
    let (settled, next_try, why) = match fate {
        Fate::Delivered => (Settled::Delivered, None, None),
        Fate::Later { next_try, why } => (Settled::Owed, Some(next_try.micros()), Some(why)),
        Fate::Refused { why } => (Settled::Refused, None, Some(why)),
        Fate::Superseded => (Settled::Superseded, None, None),
    };
    // What is superseded was not tried: what its last try came to stays.
    let was_tried = settled != Settled::Superseded;
    transaction.execute(
        "UPDATE debt SET settled = ?2, attempts = attempts + ?6,
                tried_at = iif(?6, ?3, tried_at), next_try = coalesce(?4, next_try),
                last_error = iif(?6, ?5, last_error)
         WHERE ticket = ?1 AND settled = 'owed'",
        params![
            ticket,
            settled.word(),
            now.micros(),
            next_try,
            why,
            was_tried
        ],
    )?;
    if settled != Settled::Owed {
        transaction.execute(
            "DELETE FROM debt WHERE settled <> 'owed' AND ticket <= (
                 SELECT ticket FROM debt WHERE settled <> 'owed'
                 ORDER BY ticket DESC LIMIT 1 OFFSET ?1)",
            [KEPT_AS_LOG],
        )?;
    }
    Ok(())
}

/// What is owed, oldest first; of one channel and at most so many, where asked.
pub(super) fn owed(
    connection: &Connection,
    channel: Option<&str>,
    limit: Option<u32>,
) -> rusqlite::Result<Vec<Found>> {
    let mut select = connection.prepare(
        "SELECT ticket, channel, message, attempts, next_try, last_error FROM debt
         WHERE settled = 'owed' AND (?1 IS NULL OR channel = ?1)
         ORDER BY ticket LIMIT coalesce(?2, -1)",
    )?;
    select.query_map(params![channel, limit], debt)?.collect()
}

/// How many debts each channel is owed; channels that are owed nothing are not among them.
pub(super) fn counts(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut select = connection
        .prepare("SELECT channel, count(*) FROM debt WHERE settled = 'owed' GROUP BY channel")?;
    select
        .query_map([], |row| {
            let count: u32 = row.get(1)?;
            Ok((row.get(0)?, count.into()))
        })?
        .collect()
}

fn debt(row: &Row<'_>) -> rusqlite::Result<Found> {
    let ticket = row.get(0)?;
    let channel: String = row.get(1)?;
    let message = match serde_json::from_str(&row.get::<_, String>(2)?) {
        Ok(message) => message,
        Err(error) => {
            return Ok(Err(Unreadable {
                ticket,
                channel,
                why: format!("its message cannot be read back: {error}"),
            }));
        }
    };
    Ok(Ok(Debt {
        ticket,
        channel,
        message,
        attempts: row.get(3)?,
        next_try: WallTime::from_micros(row.get(4)?),
        last_error: row.get(5)?,
    }))
}

/// The last debts, newest first, each with where it stands.
pub(super) fn log(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<LogEntry>> {
    let mut select = connection.prepare(
        "SELECT ticket, channel, message_id, message, settled, attempts, owed_at, tried_at,
                next_try, last_error
         FROM debt ORDER BY ticket DESC LIMIT ?1",
    )?;
    select.query_map([limit], log_entry)?.collect()
}

fn log_entry(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let settled = Settled::from_word(&row.get::<_, String>(4)?);
    let next_try = WallTime::from_micros(row.get(8)?);
    Ok(LogEntry {
        ticket: row.get(0)?,
        channel: row.get(1)?,
        message_id: row.get(2)?,
        message: serde_json::from_str(&row.get::<_, String>(3)?).ok(),
        settled,
        attempts: row.get(5)?,
        owed_at: WallTime::from_micros(row.get(6)?),
        tried_at: row.get::<_, Option<i64>>(7)?.map(WallTime::from_micros),
        next_try: (settled == Settled::Owed).then_some(next_try),
        last_error: row.get(9)?,
    })
}
