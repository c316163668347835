//! What the engine saw, as text and as JSON Lines.
//!
//! [`json`] is the stable contract for programs, which [`schema`] describes; [`text`] reads like a story; [`explain`] says what
//! was understood of pasted lines and why rules did or did not open; [`junit`] is for
//! those who run tests; [`rule`] shows rules.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod explain;
pub mod json;
pub mod junit;
pub mod rule;
pub mod schema;
mod tally;
pub mod text;

pub use tally::{Tally, Unreadables};
