//! Events and time into certificate states, and those into alerts opened, worsened and closed.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod message;
