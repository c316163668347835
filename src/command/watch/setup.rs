//! What to watch, with which rules and channels, and where the state is: everything that can be
//! wrong is found here, before anything starts.

use crate::command::arguments::WatchArguments;
use crate::command::exit::{Exit, Failed, say};
use crate::command::loading::{load_rules, load_settings};
use crate::command::state;
use crate::config::{ChannelSettings, LAG, Settings, SourceSettings, TokenFrom};
use crate::diagnostic::render;
use crate::engine::alert::stable_id;
use crate::notify::{Channel, Secret};
use crate::rules::RuleSet;
use crate::source::file::FileSource;
use crate::source::kind::Source;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A checked plan.
pub(super) struct Plan {
    pub(super) sources: Vec<Source>,
    /// How long a line may need from being written to being read, by source.
    pub(super) lag: BTreeMap<Arc<str>, TimeDelta>,
    pub(super) channels: Vec<Channel>,
    pub(super) rules: Arc<RuleSet>,
    pub(super) state: PathBuf,
    pub(super) record: Option<PathBuf>,
    /// Where metrics and health are served.
    pub(super) listen: Option<SocketAddr>,
}

/// Reads settings and rules, and resolves what the command line adds to them.
pub(super) fn plan(arguments: &WatchArguments) -> Result<Plan, Failed> {
    let settings = load_settings(arguments.config.as_deref())?;
    if !settings.warnings.is_empty() {
        say(&render(&settings.warnings, 100, false));
    }
    let rules = Arc::new(load_rules(arguments.rules.directory.as_deref(), &settings)?);
    let (sources, lag) = sources(arguments.path.as_deref(), &settings)?;
    let mut channels = Vec::new();
    for configured in &settings.channels {
        channels.push(configured_channel(configured)?);
    }
    for url in &arguments.notify {
        channels.push(channel_of_url(url)?);
    }
    Ok(Plan {
        sources,
        lag,
        channels,
        rules,
        state: state::directory(arguments.state.as_deref(), settings.state.as_deref())?,
        record: arguments.record.clone(),
        listen: settings.serve.map(|serve| serve.listen),
    })
}

type Sources = (Vec<Source>, BTreeMap<Arc<str>, TimeDelta>);

fn sources(path: Option<&Path>, settings: &Settings) -> Result<Sources, Failed> {
    let Some(path) = path else {
        if settings.sources.is_empty() {
            return Err(Failed::new(
                Exit::Usage,
                "error: nothing to watch\nhelp: name a log file, as in `notafter watch /var/log/caddy/caddy.log`, or put a [[source]] into the configuration",
            ));
        }
        let source = |one: &SourceSettings| {
            Source::File(FileSource {
                name: one.name.as_str().into(),
                path: one.file.value.clone(),
            })
        };
        let lag = settings
            .sources
            .iter()
            .map(|one| (one.name.as_str().into(), one.lag));
        return Ok((settings.sources.iter().map(source).collect(), lag.collect()));
    };
    if path.as_os_str() == "-" {
        let name: Arc<str> = "stdin".into();
        return Ok((
            vec![Source::Stdin(Arc::clone(&name))],
            BTreeMap::from([(name, LAG)]),
        ));
    }
    if path.is_dir() {
        let message = format!(
            "error: `{}` is a directory\nhelp: name the log file that Caddy writes",
            path.display()
        );
        return Err(Failed::new(Exit::Usage, message));
    }
    let stem = path
        .file_stem()
        .map_or_else(|| "caddy".into(), |stem| stem.to_string_lossy());
    let name: Arc<str> = stem.as_ref().into();
    let path = std::path::absolute(path).map_err(|error| Failed::io(path.display(), &error))?;
    Ok((
        vec![Source::File(FileSource {
            name: Arc::clone(&name),
            path,
        })],
        BTreeMap::from([(name, LAG)]),
    ))
}

fn configured_channel(configured: &ChannelSettings) -> Result<Channel, Failed> {
    let name = &configured.name;
    let secret = read_secret(&configured.token).map_err(|why| {
        Failed::new(
            Exit::Config,
            format!("error: the token of channel `{name}` cannot be read: {why}"),
        )
    })?;
    Channel::from_url(name, configured.url.value.as_str(), secret)
        .map(|channel| channel.with_min_severity(configured.min_severity))
        .map_err(|error| Failed::new(Exit::Config, format!("error: channel `{name}`: {error}")))
}

fn read_secret(token: &TokenFrom) -> Result<Option<Secret>, String> {
    let of_file = |path: &Path| {
        fs::read_to_string(path)
            .map(|text| Some(Secret::new(text.trim())))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    match token {
        TokenFrom::None => Ok(None),
        TokenFrom::File(path) => of_file(path),
        TokenFrom::Credential(name) => match env::var_os("CREDENTIALS_DIRECTORY") {
            Some(directory) => of_file(&Path::new(&directory).join(name)),
            None => Err("systemd has handed over no credentials (LoadCredential=)".to_owned()),
        },
        TokenFrom::Env(name) => env::var(name)
            .map(|text| Some(Secret::new(text.trim())))
            .map_err(|_| format!("the environment variable {name} is not set")),
    }
}

/// A channel of the command line. Its name keys the outbox, so it depends on the URL alone, and
/// shows nothing of it that may be secret.
fn channel_of_url(url: &str) -> Result<Channel, Failed> {
    let scheme = url.split_once(':').map_or("channel", |(scheme, _)| scheme);
    let name = format!("{scheme}-{}", stable_id(&[url]));
    Channel::from_url(&name, url, None)
        .map_err(|error| Failed::new(Exit::Usage, format!("error: --notify: {error}")))
}
