//! The listener and its thread: bounded connections, each bounded in size and time.

use crate::serve::answer::Desk;
use crate::serve::pulse::Pulse;
use crate::serve::snapshot::Snapshot;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// Connections at one time; others wait in the system's queue.
const CONNECTIONS_MAX: usize = 32;
/// Bytes of request line and headers, and how many headers.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// How long a request may take to come in.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a connection may take in all: the request, the loop's answer, and the page on its way.
const CONNECTION: Duration = Duration::from_secs(15);
/// Accepting fails when descriptors run out, which passes.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Somebody wants to know how things stand.
#[derive(Debug)]
pub struct Question(pub(super) oneshot::Sender<Snapshot>);

impl Question {
    /// Answers it; the snapshot is not taken if nobody waits for it any more.
    pub fn answer(self, snapshot: impl FnOnce() -> Snapshot) {
        if !self.0.is_closed() {
            // Gone in this very moment is no different from gone before.
            drop(self.0.send(snapshot()));
        }
    }
}

/// A running server. Dropping it closes the address and every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    questions: mpsc::Receiver<Question>,
    pulse: Pulse,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves on a thread of its own.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (ask, questions) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let pulse = Pulse::new(Instant::now());
        let desk = Arc::new(Desk::new(ask, pulse.clone()));
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, &desk) => {}
                    // Also when the sender was dropped.
                    _ = stopped => {}
                }
            });
        };
        let thread = thread::Builder::new()
            .name("serve".to_owned())
            .spawn(serve)?;
        Ok(Self {
            address,
            questions,
            pulse,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens; the port is the one that was given out, where any was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The loop has turned.
    pub fn beat(&self) {
        self.pulse.beat(Instant::now());
    }

    /// The next question; `None` when the server has ended. Nothing is lost when the future is
    /// dropped.
    pub async fn next(&mut self) -> Option<Question> {
        self.questions.recv().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Waited for, so that the same port can be bound again at once. A panic of that thread has
        // been shown by then.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn accept(listener: TcpListener, desk: &Arc<Desk>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(desk);
                tokio::spawn(async move {
                    converse(stream, desk).await;
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_AGAIN).await,
        }
    }
}

/// One request and its response. What goes wrong here is the client's affair.
async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let desk = Arc::clone(&desk);
        async move {
            let response = desk.answer(request.method(), request.uri().path()).await;
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    drop(timeout(CONNECTION, connection).await);
}
