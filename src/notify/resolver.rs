//! Host names into addresses, by the system and else from memory.
//!
//! The fault we report is often a resolver that fails or hangs, and it is the one our own
//! messages go through. So each look-up runs on a thread of its own, at most one per host, and
//! when it fails or takes too long the addresses found last are used. An answer that comes too
//! late still counts for the next time. TLS tells us when an old address has a new owner.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long the system may take before memory is asked.
const PATIENCE: Duration = Duration::from_secs(5);

type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;
type Found = Result<Vec<SocketAddr>, String>;

/// The system's resolver, with a memory.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Arc<Lookup>,
    patience: Duration,
    hosts: Arc<Mutex<BTreeMap<String, Host>>>,
}

#[derive(Default)]
struct Host {
    known: Vec<SocketAddr>,
    running: Option<watch::Receiver<Option<Found>>>,
}

impl Resolver {
    pub(super) fn system() -> Self {
        Self::new(PATIENCE, |host| Ok((host, 0).to_socket_addrs()?.collect()))
    }

    fn new(
        patience: Duration,
        lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            lookup: Arc::new(lookup),
            patience,
            hosts: Arc::default(),
        }
    }

    /// Starts a look-up unless one is running, and does not wait for it.
    pub(super) fn begin(&self, host: &str) -> watch::Receiver<Option<Found>> {
        let mut hosts = self.hosts();
        let entry = hosts.entry(host.to_owned()).or_default();
        if let Some(running) = &entry.running {
            return running.clone();
        }
        let (answer, running) = watch::channel(None);
        entry.running = Some(running.clone());
        drop(hosts);
        let (this, name) = (self.clone(), host.to_owned());
        // A thread, not a task: the runtime would wait at its end for a look-up that hangs.
        let started = std::thread::Builder::new()
            .name("resolve".into())
            .spawn(move || {
                let found = this.look_up(&name);
                answer.send_replace(Some(found));
            });
        if started.is_err() {
            self.hosts().entry(host.to_owned()).or_default().running = None;
        }
        running
    }

    fn look_up(&self, host: &str) -> Found {
        let found = match (self.lookup)(host) {
            Ok(addresses) if addresses.is_empty() => Err("it has no address".to_owned()),
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(error.to_string()),
        };
        let mut hosts = self.hosts();
        let entry = hosts.entry(host.to_owned()).or_default();
        entry.running = None;
        if let Ok(addresses) = &found {
            entry.known.clone_from(addresses);
        }
        found
    }

    async fn find(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let mut running = self.begin(host);
        let waited = tokio::time::timeout(self.patience, running.wait_for(Option::is_some)).await;
        let why = match waited.as_ref().map(|answer| answer.as_deref()) {
            Ok(Ok(Some(Ok(addresses)))) => return Ok(addresses.clone()),
            Ok(Ok(Some(Err(why)))) => why.clone(),
            Ok(_) => "the look-up could not be started".to_owned(),
            Err(_) => format!("no answer within {} s", self.patience.as_secs()),
        };
        match self.hosts().get(host) {
            Some(entry) if !entry.known.is_empty() => Ok(entry.known.clone()),
            _ => Err(io::Error::other(format!("cannot resolve {host}: {why}"))),
        }
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let addresses = this.find(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 0))
    }

    #[tokio::test]
    async fn the_last_known_addresses_are_used_when_the_resolver_fails() {
        let calls = AtomicUsize::new(0);
        let resolver = Resolver::new(Duration::from_secs(9), move |_| {
            match calls.fetch_add(1, Ordering::SeqCst) {
                0 | 2 => Err(io::Error::other("SERVFAIL")),
                1 => Ok(vec![address(1)]),
                3 => Ok(Vec::new()),
                _ => Ok(vec![address(2)]),
            }
        });
        let error = resolver.find("h.example").await.unwrap_err();
        assert_eq!(error.to_string(), "cannot resolve h.example: SERVFAIL");
        for expected in [1, 1, 1, 2] {
            let found = resolver.find("h.example").await.unwrap();
            assert_eq!(found, [address(expected)]);
        }
    }

    #[tokio::test]
    async fn a_hanging_resolver_is_not_asked_twice_and_its_late_answer_counts() {
        let (answer, answers) = mpsc::channel::<u8>();
        let answers = Mutex::new(answers);
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let resolver = Resolver::new(Duration::from_millis(50), move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let last = answers.lock().unwrap().recv().map_err(io::Error::other)?;
            Ok(vec![address(last)])
        });
        let error = resolver.find("h.example").await.unwrap_err();
        assert!(error.to_string().contains("no answer within"), "{error}");
        resolver.find("h.example").await.unwrap_err();
        assert_eq!(calls.load(Ordering::SeqCst), 1);

        let mut running = resolver.begin("h.example");
        answer.send(7).unwrap();
        running.wait_for(Option::is_some).await.unwrap();
        assert_eq!(resolver.find("h.example").await.unwrap(), [address(7)]);
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
}
