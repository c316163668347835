//! What to watch, with which rules and channels, and where the state is: everything that can be
//! wrong is found here, before anything starts.

use crate::caddy::layout::Layout;
use crate::command::arguments::WatchArguments;
use crate::command::channels;
use crate::command::exit::{Exit, Failed, say};
use crate::command::layout::layouts;
use crate::command::loading::{docker_address, load, policy};
use crate::command::state;
use crate::config::{LAG, LogFrom, Settings, SourceSettings};
use crate::diagnostic::render;
use crate::engine::Policy;
use crate::notify::Channel;
use crate::rules::RuleSet;
use crate::source::docker::{DockerSource, Selector};
use crate::source::file::FileSource;
use crate::source::journal::{JournalSource, Matching};
use crate::source::kind::Source;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A checked plan.
pub(super) struct Plan {
    pub(super) sources: Vec<Source>,
    /// How long a line may need from being written to being read, by source.
    pub(super) lag: BTreeMap<Arc<str>, TimeDelta>,
    /// How sources print their lines, as far as the settings tell.
    pub(super) layouts: BTreeMap<String, Layout>,
    pub(super) channels: Vec<Channel>,
    pub(super) rules: Arc<RuleSet>,
    pub(super) state: PathBuf,
    pub(super) record: Option<PathBuf>,
    /// How people are told.
    pub(super) policy: Policy,
    /// Where metrics and health are served.
    pub(super) listen: Option<SocketAddr>,
}

/// Reads settings and rules, and resolves what the command line adds to them.
pub(super) fn plan(arguments: &WatchArguments) -> Result<Plan, Failed> {
    let rules = arguments.rules.directory.as_deref();
    let (settings, rules) = load(arguments.config.as_deref(), rules)?;
    if !settings.warnings.is_empty() {
        say(&render(&settings.warnings, 100, false));
    }
    let (sources, lag) = sources(arguments.path.as_deref(), &settings)?;
    let mut channels = channels::configured(&settings)?;
    channels.extend(channels::of_urls(&arguments.notify)?);
    Ok(Plan {
        sources,
        lag,
        layouts: layouts(&settings),
        channels,
        rules: Arc::new(rules),
        state: state::directory(arguments.state.as_deref(), settings.state.as_deref())?,
        record: arguments.record.clone(),
        policy: policy(&settings),
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
        let lag = settings
            .sources
            .iter()
            .map(|one| (one.name.as_str().into(), one.lag));
        return Ok((
            settings
                .sources
                .iter()
                .map(configured_source)
                .collect::<Result<_, _>>()?,
            lag.collect(),
        ));
    };
    if path.as_os_str() == "-" {
        let name: Arc<str> = "stdin".into();
        return Ok((
            vec![Source::Stdin(Arc::clone(&name))],
            BTreeMap::from([(name, LAG)]),
        ));
    }
    if let Some(unit) = path.to_str().and_then(|text| text.strip_prefix("journal:")) {
        return journal(unit);
    }
    if let Some(containers) = path.to_str().and_then(|text| text.strip_prefix("docker:")) {
        return docker(containers);
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

fn configured_source(one: &SourceSettings) -> Result<Source, Failed> {
    let name: Arc<str> = one.name.as_str().into();
    Ok(match &one.from {
        LogFrom::File(path) => Source::File(FileSource {
            name,
            path: path.value.clone(),
        }),
        LogFrom::Journal(unit) => {
            Source::Journal(JournalSource::new(name, Matching::parse(&unit.value)))
        }
        LogFrom::Docker(containers) => Source::Docker(DockerSource {
            name,
            selector: Selector::parse(&containers.value),
            address: docker_address()?,
        }),
    })
}

/// `docker:NAME` or `docker:label=KEY=VALUE`, named after the container or the label's value.
fn docker(containers: &str) -> Result<Sources, Failed> {
    let selector = Selector::parse(containers);
    let name = match &selector {
        Selector::Name(name) => name.as_str(),
        Selector::Label(label) => label.rsplit('=').next().unwrap_or(label),
    };
    if name.is_empty() {
        return Err(Failed::new(
            Exit::Usage,
            "error: `docker:` names no container\nhelp: name the container that Caddy runs in, as in `notafter watch docker:caddy`, or a label, `docker:label=role=edge`",
        ));
    }
    let name: Arc<str> = name.into();
    let source = DockerSource {
        name: Arc::clone(&name),
        selector,
        address: docker_address()?,
    };
    Ok((vec![Source::Docker(source)], BTreeMap::from([(name, LAG)])))
}

/// `journal:UNIT`, named after the unit as a file is after its stem.
fn journal(unit: &str) -> Result<Sources, Failed> {
    let matching = Matching::parse(unit);
    let (Matching::Unit(name) | Matching::Container(name)) = &matching;
    let name: Arc<str> = name.strip_suffix(".service").unwrap_or(name).into();
    if name.is_empty() {
        return Err(Failed::new(
            Exit::Usage,
            "error: `journal:` names no unit\nhelp: name the unit that Caddy runs as, as in `notafter watch journal:caddy.service`",
        ));
    }
    let source = JournalSource::new(Arc::clone(&name), matching);
    Ok((vec![Source::Journal(source)], BTreeMap::from([(name, LAG)])))
}
