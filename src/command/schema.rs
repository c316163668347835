//! `notafter schema`: what an editor has to know of the files that people write.

use crate::command::arguments::{Described, SchemaArguments};
use crate::command::exit::{Exit, Failed, print};
use crate::command::loading::load_rules;
use crate::config;
use crate::rules;

/// Prints one schema.
pub(super) fn run(arguments: &SchemaArguments) -> Result<Exit, Failed> {
    let schema = match arguments.of {
        Described::Rule => rules::schema::schema(),
        Described::Test => rules::schema::tests(),
        Described::Config => {
            let rules = load_rules(arguments.rules.directory.as_deref())?;
            config::schema::schema(&rules)
        }
    };
    print(&format!("{schema:#}\n"))?;
    Ok(Exit::Fine)
}
