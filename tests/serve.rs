//! Metrics and health: what is on the pages, and that a server bears any client.

#[cfg(test)]
#[path = "serve/client.rs"]
mod client;
#[cfg(test)]
#[path = "serve/page.rs"]
mod page;
#[cfg(test)]
#[path = "serve/server.rs"]
mod server;
#[cfg(test)]
#[path = "serve/watch.rs"]
mod watch;
