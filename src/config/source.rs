//! `[[source]]`: one watched Caddy.

use super::name::{self, Places, is_name};
use super::spanned_path;
use crate::document::{Spanned, Table};
use chrono::{FixedOffset, Offset, TimeDelta, Utc};
use std::path::{Path, PathBuf};

/// How long a line may be under way before a quiet source counts as having nothing to say.
pub const LAG: TimeDelta = TimeDelta::seconds(5);

/// Beyond this a lag is more likely a mistake: every deadline is told that much later.
const LAG_SENSIBLE: TimeDelta = TimeDelta::hours(1);

/// Kinds of sources that other programs of this sort have.
const OTHER_KINDS: [&str; 3] = ["docker", "journal", "listen"];

/// One watched Caddy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// The instance's name in alerts, metrics and the state.
    pub name: String,
    /// The log file to follow.
    pub file: Spanned<PathBuf>,
    /// The zone of times that are logged without one.
    pub timezone: FixedOffset,
    /// How long a line may be under way.
    pub lag: TimeDelta,
}

/// Reads one `[[source]]`; `None` when something it cannot do without is missing or wrong.
pub(super) fn read(
    table: &Table<'_>,
    names: &mut Places,
    files: &mut Places,
) -> Option<SourceSettings> {
    let other = OTHER_KINDS.map(|kind| other_kind(table, kind));
    if !other.contains(&true) {
        table.require("file");
    }
    let file = spanned_path(table, "file");
    let name = match table.text("name") {
        Some(name) => Some(name),
        None => file.as_ref().and_then(|file| stem(table, file)),
    };
    let timezone = timezone(table);
    let lag = lag(table);
    if let Some(name) = &name
        && name::check(table, name)
    {
        names.claim(table, &name.value, &name.span);
    }
    let file = file?;
    files.claim(table, &normal(&file.value), &file.span);
    Some(SourceSettings {
        name: name?.value,
        file,
        timezone,
        lag,
    })
}

/// Notes a kind of source that cannot be read, and says whether it was asked for.
fn other_kind(table: &Table<'_>, kind: &str) -> bool {
    let Some(key) = table.keys().into_iter().find(|key| key.value == kind) else {
        return false;
    };
    table.settle(kind);
    table.note(
        table
            .error(format!("`{kind}` is not a source this version can read"))
            .at(key.span, "this version follows files")
            .help("let Caddy's `log` block write to a file, and write `file = \"/path/of/it\"`"),
    );
    true
}

/// The name of a source that has none: that of its file, without the extension.
fn stem(table: &Table<'_>, file: &Spanned<PathBuf>) -> Option<Spanned<String>> {
    // A name of the wrong kind has been noted; it needs no second message.
    if table.keys().iter().any(|key| key.value == "name") {
        return None;
    }
    let stem = file.value.file_stem()?.to_str()?;
    if !is_name(stem) {
        table.note(
            table
                .error(format!("the file's name `{stem}` cannot name the source"))
                .at(file.span.clone(), "this source has no `name` of its own")
                .help("add `name = \"...\"` with lower-case letters, digits, `.`, `_` and `-`"),
        );
        return None;
    }
    Some(file.clone().map(|_| stem.to_owned()))
}

/// `UTC`, or an offset such as `+02:00`; UTC is what Caddy logs unless told otherwise.
fn timezone(table: &Table<'_>) -> FixedOffset {
    let Some(text) = table.text("timezone") else {
        return Utc.fix();
    };
    if text.value.eq_ignore_ascii_case("utc") || text.value == "Z" {
        return Utc.fix();
    }
    text.value.parse().unwrap_or_else(|_| {
        table.note(
            table
                .error(format!("`{}` is not an offset from UTC", text.value))
                .at(text.span, "expected `UTC` or an offset such as `+02:00`")
                .help("only logs whose times have no zone need it; `time_local` in Caddy's `log` block makes them"),
        );
        Utc.fix()
    })
}

fn lag(table: &Table<'_>) -> TimeDelta {
    let Some(lag) = table.length("lag") else {
        return LAG;
    };
    if lag.value > LAG_SENSIBLE {
        table.note(
            table
                .warning("a lag of more than an hour delays every alert about something missing")
                .at(lag.span, "deadlines are judged this much later"),
        );
    }
    lag.value
}

/// The path without `.` and doubled slashes, to compare two of them.
fn normal(path: &Path) -> String {
    let parts: PathBuf = path.components().collect();
    parts.display().to_string()
}
