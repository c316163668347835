//! journalctl as a child that ends when we stop.

use crate::source::wake::Stop;
use std::io::{self, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// What is kept of standard error.
const COMPLAINT_BYTES: u64 = 4 << 10;
/// How long a child whose output has ended may take to end itself.
const ENDING_TAKES: Duration = Duration::from_secs(1);

/// Holds at most one child, and kills it when `stop` is asked for: its output then ends, and with it
/// the reading.
pub(super) struct Leash {
    held: Held,
    stop: Stop,
}

type Held = Arc<Mutex<Option<Child>>>;

/// A child and its output; dropping it kills the child.
pub(super) struct Running {
    pub(super) output: BufReader<ChildStdout>,
    complaints: Receiver<String>,
    held: Held,
}

/// How a child ended.
pub(super) struct Ending {
    /// `None` when we had to kill it.
    pub(super) status: Option<ExitStatus>,
    /// What it said on standard error.
    pub(super) complaints: String,
}

impl Leash {
    pub(super) fn new(stop: &Stop) -> Self {
        let held = Held::default();
        let theirs = Arc::clone(&held);
        stop.on_stop(move || kill(&theirs));
        Self {
            held,
            stop: stop.clone(),
        }
    }

    /// Starts a child; `None` when it is time to stop.
    pub(super) fn start(&self, mut command: Command) -> io::Result<Option<Running>> {
        let mut held = lock(&self.held);
        // Under the lock: a stop from now on finds the child.
        if self.stop.is_stopped() {
            return Ok(None);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let errors = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        *held = Some(child);
        Ok(Some(Running {
            output: BufReader::with_capacity(READ_BYTES, output),
            complaints: listen(errors),
            held: Arc::clone(&self.held),
        }))
    }
}

impl Running {
    /// Waits for a child whose output has ended.
    pub(super) fn finish(self) -> Ending {
        let status = self.wait();
        let complaints = self.complaints.recv_timeout(ENDING_TAKES);
        Ending {
            status,
            complaints: complaints.unwrap_or_default(),
        }
    }

    fn wait(&self) -> Option<ExitStatus> {
        const STEP: Duration = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while waited < ENDING_TAKES {
            let ended = lock(&self.held).as_mut().map(Child::try_wait);
            match ended {
                Some(Ok(None)) => {}
                Some(Ok(status)) => return status,
                Some(Err(_)) | None => return None,
            }
            thread::sleep(STEP);
            waited += STEP;
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(&self.held);
        let child = lock(&self.held).take();
        if let Some(mut child) = child {
            // It was killed or has ended: this only takes it off the list of processes.
            let _status = child.wait();
        }
    }
}

fn kill(held: &Held) {
    if let Some(child) = lock(held).as_mut() {
        // One that has ended cannot be killed, and need not be.
        let _killed = child.kill();
    }
}

fn lock(held: &Held) -> MutexGuard<'_, Option<Child>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads standard error to its end on a thread of its own, so that a child never waits for us there.
fn listen(mut errors: impl Read + Send + 'static) -> Receiver<String> {
    let (to, complaints) = sync_channel(1);
    thread::spawn(move || {
        let mut kept = Vec::new();
        // Half of a complaint is better than none.
        let _read = (&mut errors).take(COMPLAINT_BYTES).read_to_end(&mut kept);
        let _rest = io::copy(&mut errors, &mut io::sink());
        // Nobody may be left to tell.
        let _told = to.send(String::from_utf8_lossy(&kept).into_owned());
    });
    complaints
}
