//! One file per verb; the only room that knows every other. It reads the environment, the clock and
//! the files that the pure rooms are given, and it alone prints.

mod arguments;
mod channels;
mod check;
mod completions;
mod control;
mod deliveries;
mod exit;
mod explain;
mod init;
mod intake;
mod layout;
mod loading;
mod man;
mod notify;
mod replay;
mod rule_tests;
mod rules;
mod schema;
mod silence;
mod state;
mod status;
mod watch;

pub use arguments::Arguments;
pub use exit::{Exit, Failed};

use arguments::Verb;
use std::process::ExitCode;

/// Runs a verb and says what went wrong.
pub fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.verb {
        Verb::Init(init) => init::run(&init),
        Verb::Watch(watch) => watch::run(&watch),
        Verb::Replay(replay) => replay::run(&replay),
        Verb::Check(check) => check::run(&check),
        Verb::Rules(rules) => rules::run(&rules),
        Verb::Status(status) => status::run(&status),
        Verb::Notify(notify) => notify::run(&notify),
        Verb::Silence(silence) => silence::run(&silence),
        Verb::Schema(schema) => schema::run(&schema),
        Verb::Completions(completions) => completions::run(&completions),
        Verb::Man(man) => man::run(&man),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failed) => {
            exit::say(&failed.message);
            failed.exit.into()
        }
    }
}
