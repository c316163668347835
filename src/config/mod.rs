//! TOML text into settings, or diagnostics with `file:line:column`.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]
