//! Events and time into certificate states, and those into alerts opened, worsened and closed.
//!
//! The engine is sans-I/O: [`Engine::entry`] and [`Engine::tick`] take an input and give out
//! [`AlertRow`]s; [`Engine::settle`] gives out what a person has to be told; [`Engine::take_rows`]
//! names the state that changed, for the store. It reads no clock. Watch, replay and simulation
//! drive the same code.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod alert;
mod apply;
mod blame;
pub mod case;
mod causes;
pub mod certificate;
mod certificates;
mod deadline;
mod door;
pub mod evidence;
pub mod example;
mod explained;
mod facts;
mod failing;
mod host_clock;
mod incident;
mod instance;
mod judge;
mod link;
pub mod message;
mod on_demand;
mod policy;
mod recovery;
mod reminder;
mod rhythm;
mod settle;
mod silence;
mod state;
mod step;
mod subject;
mod teller;
mod tick;
mod unknown;
mod usual;

pub use alert::AlertRow;
pub use door::{Engine, Notice, Seen};
pub use explained::{Explained, ExplainedSource};
pub use incident::telling;
pub use policy::{Group, Policy};
pub use silence::{Matchers, Silence, SilenceError};
pub use state::{RowChange, StateError};
pub use unknown::Unknowns;
