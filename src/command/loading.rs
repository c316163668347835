//! Settings and rules from their files, with every mistake shown at its place.

use crate::command::exit::{Exit, Failed};
use crate::config::{Repeat, Settings};
use crate::diagnostic::{Problems, render};
use crate::engine::{Group, Policy};
use crate::rules::{BUILT_IN, RuleFile, RuleSet, TEST_FILE};
use crate::source::docker::{Address, BadAddress};
use std::env;
use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

/// Where the settings are, unless told otherwise.
const SETTINGS: &str = "/etc/notafter/notafter.toml";

/// Width that messages are drawn for.
pub(super) const WIDTH: usize = 100;

/// Reads the named settings file; without a name the usual one, if it exists.
pub(super) fn load_settings(path: Option<&Path>) -> Result<Settings, Failed> {
    let Some((name, text)) = settings_file(path)? else {
        return Ok(Settings::none());
    };
    Settings::parse(&name, &text).map_err(|problems| refused(&problems))
}

fn settings_file(path: Option<&Path>) -> Result<Option<(String, String)>, Failed> {
    let usual = Some(Path::new(SETTINGS)).filter(|usual| usual.exists());
    path.or(usual).map(text_file).transpose()
}

/// The settings with the rules as they want them, or the mistakes of both in one run.
pub(super) fn load(
    settings: Option<&Path>,
    rules: Option<&Path>,
) -> Result<(Settings, RuleSet), Failed> {
    let (mut settings, mut problems) = match settings_file(settings)? {
        None => (Settings::none(), Problems::default()),
        Some((name, text)) => {
            Settings::read(&name, &text).map_err(|problems| refused(&problems))?
        }
    };
    let rules = rule_set(rules, &settings)?.unwrap_or_else(|found| {
        problems.extend(found);
        RuleSet::default()
    });
    if problems.has_errors() {
        return Err(refused(&problems));
    }
    settings.warnings = problems;
    Ok((settings, rules))
}

/// The built-in rules, with those of a directory over them.
pub(super) fn load_rules(directory: Option<&Path>) -> Result<RuleSet, Failed> {
    rule_set(directory, &Settings::none())?.map_err(|problems| refused(&problems))
}

fn rule_set(
    directory: Option<&Path>,
    settings: &Settings,
) -> Result<Result<RuleSet, Problems>, Failed> {
    let mut paths = toml_files(directory, settings)?;
    paths.retain(|path| !path.to_string_lossy().ends_with(TEST_FILE));
    let overrides = on_every_core(&paths, |path| {
        text_file(path).map(|(name, text)| RuleFile::read(&name, &text))
    });
    let built_in = on_every_core(BUILT_IN, |(name, text)| RuleFile::read(name, text));
    let overrides = overrides.into_iter().collect::<Result<_, _>>()?;
    Ok(RuleSet::of_files(
        built_in,
        overrides,
        &settings.configured(),
    ))
}

/// What becomes of each of many, in order: who has a thousand rules waits for them at each start.
fn on_every_core<T: Sync, R: Send>(many: &[T], become_of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let part_length = many.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let parts = many.chunks(part_length);
        let workers: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().map(&become_of).collect::<Vec<R>>()))
            .collect();
        let done = workers.into_iter().map(ScopedJoinHandle::join);
        done.flat_map(|part| part.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// Every `*.toml` of a directory, or else of that of the settings if there is one, in order of name.
pub(super) fn toml_files(
    directory: Option<&Path>,
    settings: &Settings,
) -> Result<Vec<PathBuf>, Failed> {
    let usual = Some(settings.rules_directory.as_path()).filter(|usual| usual.exists());
    let Some(directory) = directory.or(usual) else {
        return Ok(Vec::new());
    };
    let failed = |error: &io::Error| Failed::io(directory.display(), error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| failed(&error))? {
        let path = entry.map_err(|error| failed(&error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A file: how messages call it, and its text.
pub(super) fn text_file(path: &Path) -> Result<(String, String), Failed> {
    let text = fs::read_to_string(path).map_err(|error| Failed::io(path.display(), &error))?;
    Ok((path.display().to_string(), text))
}

/// Where Docker's engine listens, by the variables that its own client reads.
pub(super) fn docker_address() -> Result<Address, Failed> {
    let host = env::var("DOCKER_HOST").ok();
    let verify = env::var("DOCKER_TLS_VERIFY").is_ok_and(|verify| !verify.is_empty());
    let refused = |what| Failed::new(Exit::Config, format!("error: {what}"));
    let address = Address::of_host(host.as_deref()).map_err(refused)?;
    if let (true, Address::Tcp(..)) = (verify, &address) {
        let text = host.unwrap_or_default();
        return Err(refused(BadAddress { text }));
    }
    Ok(address)
}

/// A mistake in settings or rules, drawn.
pub(super) fn refused(problems: &Problems) -> Failed {
    Failed::new(Exit::Config, render(problems, WIDTH, false))
}

/// How alerts are told, by the configuration.
pub(super) fn policy(settings: &Settings) -> Policy {
    let group = if settings.alerts.by_name {
        Group::Name
    } else {
        Group::Cause
    };
    let repeat = match settings.alerts.repeat {
        Some(Repeat::Never) => None,
        Some(Repeat::After(length)) => Some(length),
        None => Policy::default().repeat,
    };
    Policy { group, repeat }
}
