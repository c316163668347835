//! `notafter check`: configuration, rules and permissions; changes nothing.

use crate::command::arguments::CheckArguments;
use crate::command::channels::configured_one;
use crate::command::exit::{Exit, Failed, print};
use crate::command::layout::told_by_caddy;
use crate::command::loading::{docker_address, load};
use crate::config::{LogFrom, Settings};
use crate::diagnostic::render;
use crate::report::text::counted;
use crate::source::docker::{DockerSource, Selector};
use crate::source::journal::{JournalSource, Matching};
use crate::source::notice::{Notice, PERMISSION_REMEDY};
use std::fs::File;
use std::io;
use std::path::Path;

/// Checks what `watch` would need, and says each finding.
pub(super) fn run(arguments: &CheckArguments) -> Result<Exit, Failed> {
    let rules = arguments.rules.directory.as_deref();
    let (settings, rules) = load(arguments.config.as_deref(), rules)?;
    let mut findings = 0_usize;
    let mut report = format!("configuration: fine, {}\n", counts(&settings));
    if !settings.warnings.is_empty() {
        report.push_str(&render(&settings.warnings, 100, false));
        report.push('\n');
    }
    report.push_str(&format!("rules: {} checked\n", rules.all().len()));
    for source in &settings.sources {
        let (shown, (word, finding)) = match &source.from {
            LogFrom::File(path) => (path.value.display().to_string(), readable(&path.value)),
            LogFrom::Journal(unit) => {
                let matching = Matching::parse(&unit.value);
                (format!("journal:{}", matching.shown()), recorded(matching))
            }
            LogFrom::Docker(containers) => {
                let source = DockerSource {
                    name: source.name.as_str().into(),
                    selector: Selector::parse(&containers.value),
                    address: docker_address()?,
                };
                (format!("docker:{}", containers.value), answered(&source))
            }
        };
        findings += usize::from(finding);
        report.push_str(&format!("source {}: {shown}: {word}\n", source.name));
        if let Some(Err(why)) = told_by_caddy(source) {
            findings += 1;
            report.push_str(&format!("source {}: keys: {why}\n", source.name));
        }
    }
    for one in &settings.channels {
        let (word, finding) = match configured_one(one) {
            Ok(channel) => (channel.shown(), false),
            Err(failed) => (failed.message, true),
        };
        findings += usize::from(finding);
        report.push_str(&format!("channel {}: {word}\n", one.name));
    }
    if let Some(serve) = &settings.serve {
        let listen = serve.listen;
        report.push_str(&format!("serve: http://{listen}/metrics and /healthz\n"));
    }
    print(&report)?;
    Ok(if findings == 0 {
        Exit::Fine
    } else {
        Exit::Findings
    })
}

fn counts(settings: &Settings) -> String {
    let (sources, channels) = (settings.sources.len(), settings.channels.len());
    format!(
        "{} and {}",
        counted(sources as u64, "source"),
        counted(channels as u64, "channel")
    )
}

/// Whether the journal can be read, in words, and whether that needs a person.
fn recorded(matching: Matching) -> (String, bool) {
    match JournalSource::new("".into(), matching).try_once() {
        Ok(true) => ("readable".to_owned(), false),
        Ok(false) => (
            "the journal holds nothing of it yet; watch waits for it".to_owned(),
            false,
        ),
        Err(notice) => (in_words(notice), true),
    }
}

/// Whether the logs of containers can be read, in words, and whether that needs a person.
fn answered(source: &DockerSource) -> (String, bool) {
    match source.try_once() {
        Ok(0) => (
            "there is no such container yet; watch waits for it".to_owned(),
            false,
        ),
        Ok(1) => ("readable".to_owned(), false),
        Ok(count) => (format!("readable, {count} containers"), false),
        Err(notice) => (in_words(notice), true),
    }
}

fn in_words(notice: Notice) -> String {
    let remedy = notice.remedy.map(|remedy| format!("\nhelp: {remedy}"));
    format!("{}{}", notice.text, remedy.unwrap_or_default())
}

/// Whether a log can be read, in words, and whether that needs a person.
fn readable(path: &Path) -> (String, bool) {
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(file) if file.is_dir() => ("is a directory, not a log".to_owned(), true),
        Ok(_) => ("readable".to_owned(), false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ("does not exist yet; watch waits for it".to_owned(), false)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => (
            format!("cannot be read: permission denied\nhelp: {PERMISSION_REMEDY}"),
            true,
        ),
        Err(error) => (format!("cannot be read: {error}"), true),
    }
}
