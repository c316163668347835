//! notafter watches the structured logs of Caddy (and anything built on certmagic), knows for every
//! certificate when it expires and when the next renewal attempt comes, and tells a person while
//! there is still time. It replays archived logs with the same code.
//!
//! Data walks through the rooms in this order:
//!
//! ```text
//! source -> caddy -> engine -> store -> notify      watch
//! source -> caddy -> engine -> report               replay
//! ```
//!
//! `caddy`, `rules`, `engine`, `report` and `config` are pure: no clock, file, socket, environment
//! or randomness; time is an argument. `tests/tidy.rs` holds them to it.

pub mod caddy;
pub mod command;
pub mod config;
pub mod control;
pub mod diagnostic;
pub mod document;
pub mod engine;
pub mod matrix_room;
pub mod notify;
pub mod report;
pub mod rules;
pub mod serve;
pub mod source;
pub mod store;
pub mod time;
