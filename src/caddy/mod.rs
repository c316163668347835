//! One log line into what it means for a certificate: line -> entry -> event.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod head;
pub mod stamp;
