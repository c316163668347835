//! Files, the journal, containers and standard input into lines: following, rotation, archives.
//!
//! ```text
//! follow   a live log and its rotated set -> batches of lines with positions   file, tail
//! follow   a unit of the systemd journal           -> the same                      journal
//! follow   containers of a Docker Engine           -> the same                      docker
//! replay   archives, directories, `-`     -> lines                             archive
//! ```
//!
//! Both use [`texts::Texts`], which drops the lines that cannot concern a certificate by their head, and
//! puts together what came in pieces.
//! Following runs on plain threads; whoever wants tokio bridges in the closure given to
//! [`kind::Source::follow`].

pub mod archive;
pub mod batch;
mod buffer;
pub mod docker;
pub mod error;
pub mod file;
pub mod journal;
pub mod kind;
pub mod line;
pub mod notice;
mod onward;
pub mod position;
mod reading;
pub mod rotation;
pub mod stream;
mod tail;
#[cfg(test)]
mod tail_model;
#[cfg(test)]
mod tail_test;
pub mod texts;
mod unpack;
pub mod wake;
