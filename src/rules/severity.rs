//! How loud an alert is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How loud an alert is; ordered, so the highest of several is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Seen in `status`, replay and reports; sent only where a channel asks for it.
    Info,
    /// Something needs a person, in office hours.
    Warning,
    /// A certificate will be, or is, unusable.
    Critical,
}

impl Severity {
    /// Every severity, from quiet to loud.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word for it in rules, reports and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.word() == word)
    }

    /// Warning and critical are told to people; info is not, unless a channel asks.
    pub fn is_loud(self) -> bool {
        self > Self::Info
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
