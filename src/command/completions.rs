//! `notafter completions SHELL`: what a shell completes after `notafter`.

use crate::command::arguments::{Arguments, CompletionsArguments};
use crate::command::exit::{Exit, Failed, print};
use clap::CommandFactory;

/// Prints the script for one shell.
pub(super) fn run(arguments: &CompletionsArguments) -> Result<Exit, Failed> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "notafter", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
