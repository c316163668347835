//! `[alerts]`: how people are told.

use crate::document::Table;
use chrono::TimeDelta;

/// How people are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertsSettings {
    /// Whether each name is told of on its own, rather than with those that fail for the same cause.
    pub by_name: bool,
    /// How soon an open critical incident is told again; `None` leaves it to the engine.
    pub repeat: Option<Repeat>,
}

/// When what is critical is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Never.
    Never,
    /// After this time, and sooner when the end is near.
    After(TimeDelta),
}

/// Reminders more often than this are no reminders.
const SHORTEST: TimeDelta = TimeDelta::minutes(1);

/// What names are told of together by; the first is what happens unless told otherwise.
pub(super) const GROUPS: [&str; 2] = ["cause", "name"];

/// Reads `[alerts]`.
pub(super) fn read(table: &Table<'_>) -> AlertsSettings {
    let group = table.one_of("group", &GROUPS);
    AlertsSettings {
        by_name: group.is_some_and(|group| group.value == "name"),
        repeat: repeat(table),
    }
}

fn repeat(table: &Table<'_>) -> Option<Repeat> {
    let text = table.text("repeat")?;
    if text.value == "never" {
        return Some(Repeat::Never);
    }
    let length = table.length("repeat")?;
    if length.value < SHORTEST {
        let short = table.error(format!("`{}` is too short", text.value));
        table.note(
            short
                .at(text.span, "at least 1 min")
                .help("`repeat = \"never\"` turns reminders off"),
        );
        return None;
    }
    Some(Repeat::After(length.value))
}
