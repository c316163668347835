//! The command line from the outside: exit codes, and the words that come with them.

#[cfg(test)]
#[path = "cli/explain.rs"]
mod explain;
#[cfg(test)]
#[path = "kit/forged.rs"]
mod forged;
#[cfg(test)]
#[path = "cli/inputs.rs"]
mod inputs;
#[cfg(test)]
#[path = "cli/layout.rs"]
mod layout;
#[cfg(test)]
#[path = "cli/memory.rs"]
mod memory;
#[cfg(test)]
#[path = "cli/names.rs"]
mod names;
#[cfg(test)]
#[path = "kit/program.rs"]
mod program;
#[cfg(test)]
#[path = "kit/random.rs"]
mod random;
#[cfg(test)]
#[path = "kit/rows.rs"]
mod rows;
#[cfg(test)]
#[path = "cli/rule_tests.rs"]
mod rule_tests;
#[cfg(test)]
#[path = "cli/settings.rs"]
mod settings;
#[cfg(test)]
#[path = "kit/stranger.rs"]
mod stranger;
#[cfg(test)]
#[path = "cli/strangers.rs"]
mod strangers;
#[cfg(test)]
#[path = "cli/words.rs"]
mod words;
