//! The records that go into the store and come back: positions, rows, debts and their fates.

use crate::engine::message::Message;
use crate::time::WallTime;

/// A row of state as it was stored, such as one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is: `certificate`, `instance`, `incident`, `alert`.
    pub kind: String,
    /// Which one; unique within its kind.
    pub key: String,
    /// JSON, in the words of whoever owns the kind.
    pub value: String,
}

/// A row that changed since the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// What it is: `certificate`, `instance`, `incident`, `alert`.
    pub kind: String,
    /// Which one; unique within its kind.
    pub key: String,
    /// Its new JSON; `None` deletes the row.
    pub value: Option<String>,
}

/// How far a source has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The name of the source.
    pub source: String,
    /// JSON, in the words of the source.
    pub value: serde_json::Value,
}

/// Everything that becomes durable together, or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Sources that were read further: name and position as JSON.
    pub positions: Vec<(String, String)>,
    /// Rows that changed.
    pub rows: Vec<RowChange>,
    /// Messages, each with the names of the channels it is owed to.
    pub messages: Vec<(Message, Vec<String>)>,
    /// When we commit; new debts are due from then on.
    pub at: WallTime,
}

/// One message owed to one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Debt {
    /// Names this debt for ever; tickets grow in the order the debts were made.
    pub ticket: i64,
    /// The channel's name.
    pub channel: String,
    /// What it is owed.
    pub message: Message,
    /// How often it was tried.
    pub attempts: u32,
    /// Not to be tried before this.
    pub next_try: WallTime,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// What became of one try to pay a debt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The channel has taken it.
    Delivered,
    /// Not yet; it stays owed.
    Later {
        /// When to try again.
        next_try: WallTime,
        /// What went wrong, for people.
        why: String,
    },
    /// The channel will never take it; it is no longer owed and kept with the reason.
    Refused {
        /// What the channel objected to, for people.
        why: String,
    },
    /// A reminder that was not sent, because newer news of its incident is owed.
    Superseded,
}

/// A debt that cannot be read back, say after a downgrade. Settle it as refused and say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The debt's ticket.
    pub ticket: i64,
    /// The channel's name.
    pub channel: String,
    /// What is wrong with it.
    pub why: String,
}

/// Everything a watcher needs to go on where the last one stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// How far each source was read, by name.
    pub positions: Vec<Position>,
    /// Every row, by kind and key.
    pub rows: Vec<Row>,
    /// What is still owed, oldest first.
    pub debts: Vec<Debt>,
    /// Debts that were lost to a damaged or foreign message.
    pub unreadable: Vec<Unreadable>,
}

/// Where a debt stands, in the log of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Still owed.
    Owed,
    /// Taken by the channel.
    Delivered,
    /// Refused for good.
    Refused,
    /// Overtaken by newer news, and not sent.
    Superseded,
}

impl Settled {
    /// The word for it, in the database and for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Superseded => "superseded",
        }
    }

    pub(super) fn from_word(word: &str) -> Self {
        match word {
            "delivered" => Self::Delivered,
            "refused" => Self::Refused,
            "superseded" => Self::Superseded,
            _ => Self::Owed,
        }
    }
}

/// One line of the log of deliveries.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// The debt's ticket.
    pub ticket: i64,
    /// The channel's name.
    pub channel: String,
    /// The message's stable id.
    pub message_id: String,
    /// The message; `None` when it can no longer be read.
    pub message: Option<Message>,
    /// Where it stands.
    pub settled: Settled,
    /// How often it was tried.
    pub attempts: u32,
    /// When it became owed.
    pub owed_at: WallTime,
    /// When it was last tried; `None` before the first try.
    pub tried_at: Option<WallTime>,
    /// When it will be tried again, while it is owed.
    pub next_try: Option<WallTime>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}
