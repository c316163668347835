//! One log line into what it means for a certificate: line -> entry -> event.
//!
//! [`transport`] takes off what Docker, Kubernetes or the journal put around it, [`join`] puts pieces
//! together; [`head`] drops access and proxy lines before any parsing; [`entry`] decodes the rest, whether
//! [`object`], [`console`] line or what [`salvage`] finds of them; [`layout`] tells its keys, where
//! [`autosave`] does not;
//! [`vocabulary`] is the one table of what Caddy says; [`event`] puts names, expiry, failure and
//! next attempt together; [`backoff`] knows when certmagic tries again.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod ansi;
pub mod autosave;
pub mod backoff;
mod balance;
pub mod ca;
pub mod cause;
pub mod classify;
pub mod console;
pub mod duration;
pub mod entry;
pub mod event;
pub mod failure;
pub mod head;
pub mod join;
pub mod layout;
pub mod name;
pub mod object;
pub mod pasted;
pub mod printed;
pub mod remedy;
pub mod salvage;
pub mod stamp;
pub mod transport;
pub mod vocabulary;
