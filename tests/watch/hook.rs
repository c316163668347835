//! A webhook on loopback that keeps what it was sent.

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server that lives as long as the test process.
pub(crate) struct Hook {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Value>>,
    refuses: AtomicBool,
}

impl Hook {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(&stream, &kept));
            }
        });
        Self { url, shared }
    }

    /// Whether to answer 503 from now on.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Every delivery so far.
    fn deliveries(&self) -> Vec<Value> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// What was taken so far, as a receiver sees it that drops an id which it has seen: a process
    /// that is killed between a delivery and its note of it delivers once more.
    pub(crate) fn taken(&self) -> Vec<Value> {
        let mut seen = BTreeSet::new();
        let mut taken = self.deliveries();
        taken.retain(|message| seen.insert(message["id"].as_str().unwrap().to_owned()));
        taken
    }

    /// What was taken that names one certificate, as `status severity`.
    pub(crate) fn heard(&self, name: &str) -> Vec<String> {
        let taken = self.taken();
        let names = |message: &&Value| {
            let mut names = message["certificates"].as_array().unwrap().iter();
            names.any(|one| one == name)
        };
        let about = taken.iter().filter(names);
        about
            .map(|message| {
                let text = |field: &str| message[field].as_str().unwrap().to_owned();
                format!("{} {}", text("status"), text("severity"))
            })
            .collect()
    }

    /// Whether a message carried this alert of a name.
    pub(crate) fn told(&self, rule: &str, name: &str) -> bool {
        let taken = self.taken();
        let mut alerts = taken
            .iter()
            .flat_map(|message| message["alerts"].as_array().unwrap());
        alerts.any(|alert| alert["rule"] == rule && alert["certificate"] == name)
    }

    /// Whether the last message says that all is well.
    pub(crate) fn is_over(&self) -> bool {
        self.taken()
            .last()
            .is_some_and(|last| last["status"] == "resolved")
    }

    /// Fails if a message came twice.
    pub(crate) fn expect_no_message_twice(&self) {
        let deliveries = self.deliveries();
        assert_eq!(self.taken().len(), deliveries.len(), "{deliveries:#?}");
    }
}

/// One connection: requests until it closes.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            let lower = line.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        if line.is_empty() {
            return None;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let refuses = shared.refuses.load(Ordering::SeqCst);
        if !refuses {
            let message = serde_json::from_slice(&body).ok()?;
            shared.taken.lock().ok()?.push(message);
        }
        let status = if refuses {
            "503 Service Unavailable"
        } else {
            "200 OK"
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        (&*stream).write_all(answer.as_bytes()).ok()?;
    }
}
