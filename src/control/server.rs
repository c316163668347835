//! The listening end: bounded in bytes, in time and in connections, so that nobody can slow the loop.

use super::{Reply, Request};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longest request, in bytes.
const REQUEST_BYTES: u64 = 16 * 1024;

/// A connection that says nothing, or takes nothing, is closed after this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections at one time; others wait.
const CONNECTIONS: usize = 8;

/// A request, and the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    back: oneshot::Sender<Reply>,
}

impl Asked {
    /// Replies. That nobody waits any more is no error.
    pub fn reply(self, reply: Reply) {
        drop(self.back.send(reply));
    }
}

/// The socket, until it is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    asked: mpsc::Receiver<Asked>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens at a path, in place of whatever is there: whoever holds the state is the only watch.
    /// Needs a tokio runtime.
    pub fn bind(path: &Path) -> io::Result<Self> {
        // Under its own name only once nobody else may open it.
        let new = path.with_extension("new");
        for old in [&new, &path.to_owned()] {
            match fs::remove_file(old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        fs::rename(&new, path)?;
        let (ask, asked) = mpsc::channel(CONNECTIONS);
        let task = tokio::spawn(listen(listener, ask));
        Ok(Self {
            path: path.to_owned(),
            asked,
            task,
        })
    }

    /// The next request. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Asked> {
        self.asked.recv().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // A file that is left over is replaced by the next watch.
        fs::remove_file(&self.path).ok();
    }
}

async fn listen(listener: UnixListener, ask: mpsc::Sender<Asked>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ask = ask.clone();
                drop(tokio::spawn(async move {
                    // Whoever breaks off has lost nothing but the reply.
                    drop(timeout(PATIENCE * 2, serve(stream, ask)).await);
                    drop(seat);
                }));
            }
            // Out of descriptors, say.
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
    }
}

async fn serve(stream: UnixStream, ask: mpsc::Sender<Asked>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut read = BufReader::new(read.take(REQUEST_BYTES));
    let reply = match timeout(PATIENCE, read.read_until(b'\n', &mut line)).await {
        Err(_) => refused("no request came"),
        Ok(Err(error)) => return Err(error),
        Ok(Ok(_)) => match serde_json::from_slice(&line) {
            Err(error) => refused(&format!("the request cannot be read: {error}")),
            Ok(request) => pass_on(request, &ask).await,
        },
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await?;
    write.shutdown().await
}

async fn pass_on(request: Request, ask: &mpsc::Sender<Asked>) -> Reply {
    let (back, reply) = oneshot::channel();
    let gone = || refused("the watch is ending");
    if ask.send(Asked { request, back }).await.is_err() {
        return gone();
    }
    reply.await.unwrap_or_else(|_| gone())
}

fn refused(message: &str) -> Reply {
    Reply::Refused {
        message: message.to_owned(),
    }
}
