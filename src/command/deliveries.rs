//! `notafter notify log`: what was sent, and what is owed.

use crate::command::arguments::NotifyLogArguments;
use crate::command::exit::{Exit, Failed, of_store, print};
use crate::command::state;
use crate::report::text::counted;
use crate::store::{LogEntry, Settled, Store};
use serde_json::json;

/// Prints the last messages to each channel, the newest last.
pub(super) fn run(arguments: &NotifyLogArguments) -> Result<Exit, Failed> {
    let directory = state::directory(arguments.state.as_deref(), None)?;
    let mut entries = Store::open_read_only(&directory)
        .and_then(|store| store.log(arguments.limit))
        .map_err(|error| of_store(&error))?;
    entries.reverse();
    let told: String = if arguments.json {
        entries
            .iter()
            .map(|one| row(one).to_string() + "\n")
            .collect()
    } else if entries.is_empty() {
        "Nothing was sent yet, and nothing is owed.\n".to_owned()
    } else {
        entries.iter().map(|one| line(one) + "\n").collect()
    };
    print(&told)?;
    Ok(Exit::Fine)
}

fn line(entry: &LogEntry) -> String {
    let said = entry.message.as_ref().map_or_else(
        || "a message that cannot be read any more".to_owned(),
        |message| format!("{}: {}", message.word(), message.title),
    );
    let became = match (entry.settled, entry.tried_at) {
        (Settled::Delivered, Some(at)) => format!("delivered {}", at.utc()),
        (Settled::Owed, Some(_)) => {
            format!("owed, tried {}", counted(entry.attempts.into(), "time"))
        }
        (settled, _) => settled.word().to_owned(),
    };
    let mut line = format!(
        "{}  {}  {became}  {said}",
        entry.owed_at.utc(),
        entry.channel
    );
    if let Some(error) = &entry.last_error {
        line.push_str(&format!("  ({error})"));
    }
    line
}

fn row(entry: &LogEntry) -> serde_json::Value {
    let message = entry.message.as_ref();
    json!({
        "type": "delivery",
        "schema": 1,
        "channel": entry.channel,
        "id": entry.message_id,
        "state": entry.settled.word(),
        "attempts": entry.attempts,
        "owed_at": entry.owed_at.to_string(),
        "tried_at": entry.tried_at.map(|at| at.to_string()),
        "next_try": entry.next_try.map(|at| at.to_string()),
        "last_error": entry.last_error,
        "incident": message.map(|one| &one.incident),
        "severity": message.map(|one| one.severity),
        "reason": message.map(|one| one.reason),
        "title": message.map(|one| &one.title),
    })
}
