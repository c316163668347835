//! What a person is told about an incident, once, whatever the channel.

use crate::rules::Severity;
use crate::time::LogTime;
use serde::{Deserialize, Serialize};

/// Whether something is wrong or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At least one alert is open.
    Firing,
    /// Everything has closed.
    Resolved,
}

/// Why an alert row or a message exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was not open before.
    Opened,
    /// Its severity rose; of an incident also that more names are in trouble, or one for another cause.
    Worsened,
    /// It is still open and the reminder fell due.
    Repeated,
    /// Of an incident: what was critical is so no longer, and the rest is still in trouble.
    Improved,
    /// It is over.
    Closed,
}

/// One message about one incident, as the outbox keeps it until every channel has taken it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Stable: the same state of the same incident always has the same id, also after a crash.
    pub id: String,
    /// Stable for the life of the incident.
    pub incident: String,
    /// The watched Caddy.
    pub instance: String,
    /// The certificate's name, where the incident has had no other; `None` for an alert about a
    /// source.
    pub certificate: Option<String>,
    /// The names that are in trouble, the most pressing first; when resolved, those that were.
    /// Of too many the first.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// How many names that are.
    #[serde(default)]
    pub certificates_total: usize,
    /// The highest severity among the open alerts; when improved or resolved, what it was.
    pub severity: Severity,
    /// Firing or resolved.
    pub status: Status,
    /// Why this message is sent now.
    pub reason: Reason,
    /// Log time of the change told; `None` only if no line had a time.
    pub at: Option<LogTime>,
    /// One line of plain text.
    pub title: String,
    /// Several lines of plain text; log text in it is already neutralised and cut.
    pub body: String,
    /// The incident's alerts, as rows of the JSON contract: all of one name; of many names the most
    /// pressing alert of the first few.
    pub alerts: Vec<serde_json::Value>,
}

impl Message {
    /// How loud it is, or that it is better or over, in one word of capitals.
    pub fn word(&self) -> &'static str {
        match (self.status, self.reason, self.severity) {
            (Status::Resolved, ..) => "RESOLVED",
            (Status::Firing, Reason::Improved, _) => "IMPROVED",
            (Status::Firing, _, Severity::Critical) => "CRITICAL",
            (Status::Firing, _, Severity::Warning) => "WARNING",
            (Status::Firing, _, Severity::Info) => "INFO",
        }
    }
}
