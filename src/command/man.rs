//! `notafter man`: the manual, made of the same words as `--help`.

use crate::command::arguments::{Arguments, ManArguments};
use crate::command::exit::{Exit, Failed, print};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// What the arguments alone do not tell, for the page of `notafter` itself.
const MORE: &str = include_str!("man.roff");

/// Prints the main page, or writes it and one page per verb into a directory.
pub(super) fn run(arguments: &ManArguments) -> Result<Exit, Failed> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = &arguments.directory else {
        let mut page = Vec::new();
        main_page(&command, &mut page).map_err(|error| Failed::io("manual", &error))?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Fine);
    };
    write(&command, directory).map_err(|error| Failed::io(directory.display(), &error))?;
    Ok(Exit::Fine)
}

fn write(command: &Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut page = Vec::new();
    main_page(command, &mut page)?;
    fs::write(directory.join("notafter.1"), page)?;
    command
        .get_subcommands()
        .try_for_each(|verb| write_verb(verb, directory))
}

/// The page of a verb, and those of the verbs below it.
fn write_verb(verb: &Command, directory: &Path) -> io::Result<()> {
    Man::new(verb.clone()).generate_to(directory)?;
    verb.get_subcommands()
        .try_for_each(|below| write_verb(below, directory))
}

fn main_page(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_subcommands_section(page)?;
    man.render_options_section(page)?;
    page.write_all(MORE.as_bytes())
}
