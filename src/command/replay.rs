//! `notafter replay`: archives through the same engine; nothing can be sent.

use crate::command::arguments::{Format, ReplayArguments};
use crate::command::exit::{Exit, Failed, of_source, print, say};
use crate::command::intake::Intake;
use crate::command::layout::Told;
use crate::command::loading::{load, load_rules, policy};
use crate::engine::{AlertRow, Engine};
use crate::report::json::{CertificateRow, left_out, summary, unknown};
use crate::report::text;
use crate::rules::Severity;
use crate::source::archive::{LogSet, expand, read};
use crate::source::error::SourceError;
use crate::time::LogTime;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Replays the logs and tells what would have happened.
pub(super) fn run(arguments: &ReplayArguments) -> Result<Exit, Failed> {
    let directory = arguments.rules.directory.as_deref();
    let (settings, rules) = match &arguments.config {
        Some(config) => {
            load(Some(config), directory).map(|(settings, rules)| (Some(settings), rules))?
        }
        None => (None, load_rules(directory)?),
    };
    let told = Told::new(
        &arguments.layout,
        settings.as_ref(),
        arguments.instance.as_deref(),
    )?;
    let sets = expand(&arguments.paths).map_err(|error| of_source(&error))?;
    let mut engine = Engine::new(Arc::new(rules));
    if let Some(settings) = &settings {
        engine.set_policy(policy(settings));
    }
    let mut intake = Intake::new(engine);
    intake.since = moment("--since", arguments.since.as_deref())?;
    intake.until = moment("--until", arguments.until.as_deref())?;
    let mut alerts = Vec::new();
    let mut broken = None;
    for set in &sets {
        let before = (intake.tally.lines, intake.tally.understood);
        let instance = arguments.instance.as_deref().unwrap_or(&set.stem);
        intake.tell(BTreeMap::from([(instance.to_owned(), told.of(instance))]));
        if let Err(failed) = read_set(set, instance, &mut intake, &mut alerts) {
            say(&failed.message);
            broken = broken.or(Some(failed.exit));
        }
        intake.tally.read_to_end(&set.stem, before);
        intake.engine.finish(instance, &mut alerts);
        if let Some(until) = intake.until {
            intake.engine.tick(instance, until, &mut alerts);
        }
    }
    for row in &alerts {
        intake.tally.alert(&row.id, row.severity);
    }
    // A story of nothing would look like a clean bill.
    if broken.is_none() || intake.tally.lines > 0 || arguments.format == Format::Json {
        output(arguments, &tell(arguments, &intake, &alerts))?;
    }
    let limit = arguments.fail_on.as_deref().and_then(Severity::from_word);
    let found = limit.is_some_and(|limit| alerts.iter().any(|row| row.severity >= limit));
    // The process ends here, which frees all that it holds at once; piece by piece takes long with many rules.
    std::mem::forget((intake, alerts));
    Ok(match broken {
        Some(exit) => exit,
        None if found => Exit::Findings,
        None => Exit::Fine,
    })
}

fn read_set(
    set: &LogSet,
    instance: &str,
    intake: &mut Intake,
    alerts: &mut Vec<AlertRow>,
) -> Result<(), Failed> {
    for path in &set.files {
        let source: Arc<str> = path.display().to_string().into();
        let mut rows = Vec::new();
        let done = read(path, &mut |text| {
            intake.text(instance, &source, text, &mut rows);
            alerts.append(&mut rows);
        });
        let (counts, stamp, broken) = match done {
            Ok((counts, stamp)) => (counts, stamp, None),
            Err(SourceError::BrokenArchive {
                counts,
                rejected_until,
                ..
            }) => (counts, rejected_until, done.err()),
            Err(error) => return Err(of_source(&error)),
        };
        intake.tally.lines += counts.lines;
        intake.tally.understood += counts.rejected;
        intake.rejected_until(instance, &stamp, alerts);
        if let Some(error) = broken {
            return Err(of_source(&error));
        }
    }
    Ok(())
}

fn moment(flag: &str, text: Option<&str>) -> Result<Option<LogTime>, Failed> {
    let Some(text) = text else { return Ok(None) };
    LogTime::parse_rfc3339(text).map(Some).ok_or_else(|| {
        let message = format!(
            "error: {flag}: `{text}` is not a time\nhelp: write it like 2026-05-03T22:04:01Z"
        );
        Failed::new(Exit::Usage, message)
    })
}

fn tell(arguments: &ReplayArguments, intake: &Intake, alerts: &[AlertRow]) -> String {
    let certificates: Vec<CertificateRow> = intake
        .engine
        .certificates()
        .map(|(instance, at, certificate)| CertificateRow::new(instance, certificate, at))
        .collect();
    match arguments.format {
        Format::Text => {
            let color = arguments.output.is_none() && io::stdout().is_terminal();
            let unknown = intake.engine.unknowns();
            text::tell(&intake.tally, alerts, &certificates, color)
                + &text::left_out(intake.engine.left_out())
                + &text::unknown(unknown)
        }
        Format::Json => {
            let alerts = alerts
                .iter()
                .filter_map(|row| serde_json::to_string(row).ok());
            let certificates = certificates
                .iter()
                .filter_map(|row| serde_json::to_string(row).ok());
            let unknown = intake.engine.unknowns().map(unknown);
            let unknown = unknown.chain(intake.engine.left_out().map(left_out));
            let unknown = unknown.map(|row| row.to_string());
            let summary = summary(&intake.tally).to_string();
            alerts
                .chain(certificates)
                .chain(unknown)
                .chain([summary])
                .map(|row| row + "\n")
                .collect()
        }
    }
}

fn output(arguments: &ReplayArguments, told: &str) -> Result<(), Failed> {
    match &arguments.output {
        Some(path) => fs::write(path, told).map_err(|error| Failed::io(path.display(), &error)),
        None => print(told),
    }
}
