//! `notafter status`: what is known of each certificate, from the state that `watch` keeps.

use crate::command::arguments::StatusArguments;
use crate::command::exit::{Exit, Failed, of_store, print};
use crate::command::state;
use crate::engine::Engine;
use crate::report::json::{CertificateRow, unknown};
use crate::report::text;
use crate::rules::RuleSet;
use crate::store::Store;
use std::sync::Arc;

/// Prints one row per certificate, as of the last commit of the running or last watch.
pub(super) fn run(arguments: &StatusArguments) -> Result<Exit, Failed> {
    let directory = state::directory(arguments.state.as_deref(), None)?;
    let loaded = Store::open_read_only(&directory)
        .and_then(|store| store.load())
        .map_err(|error| of_store(&error))?;
    let stored = loaded.rows.iter();
    let stored = stored.map(|row| (row.kind.as_str(), row.key.as_str(), row.value.as_str()));
    let engine = Engine::restore(Arc::new(RuleSet::default()), stored);
    let mut rows: Vec<CertificateRow> = engine
        .certificates()
        .map(|(instance, at, certificate)| CertificateRow::new(instance, certificate, at))
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
        let lines = lines.chain(unknown.map(|row| row.to_string()));
        print(&lines.map(|line| line + "\n").collect::<String>())?;
    } else {
        let told = text::status(&rows, loaded.debts.len());
        print(&(told + &text::unknown(engine.unknowns())))?;
    }
    Ok(Exit::Fine)
}
