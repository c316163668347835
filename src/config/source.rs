//! `[[source]]`: one watched Caddy.

use super::name::{self, Places, is_name};
use super::spanned_path;
use crate::caddy::layout::Keys;
use crate::document::{Spanned, Table};
use chrono::{FixedOffset, Offset, TimeDelta, Utc};
use std::path::{Path, PathBuf};

/// How long a line may be under way before a quiet source counts as having nothing to say.
pub const LAG: TimeDelta = TimeDelta::seconds(5);

/// Beyond this a lag is more likely a mistake: every deadline is told that much later.
const LAG_SENSIBLE: TimeDelta = TimeDelta::hours(1);

/// Kinds of sources that other programs of this sort have.
const OTHER_KINDS: [&str; 1] = ["listen"];
/// Kinds of sources that this program has.
const KINDS: [&str; 3] = ["file", "journal", "docker"];

/// One watched Caddy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// The instance's name in alerts, metrics and the state.
    pub name: String,
    /// The log to follow.
    pub from: LogFrom,
    /// The zone of times that are logged without one.
    pub timezone: FixedOffset,
    /// How long a line may be under way.
    pub lag: TimeDelta,
    /// Under which keys Caddy prints its own fields.
    pub keys: KeysFrom,
}

/// Who tells the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// The settings themselves; nothing where they say nothing.
    Told(Keys),
    /// Caddy's own configuration, the `autosave.json` it keeps.
    Caddy(Spanned<PathBuf>),
}

/// Where a log is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFrom {
    /// A file with its rotated set.
    File(Spanned<PathBuf>),
    /// The systemd journal: a unit, or `CONTAINER_NAME=NAME`.
    Journal(Spanned<String>),
    /// Containers of a Docker Engine: the name of one, or `label=KEY=VALUE`.
    Docker(Spanned<String>),
}

/// Reads one `[[source]]`; `None` when something it cannot do without is missing or wrong.
pub(super) fn read(
    table: &Table<'_>,
    names: &mut Places,
    logs: &mut Places,
) -> Option<SourceSettings> {
    let from = from(table);
    let name = match table.text("name") {
        Some(name) => Some(name),
        None => from.as_ref().and_then(|from| from.stem(table)),
    };
    let timezone = timezone(table);
    let lag = lag(table);
    let keys = keys(table);
    if let Some(name) = &name
        && name::check(table, name)
    {
        names.claim(table, &name.value, &name.span);
    }
    let from = from?;
    from.claim(table, logs);
    Some(SourceSettings {
        name: name?.value,
        from,
        timezone,
        lag,
        keys,
    })
}

/// The one place that a log is read from.
fn from(table: &Table<'_>) -> Option<LogFrom> {
    let other = OTHER_KINDS.map(|kind| other_kind(table, kind));
    let keys = table.keys();
    let given: Vec<_> = keys
        .iter()
        .filter(|key| KINDS.contains(&key.value.as_str()))
        .collect();
    match given.as_slice() {
        [] if !other.contains(&true) => table.note(
            table
                .error("`[[source]]` names no log")
                .at(table.header(), "`file`, `journal` or `docker` is required")
                .help("write `file = \"/var/log/caddy/caddy.log\"`, `journal = \"caddy.service\"` if Caddy logs to the journal, or `docker = \"caddy\"` if it runs in a container of that name"),
        ),
        [first, second] => table.note(
            table
                .error("`[[source]]` names two logs")
                .at(second.span.clone(), "second here")
                .at(first.span.clone(), "first here")
                .help("keep one of them, and give the other a `[[source]]` of its own"),
        ),
        _ => {}
    }
    let file = spanned_path(table, "file").map(LogFrom::File);
    let journal = unit(table).map(LogFrom::Journal);
    let docker = containers(table).map(LogFrom::Docker);
    file.or(journal).or(docker)
}

/// The name of a container as Docker takes it, or a label.
fn containers(table: &Table<'_>) -> Option<Spanned<String>> {
    let text = table.text("docker")?;
    let mistake = match text.value.strip_prefix("label=") {
        Some(label) if label.is_empty() || label.starts_with('=') => "the label has no key",
        Some(_) => return Some(text),
        None if is_container(&text.value) => return Some(text),
        None => "expected one such as `caddy`, or `label=KEY=VALUE`",
    };
    table.note(
        table
            .error(format!("`{}` is not the name of a container", text.value))
            .at(text.span, mistake)
            .help("`docker ps` shows how containers are called, without a slash"),
    );
    None
}

