//! How lines are printed, as far as settings or the command line tell.

use crate::caddy::autosave;
use crate::caddy::layout::{Keys, Layout};
use crate::command::arguments::LayoutArguments;
use crate::command::exit::{Exit, Failed, say};
use crate::config::{KeysFrom, LogFrom, Settings, SourceSettings, zone};
use crate::diagnostic::nearest;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How the sources of the settings print their lines, by name.
pub(super) fn layouts(settings: &Settings) -> BTreeMap<String, Layout> {
    let sources = settings.sources.iter();
    sources.map(|one| (one.name.clone(), layout(one))).collect()
}

fn layout(one: &SourceSettings) -> Layout {
    Layout {
        keys: keys(one),
        zone: one.timezone,
        ..Layout::default()
    }
}

/// The keys as they are told. Without a configuration of Caddy's that can be read they are found by shape,
/// so that is no reason not to read the log.
fn keys(one: &SourceSettings) -> Keys {
    if let KeysFrom::Told(keys) = &one.keys {
        return keys.clone();
    }
    let told = told_by_caddy(one).unwrap_or_else(|| Ok(Keys::default()));
    told.unwrap_or_else(|why| {
        say(&format!("warning: {}: {why}", one.name));
        Keys::default()
    })
}

/// The keys that a configuration of Caddy's tells of a source, or why it does not; `None` where the source has
/// them told otherwise.
pub(super) fn told_by_caddy(one: &SourceSettings) -> Option<Result<Keys, String>> {
    let KeysFrom::Caddy(path) = &one.keys else {
        return None;
    };
    let file = match &one.from {
        LogFrom::File(file) => file.value.to_str(),
        LogFrom::Journal(_) | LogFrom::Docker(_) => None,
    };
    let told = keys_of_caddy(&path.value, file).map_err(|why| {
        format!(
            "{} does not tell the keys of the log: {why}\nhelp: let this user read Caddy's `autosave.json`, or write `keys = {{ message_key = \"...\" }}`; until then keys are told by what stands under them",
            path.value.display()
        )
    });
    Some(told)
}

fn keys_of_caddy(path: &Path, file: Option<&str>) -> Result<Keys, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    autosave::keys(&text, file).ok_or_else(|| "it is no configuration in JSON".to_owned())
}

/// What the command line tells, over what the settings tell of the source with a name.
pub(super) struct Told<'a> {
    settings: Option<&'a Settings>,
    keys: Option<Keys>,
    zone: Option<chrono::FixedOffset>,
}

impl<'a> Told<'a> {
    /// Reads the command line. A name that it gives has to be that of a source, where there are settings.
    pub(super) fn new(
        arguments: &LayoutArguments,
        settings: Option<&'a Settings>,
        named: Option<&str>,
    ) -> Result<Self, Failed> {
        if let (Some(settings), Some(name)) = (settings, named) {
            must_be_there(settings, name)?;
        }
        Ok(Self {
            settings,
            keys: arguments.keys.as_deref().map(told_keys).transpose()?,
            zone: arguments.timezone.as_deref().map(told_zone).transpose()?,
        })
    }

    /// How the log of this name is printed.
    pub(super) fn of(&self, name: &str) -> Layout {
        let sources = self.settings.map(|settings| settings.sources.iter());
        let source = sources.and_then(|mut sources| sources.find(|one| one.name == name));
        let told = source.map(layout).unwrap_or_default();
        Layout {
            keys: self.keys.clone().unwrap_or(told.keys),
            zone: self.zone.unwrap_or(told.zone),
            unit: None,
        }
    }
}

fn must_be_there(settings: &Settings, name: &str) -> Result<(), Failed> {
    let names = || settings.sources.iter().map(|one| one.name.as_str());
    if names().any(|known| known == name) {
        return Ok(());
    }
    let near = nearest(name, names()).map(|near| format!("did you mean `{near}`? "));
    let all: Vec<&str> = names().collect();
    let known = match all.as_slice() {
        [] => "it has no `[[source]]`".to_owned(),
        all => format!("it has {}", all.join(", ")),
    };
    let message = format!(
        "error: no source of the configuration is called `{name}`\nhelp: {}{known}",
        near.unwrap_or_default()
    );
    Err(Failed::new(Exit::Usage, message))
}

fn told_zone(text: &str) -> Result<chrono::FixedOffset, Failed> {
    zone(text).ok_or_else(|| {
        let message = format!(
            "error: --timezone: `{text}` is not an offset from UTC\nhelp: write `UTC` or an offset such as `+02:00`"
        );
        Failed::new(Exit::Usage, message)
    })
}

/// `message_key=M,level_key=L`, or the path of a configuration of Caddy's, of which the default log counts.
fn told_keys(text: &str) -> Result<Keys, Failed> {
    if !text.contains('=') {
        return keys_of_caddy(Path::new(text), None).map_err(|why| {
            let message = format!("error: --keys: {text} does not tell the keys of the log: {why}\nhelp: write `message_key=M,time_key=T`, or the path of Caddy's `autosave.json`");
            Failed::new(Exit::NoInput, message)
        });
    }
    let mut keys = Keys::default();
    for pair in text.split(',') {
        let (name, key) = pair.split_once('=').unwrap_or((pair, ""));
        let place = match name.trim() {
            "message_key" => &mut keys.message,
            "level_key" => &mut keys.level,
            "time_key" => &mut keys.time,
            "name_key" => &mut keys.logger,
            other => {
                let near = nearest(other, NAMES.into_iter())
                    .map(|near| format!("did you mean `{near}`? "));
                let message = format!(
                    "error: --keys: Caddy has no option `{other}`\nhelp: {}it has {}",
                    near.unwrap_or_default(),
                    NAMES.join(", ")
                );
                return Err(Failed::new(Exit::Usage, message));
            }
        };
        *place = Some(key.trim().to_owned());
    }
    Ok(keys)
}

/// The options of Caddy's JSON encoder that rename its own fields.
const NAMES: [&str; 4] = ["message_key", "level_key", "time_key", "name_key"];
