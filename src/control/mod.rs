//! The control socket: one request to the running watch, and its reply.
//!
//! The watch listens at `control.sock`, which only its own user may open. A connection carries one
//! line of JSON each way, both bounded. [`Server`] hands the [`Asked`] to the loop; [`ask`] is the
//! other end, for the verbs.

mod client;
mod server;

pub use client::{AskError, ask};
pub use server::{Asked, Server};

use crate::engine::{Matchers, Silence};
use crate::time::{LogTime, WallTime};
use serde::{Deserialize, Serialize};

/// The socket's name in its directory.
pub const SOCKET: &str = "control.sock";

/// What the watch can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// To write down all it knows, and to say what it watches.
    Status,
    /// Which silences there are.
    Silences,
    /// To tell nobody of some alerts for a while.
    Silence {
        /// Of which.
        matchers: Matchers,
        /// Until when, on our clock.
        until: WallTime,
        /// Why.
        comment: String,
    },
    /// To end a silence now.
    Expire {
        /// Its id.
        id: String,
    },
}

/// A source that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedSource {
    /// Its name.
    pub name: String,
    /// How far its log has come.
    pub log_time: Option<LogTime>,
    /// Whether it was read to its end once.
    pub caught_up: bool,
    /// Lines read since the watch began.
    #[serde(default)]
    pub lines: u64,
    /// Entries of Caddy among them.
    #[serde(default)]
    pub understood: u64,
    /// Lines among them that are no entries.
    #[serde(default)]
    pub unreadable: u64,
}

/// What the watch replies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// All it knows is written down.
    Status {
        /// Its process.
        pid: u32,
        /// Its version.
        version: String,
        /// What it watches.
        sources: Vec<WatchedSource>,
    },
    /// The silences that have not ended, or the one that was made or ended.
    Silences {
        /// By id.
        silences: Vec<Silence>,
        /// What may not be as it was meant, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warning: Option<String>,
    },
    /// It cannot do that.
    Refused {
        /// What is wrong and what to do, for people.
        message: String,
    },
}
