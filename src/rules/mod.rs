//! Rule files into checked rules: what opens an alert, how loud, when it closes, what it says.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

mod severity;

pub use severity::Severity;
