//! `notafter schema`: what editors have to know of the files that people write, and programs of the rows they read.

use crate::command::arguments::{Described, SchemaArguments};
use crate::command::exit::{Exit, Failed, print};
use crate::command::loading::load_rules;
use crate::config;
use crate::report;
use crate::rules;

/// Prints one schema.
pub(super) fn run(arguments: &SchemaArguments) -> Result<Exit, Failed> {
    let schema = match arguments.of {
        Described::Rule => rules::schema::schema(),
        Described::Test => rules::schema::tests(),
        Described::Replay => report::schema::schema(),
        Described::Config => {
            let rules = load_rules(arguments.rules.directory.as_deref())?;
            config::schema::schema(&rules)
        }
    };
    print(&format!("{schema:#}\n"))?;
    Ok(Exit::Fine)
}
