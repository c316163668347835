//! File system events and the wish to stop into one thing to wait for.

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Asks followers to stop; clones ask the same followers.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    stopped: bool,
    bells: Vec<Bell>,
}

struct Bell(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Bell {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Bell")
    }
}

impl Stop {
    /// A stop that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every follower that was given a clone, now and later.
    pub fn stop(&self) {
        let bells = {
            let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            asked.stopped = true;
            std::mem::take(&mut asked.bells)
        };
        for Bell(ring) in bells {
            ring();
        }
    }

    /// Whether somebody has asked.
    pub fn is_stopped(&self) -> bool {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.stopped
    }

    /// Rings this bell when somebody asks, or has asked.
    pub(super) fn tell(&self, bell: SyncSender<()>) {
        self.on_stop(move || {
            // Full means that the follower is about to wake up anyway.
            let _rung = bell.try_send(());
        });
    }

    /// Calls this once when somebody asks, or at once when somebody has asked.
    pub(super) fn on_stop(&self, ring: impl FnOnce() + Send + 'static) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.stopped {
            drop(asked);
            ring();
        } else {
            asked.bells.push(Bell(Box::new(ring)));
        }
    }
}

/// Wakes a follower when something happens to its log.
pub(super) struct Wake {
    live: PathBuf,
    bell: SyncSender<()>,
    rung: Receiver<()>,
    watch: Option<Watch>,
}

struct Watch {
    directories: Vec<PathBuf>,
    /// A directory was removed or renamed: one of the same name may be there, but tells us nothing.
    stale: Arc<AtomicBool>,
    /// Dropping it ends the watch.
    _watcher: RecommendedWatcher,
}

impl Wake {
    pub(super) fn new(live: &Path, stop: &Stop) -> Self {
        // One waiting ring is as good as many.
        let (bell, rung) = sync_channel(1);
        stop.tell(bell.clone());
        Self {
            live: live.to_path_buf(),
            bell,
            rung,
            watch: None,
        }
    }

    /// Watches the directory of the log, and that of the file behind it if it is a symbolic link.
    /// Does nothing while this is done already.
    pub(super) fn arm(&mut self) -> Result<(), notify::Error> {
        let mut files = vec![self.live.clone()];
        files.extend(std::fs::canonicalize(&self.live));
        let mut directories: Vec<PathBuf> = Vec::new();
        for directory in files.iter().filter_map(|file| directory(file)) {
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        if directories.is_empty() {
            // Not there, or not any more: what was watched is gone.
            self.watch = None;
            return Ok(());
        }
        if let Some(watch) = &self.watch
            && watch.directories == directories
            && !watch.stale.load(Ordering::Acquire)
        {
            return Ok(());
        }
        self.watch = None;
        let stems: Vec<OsString> = files
            .iter()
            .filter_map(|file| file.file_stem().map(OsString::from))
            .collect();
        let (bell, ours) = (self.bell.clone(), directories.clone());
        let stale = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&stale);
        let on_event = move |event: notify::Result<Event>| {
            let Ok(event) = event else {
                let _rung = bell.try_send(());
                return;
            };
            if ends_watch(&event, &ours) {
                gone.store(true, Ordering::Release);
            }
            if concerns(&event, &stems, &ours) {
                // Full means that the follower is about to wake up anyway.
                let _rung = bell.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(on_event)?;
        for directory in &directories {
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
        }
        self.watch = Some(Watch {
            directories,
            stale,
            _watcher: watcher,
        });
        Ok(())
    }

    /// Waits for the next event, or for `longest`.
    pub(super) fn wait(&self, longest: Duration) {
        // A timeout is an event too: time to look anyway.
        let _rung = self.rung.recv_timeout(longest);
    }
}

fn ends_watch(event: &Event, directories: &[PathBuf]) -> bool {
    let removed = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    removed && event.paths.iter().any(|path| directories.contains(path))
}

fn directory(file: &Path) -> Option<PathBuf> {
    let parent = match file.parent()? {
        parent if parent.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    };
    std::fs::canonicalize(parent).ok()
}

/// Whether an event is about the log or a member of its set. Reading is not worth a look, our own
/// least of all.
fn concerns(event: &Event, stems: &[OsString], directories: &[PathBuf]) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.paths.is_empty()
        || event.paths.iter().any(|path| {
            let name = path.file_name().unwrap_or_default().as_bytes();
            let is_ours = stems.iter().any(|stem| name.starts_with(stem.as_bytes()));
            is_ours || directories.contains(path)
        })
}
