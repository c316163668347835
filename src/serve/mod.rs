//! What the watcher knows over HTTP: `GET /metrics` for Prometheus, `GET /healthz` for whoever
//! restarts things. Off unless an address is configured.
//!
//! The server runs on a thread of its own and owns no state. For a page it sends the loop a
//! [`Question`]; the loop answers with a [`Snapshot`] when it comes round, and the page is written
//! here. However many ask, the loop is asked at most once a second, so it cannot be slowed; and
//! when it hangs, the server can still say so.

mod answer;
mod metrics;
mod pulse;
mod server;
mod snapshot;

pub use metrics::page;
pub use server::{Question, Server};
pub use snapshot::{CERTIFICATES_MAX, InstanceRow, Snapshot};
