//! `notafter watch`: live sources, the engine, the store and the channels in one loop.

mod control;
mod desk;
mod ledger;
mod pump;
mod running;
mod service;
mod setup;

use crate::command::arguments::WatchArguments;
use crate::command::exit::{Exit, Failed};

/// Watches until SIGTERM or SIGINT.
pub(super) fn run(arguments: &WatchArguments) -> Result<Exit, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::io("the runtime", &error))?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, pump::watch(arguments))
}
