//! `notafter status`: what is known of each certificate, from the state that `watch` keeps.

use crate::command::arguments::StatusArguments;
use crate::command::control::ask_watch;
use crate::command::exit::{Exit, Failed, of_store, print};
use crate::command::state;
use crate::control::{Reply, Request, WatchedSource};
use crate::engine::Engine;
use crate::report::json::{CertificateRow, left_out, of_source, unknown};
use crate::report::text::{self, none_understood};
use crate::rules::RuleSet;
use crate::store::Store;
use serde_json::{Value, json};
use std::sync::Arc;

/// Prints one row per certificate.
pub(super) fn run(arguments: &StatusArguments) -> Result<Exit, Failed> {
    let directory = state::directory(arguments.state.as_deref(), None)?;
    // A running watch writes down what it knows before the state is read; without one the last commit
    // has to do.
    let watch = ask_watch(&directory, &Request::Status).ok();
    let loaded = Store::open_read_only(&directory)
        .and_then(|store| store.load())
        .map_err(|error| of_store(&error))?;
    let stored = loaded.rows.iter();
    let stored = stored.map(|row| (row.kind.as_str(), row.key.as_str(), row.value.as_str()));
    let engine = Engine::restore(Arc::new(RuleSet::default()), stored);
    let mut rows: Vec<CertificateRow> = engine
        .certificates()
        .map(|(instance, at, certificate)| {
            let mut row = CertificateRow::new(instance, certificate, at);
            row.silenced = engine.silenced(instance, certificate);
            row
        })
        .collect();
    if let Some(name) = &arguments.name {
        let wanted = name.to_lowercase();
        rows.retain(|row| row.name == wanted);
        if rows.is_empty() {
            let message = format!(
                "error: no certificate `{name}` is known\nhelp: `notafter status` lists them all"
            );
            return Err(Failed::new(Exit::Findings, message));
        }
    }
    rows.sort_by_key(|row| (row.alerts.is_empty(), row.not_after));
    if arguments.json {
        let lines = rows
            .iter()
            .filter_map(|row| serde_json::to_string(row).ok());
        let unknown = engine.unknowns().map(unknown);
        let unknown = unknown.chain(engine.left_out().map(left_out));
        let unknown = unknown.chain(engine.source_alerts().map(of_source));
        let sources = watched(watch.as_ref()).iter().map(source);
        let lines = lines.chain(unknown.chain(sources).map(|row| row.to_string()));
        print(&lines.map(|line| line + "\n").collect::<String>())?;
    } else {
        let told = text::status(&rows, loaded.debts.len());
        let silences = text::silences(engine.silences().count());
        let unknown = text::left_out(engine.left_out()) + &text::unknown(engine.unknowns());
        let of_sources = text::of_sources(engine.source_alerts());
        print(&(told + &of_sources + &silences + &unknown + &of_watch(watch.as_ref())))?;
    }
    Ok(Exit::Fine)
}

/// What the running watch watches; nothing where none runs.
fn watched(reply: Option<&Reply>) -> &[WatchedSource] {
    match reply {
        Some(Reply::Status { sources, .. }) => sources,
        _ => &[],
    }
}

/// Who watches, and what of it is amiss, in a few lines.
fn of_watch(reply: Option<&Reply>) -> String {
    let Some(Reply::Status { pid, version, .. }) = reply else {
        return "No watch runs; this is what the last one knew.\n".to_owned();
    };
    let mut text = format!("Watched now by notafter {version}, pid {pid}.\n");
    for source in watched(reply) {
        if !source.caught_up {
            text.push_str(&format!("{} is not read to its end yet.\n", source.name));
        }
        if source.lines > 0 && source.understood == 0 {
            let told = none_understood(source.lines);
            text.push_str(&format!("{}: {told}\n", source.name));
        }
    }
    text
}

/// A watched source as a row of JSON.
fn source(source: &WatchedSource) -> Value {
    json!({
        "type": "source",
        "schema": 1,
        "instance": source.name,
        "caught_up": source.caught_up,
        "log_time": source.log_time.map(|at| at.to_string()),
        "lines": source.lines,
        "understood": source.understood,
        "unreadable": source.unreadable,
    })
}