/// Whether Docker would give a container this name.
fn is_container(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.bytes().all(plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The name of a unit as systemd takes it, or `CONTAINER_NAME=NAME` as journalctl does.
fn unit(table: &Table<'_>) -> Option<Spanned<String>> {
    let text = table.text("journal")?;
    let name = text.value.strip_prefix("CONTAINER_NAME=");
    let name = name.unwrap_or(&text.value);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@:._-\\".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        return Some(text);
    }
    table.note(
        table
            .error(format!("`{}` is not the name of a unit", text.value))
            .at(
                text.span,
                "expected one such as `caddy.service`, or `CONTAINER_NAME=` and the name of a container",
            )
            .help("`systemctl list-units` shows how units are called; one source reads one unit"),
    );
    None
}

impl LogFrom {
    /// The name of a source that has none.
    fn stem(&self, table: &Table<'_>) -> Option<Spanned<String>> {
        match self {
            Self::File(file) => stem(table, file, file.value.file_stem()?.to_str()?, "file"),
            Self::Journal(unit) => stem(table, unit, short_unit(&unit.value), "unit"),
            Self::Docker(containers) => {
                let value = &containers.value;
                let label = value.strip_prefix("label=");
                let stem_text = label
                    .and_then(|label| label.rsplit('=').next())
                    .unwrap_or(value);
                let noun = if label.is_some() {
                    "label"
                } else {
                    "container"
                };
                stem(table, containers, stem_text, noun)
            }
        }
    }

    fn claim(&self, table: &Table<'_>, logs: &mut Places) {
        match self {
            Self::File(file) => logs.claim(table, &normal(&file.value), &file.span),
            Self::Journal(unit) => {
                let name = unit.value.strip_suffix(".service").unwrap_or(&unit.value);
                logs.claim(table, &format!("journal:{name}"), &unit.span);
            }
            Self::Docker(containers) => {
                logs.claim(
                    table,
                    &format!("docker:{}", containers.value),
                    &containers.span,
                );
            }
        }
    }
}

/// A unit without what every service ends in, a container without its field.
fn short_unit(unit: &str) -> &str {
    let unit = unit.strip_suffix(".service").unwrap_or(unit);
    unit.strip_prefix("CONTAINER_NAME=").unwrap_or(unit)
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
            .at(
                key.span,
                "this version follows files, the journal and containers",
            )
            .help("let Caddy's `log` block write to a file, and write `file = \"/path/of/it\"`"),
    );
    true
}

/// The name of a source that has none: that of what it follows.
fn stem<T: Clone>(
    table: &Table<'_>,
    from: &Spanned<T>,
    stem: &str,
    noun: &str,
) -> Option<Spanned<String>> {
    // A name of the wrong kind has been noted; it needs no second message.
    if table.keys().iter().any(|key| key.value == "name") {
        return None;
    }
    if !is_name(stem) {
        table.note(
            table
                .error(format!("the {noun}'s name `{stem}` cannot name the source"))
                .at(from.span.clone(), "this source has no `name` of its own")
                .help("add `name = \"...\"` with lower-case letters, digits, `.`, `_` and `-`"),
        );
        return None;
    }
    Some(from.clone().map(|_| stem.to_owned()))
}

/// Reads `UTC`, or an offset such as `+02:00`.
pub fn zone(text: &str) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("utc") || text == "Z" {
        return Some(Utc.fix());
    }
    text.parse().ok()
}

/// The zone; UTC is what Caddy logs unless told otherwise.
fn timezone(table: &Table<'_>) -> FixedOffset {
    let Some(text) = table.text("timezone") else {
        return Utc.fix();
    };
    zone(&text.value).unwrap_or_else(|| {
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

/// The keys by Caddy's own names for them, or the path of a configuration of Caddy's that has them.
fn keys(table: &Table<'_>) -> KeysFrom {
    if !table.is_table("keys") {
        let path = spanned_path(table, "keys").map(KeysFrom::Caddy);
        return path.unwrap_or(KeysFrom::Told(Keys::default()));
    }
    let told = table.table("keys").map(|told| {
        let key = |name: &str| told.text(name).map(|key| key.value);
        let keys = Keys {
            message: key("message_key"),
            level: key("level_key"),
            time: key("time_key"),
            logger: key("name_key"),
        };
        told.finish();
        keys
    });
    KeysFrom::Told(told.unwrap_or_default())
}

/// The path without `.` and doubled slashes, to compare two of them.
fn normal(path: &Path) -> String {
    let parts: PathBuf = path.components().collect();
    parts.display().to_string()
}
