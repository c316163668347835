//! The HTTP server of the watcher, where one is wanted.

use crate::command::exit::say;
use crate::serve::{Question, Server};
use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How often the loop turns at least while it is asked whether it does, and how soon an address
/// that could not be bound is tried again.
const BEAT_EVERY: Duration = Duration::from_secs(30);

/// The server, and what it should be. An address that cannot be bound keeps nobody from watching:
/// it may be one that comes up later.
pub(super) struct Desk {
    wanted: Option<SocketAddr>,
    server: Option<Server>,
    tried: Option<Instant>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            wanted: None,
            server: None,
            tried: None,
        }
    }

    /// Serves here from now on, and nowhere else.
    pub(super) fn listen(&mut self, wanted: Option<SocketAddr>) {
        if wanted == self.wanted {
            return;
        }
        if let Some(old) = self.server.take() {
            say(&format!("no longer serving at http://{}", old.address()));
        }
        self.wanted = wanted;
        self.tried = None;
        self.open();
    }

    fn open(&mut self) {
        let Some(address) = self.wanted.filter(|_| self.server.is_none()) else {
            return;
        };
        let first = self.tried.replace(Instant::now()).is_none();
        match Server::start(address) {
            Ok(server) => {
                let at = server.address();
                say(&format!("serving http://{at}/metrics and /healthz"));
                self.server = Some(server);
            }
            Err(error) if first => {
                let help = match error.kind() {
                    ErrorKind::AddrInUse => {
                        "\nhelp: `ss -ltnp` shows who has the port; choose another in `[serve] listen`"
                    }
                    _ => "",
                };
                say(&format!(
                    "error: nothing can be served at {address}: {error}; watching goes on, and it is tried again every {} s{help}",
                    BEAT_EVERY.as_secs()
                ));
            }
            Err(_) => {}
        }
    }

    /// The loop has turned.
    pub(super) fn beat(&mut self) {
        if let Some(server) = &self.server {
            server.beat();
        } else if self
            .tried
            .is_some_and(|tried| tried.elapsed() >= BEAT_EVERY)
        {
            self.open();
        }
    }

    /// How often the loop has to turn for it, if at all.
    pub(super) fn beat_every(&self) -> Option<Duration> {
        self.wanted.map(|_| BEAT_EVERY)
    }

    /// The next question. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Question {
        let Some(server) = &mut self.server else {
            return pending().await;
        };
        if let Some(question) = server.next().await {
            return question;
        }
        // Its thread is gone; a later turn starts another.
        self.server = None;
        pending().await
    }
}
