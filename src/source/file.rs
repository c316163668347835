//! A live log file into batches, until told to stop.

use crate::source::batch::{FromSource, Stopped};
use crate::source::notice::NoticeKind;
use crate::source::position::Position;
use crate::source::tail::Tail;
use crate::source::wake::{Stop, Wake, is_denied};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often we look without being told to: network file systems tell nothing.
const UNTOLD: Duration = Duration::from_secs(10);
/// The least time between two looks: a busy writer is read in strides, a quiet one at once.
const STRIDE: Duration = Duration::from_micros(500);

/// A log file to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource {
    /// Name of the source.
    pub name: Arc<str>,
    /// Path of the live file.
    pub path: PathBuf,
}

/// Follows a log on the calling thread until `stop` is asked for or `to` answers [`Stopped`].
///
/// Without a position the rotated set is read first, oldest member first; with one, everything behind
/// it, wherever it is by now. Faults are said and waited out.
pub fn follow(
    source: FileSource,
    resume: Option<Position>,
    stop: &Stop,
    mut to: impl FnMut(FromSource) -> Result<(), Stopped> + Send,
) {
    let mut wake = Wake::new(&source.path, stop);
    let mut tail = Tail::new(source, resume, stop.clone());
    let mut is_told = true;
    while !stop.is_stopped() {
        // Watching first: what is written during the look then rings the bell.
        let armed = wake.arm();
        if let (Err(error), true) = (&armed, is_told) {
            let text = format!("changes of the log are not told ({error}); looking every 10 s");
            // A log that may not be read is said by the look itself.
            let remedy = (!is_denied(error))
                .then(|| "Raise fs.inotify.max_user_instances or max_user_watches.".to_owned());
            if tail
                .say(NoticeKind::Polling, text, remedy, &mut to)
                .is_err()
            {
                return;
            }
        }
        is_told = armed.is_ok();
        let began = Instant::now();
        if tail.look(&mut to).is_err() {
            return;
        }
        let _told = wake.wait(UNTOLD);
        std::thread::sleep(STRIDE.saturating_sub(began.elapsed()));
    }
}
