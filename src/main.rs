//! The `notafter` binary: parse the arguments, run the verb, print its error, exit with its code.

use clap::Parser;
use notafter::command::{Arguments, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    run(Arguments::parse())
}
