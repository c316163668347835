//! The outbox into channels: ntfy, Matrix and webhooks, with retry and back-off.
//!
//! [`Courier`] takes each debt of the store to its [`Channel`] and gives out, after every try, an
//! [`Outcome`] for the store to record. A try ([`Sender`]) is a request (`ntfy`, `webhook`) or a few
//! (`matrix`), the reply becomes an [`Answer`], and an answer that is not final becomes a delay
//! ([`Backoff`]).
//!
//! The way out must not die of the fault it reports, so the [`Client`] remembers the addresses of
//! every channel and uses them when the system's resolver fails or hangs.

mod answer;
mod backoff;
mod channel;
mod client;
mod courier;
mod matrix;
mod newest;
mod ntfy;
mod resolver;
mod secret;
mod sender;
mod webhook;

pub use answer::Answer;
pub use backoff::Backoff;
pub use channel::{Channel, ChannelError, Kind};
pub use client::{Client, ClientError, Timeouts};
pub use courier::{CAPACITY, Courier, Outcome, Owed};
pub use secret::Secret;
pub use sender::Sender;
