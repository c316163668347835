//! TOML text into settings, or diagnostics with `file:line:column`.
//!
//! [`Settings::parse`] finds every mistake of a file in one run. Settings have no value left open
//! where a default exists. Secrets are only named here ([`TokenFrom`]); `command` reads them. What
//! only another room can judge (is there such a rule, does the channel exist) keeps its place in
//! the file, so that it can be reported in the same way.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

mod alerts;
mod channel;
mod name;
mod rule;
pub mod schema;
mod serve;
mod source;

pub use alerts::{AlertsSettings, Repeat};
pub use channel::{ChannelSettings, TokenFrom};
pub use name::is_name;
pub use rule::{Parameter, RuleSettings};
pub use serve::ServeSettings;
pub use source::{KeysFrom, LAG, LogFrom, SourceSettings, zone};

use crate::diagnostic::{Problems, Source};
use crate::document::{Document, Spanned, Table};
use crate::rules::Configured;
use name::Places;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where rules that override or add to the built-in ones are looked for, unless told otherwise.
pub const RULES_DIRECTORY: &str = "/etc/notafter/rules.d";

/// Everything a settings file says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The watched Caddys, in file order.
    pub sources: Vec<SourceSettings>,
    /// Where messages go, in file order.
    pub channels: Vec<ChannelSettings>,
    /// What is changed about rules, by the rule's id.
    pub rules: BTreeMap<String, RuleSettings>,
    /// How people are told.
    pub alerts: AlertsSettings,
    /// Where metrics and health are served; `None` serves nothing.
    pub serve: Option<ServeSettings>,
    /// The directory of the state; `None` leaves it to the environment.
    pub state: Option<PathBuf>,
    /// The directory of rules that override or add to the built-in ones.
    pub rules_directory: PathBuf,
    /// What a person should look at although the file can be used.
    pub warnings: Problems,
    /// The file itself, for mistakes that only another room can see.
    pub file: Source,
}

impl Settings {
    /// What an absent settings file says.
    pub fn none() -> Self {
        Self {
            sources: Vec::new(),
            channels: Vec::new(),
            rules: BTreeMap::new(),
            alerts: AlertsSettings::default(),
            serve: None,
            state: None,
            rules_directory: PathBuf::from(RULES_DIRECTORY),
            warnings: Problems::default(),
            file: Source::new("notafter.toml", ""),
        }
    }

    /// Reads a settings file; `name` is how messages call it. Gives every problem of the file when
    /// one of them is an error.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let (settings, problems) = Self::read(name, text)?;
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(Self {
            warnings: problems,
            ..settings
        })
    }

    /// Reads what can be read of a settings file, with what is wrong with it, so that others can
    /// add what they find wrong. Fails on mistakes of the grammar alone.
    pub fn read(name: &str, text: &str) -> Result<(Self, Problems), Problems> {
        let document = Document::parse(name, text)?;
        let root = document.root();
        let settings = Self {
            sources: sources(&root),
            channels: channels(&root),
            rules: rules(&root),
            alerts: alerts(&root),
            serve: serve(&root),
            state: path(&root, "state"),
            rules_directory: path(&root, "rules_directory")
                .unwrap_or_else(|| PathBuf::from(RULES_DIRECTORY)),
            warnings: Problems::default(),
            file: document.source().clone(),
        };
        root.finish();
        Ok((settings, document.take_problems()))
    }

    /// What is changed about rules, as the rules want to hear it.
    pub fn configured(&self) -> Configured {
        let rules = self.rules.iter();
        let rules = rules.map(|(id, rule)| (id.clone(), rule.changes()));
        Configured {
            source: self.file.clone(),
            rules: rules.collect(),
        }
    }
}

fn sources(root: &Table<'_>) -> Vec<SourceSettings> {
    let mut names = Places::new(
        "two sources are named",
        "the name keys the saved reading position, so each source needs its own",
    );
    let mut logs = Places::new(
        "two sources follow",
        "follow it once; every line would count twice",
    );
    let tables = root.tables("source");
    let read = tables.iter().filter_map(|table| {
        let source = source::read(table, &mut names, &mut logs);
        table.finish();
        source
    });
    read.collect()
}

fn channels(root: &Table<'_>) -> Vec<ChannelSettings> {
    let mut names = Places::new(
        "two channels are named",
        "the name keys what the channel is owed, so each channel needs its own",
    );
    let tables = root.tables("channel");
    let read = tables.iter().filter_map(|table| {
        let channel = channel::read(table, &mut names);
        table.finish();
        channel
    });
    read.collect()
}

fn rules(root: &Table<'_>) -> BTreeMap<String, RuleSettings> {
    let Some(table) = root.table("rules") else {
        return BTreeMap::new();
    };
    let read = table.keys().into_iter().filter_map(|id| {
        let rule = rule::read(&table.table(&id.value)?, &id);
        Some((id.value, rule))
    });
    read.collect()
}

fn alerts(root: &Table<'_>) -> AlertsSettings {
    let Some(table) = root.table("alerts") else {
        return AlertsSettings::default();
    };
    let read = alerts::read(&table);
    table.finish();
    read
}

fn serve(root: &Table<'_>) -> Option<ServeSettings> {
    let table = root.table("serve")?;
    let read = serve::read(&table);
    table.finish();
    read
}

/// A path that is not empty; a relative one is allowed, but depends on who starts us and where.
fn spanned_path(table: &Table<'_>, key: &str) -> Option<Spanned<PathBuf>> {
    let text = table.text(key)?;
    if text.value.is_empty() {
        let empty = table.error(format!("`{key}` is empty"));
        table.note(empty.at(text.span, "expected a path"));
        return None;
    }
    if !Path::new(&text.value).is_absolute() {
        table.note(
            table
                .warning(format!("`{}` is not an absolute path", text.value))
                .at(
                    text.span.clone(),
                    "looked for in the directory notafter is started in",
                ),
        );
    }
    Some(text.map(PathBuf::from))
}

fn path(table: &Table<'_>, key: &str) -> Option<PathBuf> {
    spanned_path(table, key).map(|path| path.value)
}
