//! File system events and the wish to stop into one thing to wait for.

use crate::source::position::Inode;
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsString;
use std::fmt;
use std::io;
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
    places: Vec<Watched>,
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
        let places = watched(&self.live);
        if let Some(watch) = &self.watch
            && watch.places == places
            && !watch.stale.load(Ordering::Acquire)
        {
            return Ok(());
        }
        self.watch = None;
        let stale = Arc::new(AtomicBool::new(false));
        let mut watcher = self.watcher(places.clone(), Arc::clone(&stale))?;
        for place in &places {
            match watcher.watch(&place.directory, RecursiveMode::NonRecursive) {
                // It was there a moment ago; the next look says what is there now.
                Err(error) if is_not_found(&error) => stale.store(true, Ordering::Release),
                other => other?,
            }
        }
        // What appeared before the watch began has rung no bell.
        if stale.load(Ordering::Acquire) || watched(&self.live) != places {
            ring(&self.bell);
        }
        self.watch = Some(Watch {
            places,
            stale,
            _watcher: watcher,
        });
        Ok(())
    }

    fn watcher(
        &self,
        places: Vec<Watched>,
        stale: Arc<AtomicBool>,
    ) -> notify::Result<RecommendedWatcher> {
        let bell = self.bell.clone();
        notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else {
                ring(&bell);
                return;
            };
            if ends_watch(&event, &places) {
                stale.store(true, Ordering::Release);
            }
            if concerns(&event, &places) {
                ring(&bell);
            }
        })
    }

    /// Waits for the next event, or for `longest`; tells whether there was one.
    pub(super) fn wait(&self, longest: Duration) -> bool {
        self.rung.recv_timeout(longest).is_ok()
    }
}

fn ring(bell: &SyncSender<()>) {
    // Full means that the follower is about to wake up anyway.
    let _rung = bell.try_send(());
}

fn is_not_found(error: &notify::Error) -> bool {
    matches!(error.kind, notify::ErrorKind::PathNotFound) || is_io(error, io::ErrorKind::NotFound)
}

/// Whether we may not look into a directory.
pub(super) fn is_denied(error: &notify::Error) -> bool {
    is_io(error, io::ErrorKind::PermissionDenied)
}

fn is_io(error: &notify::Error, kind: io::ErrorKind) -> bool {
    matches!(&error.kind, notify::ErrorKind::Io(error) if error.kind() == kind)
}

/// A directory, and how the names in it begin that we wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Watched {
    directory: PathBuf,
    /// Its removal is told only when nobody holds a file open that was in it, which we may do. But
    /// then no other directory can have its inode.
    inode: Inode,
    stem: OsString,
}

/// What to watch for a log: its directory, or the next one above that exists.
fn watched(live: &Path) -> Vec<Watched> {
    let mut places = Vec::new();
    for file in [Some(live.to_path_buf()), std::fs::canonicalize(live).ok()] {
        let place = file.as_deref().and_then(watched_for);
        places.extend(place.filter(|place| !places.contains(place)));
    }
    places
}

fn watched_for(file: &Path) -> Option<Watched> {
    let mut stem = file.file_stem()?;
    let mut child = file;
    loop {
        let parent = match child.parent()? {
            parent if parent.as_os_str().is_empty() => Path::new("."),
            parent => parent,
        };
        if let Ok(directory) = std::fs::canonicalize(parent)
            && let Ok(metadata) = std::fs::metadata(&directory)
        {
            return Some(Watched {
                directory,
                inode: Inode::of(&metadata),
                stem: stem.to_owned(),
            });
        }
        stem = parent.file_name()?;
        child = parent;
    }
}

fn ends_watch(event: &Event, places: &[Watched]) -> bool {
    let removed = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    let is_watched = |path: &PathBuf| places.iter().any(|place| place.directory == *path);
    removed && event.paths.iter().any(is_watched)
}

/// Whether an event is about the log or a member of its set. Reading is not worth a look, our own
/// least of all.
fn concerns(event: &Event, places: &[Watched]) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_bytes();
        places
            .iter()
            .any(|place| name.starts_with(place.stem.as_bytes()) || place.directory == *path)
    };
    event.paths.is_empty() || event.paths.iter().any(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    const SOON: Duration = Duration::from_secs(5);
    const QUIET: Duration = Duration::from_millis(50);

    #[test]
    fn only_the_log_and_its_set_ring() {
        let room = tempfile::tempdir().unwrap();
        let mut wake = Wake::new(&room.path().join("caddy.log"), &Stop::new());
        wake.arm().unwrap();
        File::create(room.path().join("other.log")).unwrap();
        assert!(!wake.wait(QUIET));
        for name in [
            "caddy.log",
            "caddy.log.1",
            "caddy-2026-11-23T00-00-00.000.log",
        ] {
            File::create(room.path().join(name)).unwrap();
            assert!(wake.wait(SOON), "{name}");
        }
    }

    #[test]
    fn reading_rings_nothing() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("caddy.log");
        fs::write(&path, "a\n").unwrap();
        let mut wake = Wake::new(&path, &Stop::new());
        wake.arm().unwrap();
        fs::read(&path).unwrap();
        assert!(!wake.wait(QUIET));
    }

    #[test]
    fn a_directory_is_awaited_from_above_and_watched_when_it_comes() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("log/caddy/caddy.log");
        let mut wake = Wake::new(&path, &Stop::new());
        wake.arm().unwrap();
        for directory in ["log", "log/caddy"] {
            fs::create_dir(room.path().join(directory)).unwrap();
            assert!(wake.wait(SOON), "{directory}");
            wake.arm().unwrap();
        }
        fs::write(path, "a\n").unwrap();
        assert!(wake.wait(SOON));
    }

    #[test]
    fn a_directory_made_anew_is_watched_anew_even_while_a_file_of_the_old_is_open() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("caddy/caddy.log");
        for held in [false, true] {
            fs::create_dir(room.path().join("caddy")).unwrap();
            let file = File::create(&path).unwrap();
            let held = held.then_some(file);
            let mut wake = Wake::new(&path, &Stop::new());
            wake.arm().unwrap();
            fs::remove_dir_all(room.path().join("caddy")).unwrap();
            fs::create_dir(room.path().join("caddy")).unwrap();
            while wake.wait(QUIET) {}
            wake.arm().unwrap();
            while wake.wait(QUIET) {}
            fs::write(&path, "a\n").unwrap();
            assert!(wake.wait(SOON), "{held:?}");
            drop(held);
            fs::remove_dir_all(room.path().join("caddy")).unwrap();
        }
    }

    #[test]
    fn a_stop_rings_and_stays() {
        let stop = Stop::new();
        let wake = Wake::new(Path::new("caddy.log"), &stop);
        stop.stop();
        assert!(wake.wait(SOON) && stop.is_stopped());
    }

    #[test]
    fn a_link_is_watched_at_both_ends() {
        let room = tempfile::tempdir().unwrap();
        let (here, there) = (room.path().join("here"), room.path().join("there"));
        fs::create_dir(&here).unwrap();
        fs::create_dir(&there).unwrap();
        fs::write(there.join("real.log"), "").unwrap();
        std::os::unix::fs::symlink(there.join("real.log"), here.join("caddy.log")).unwrap();
        let mut wake = Wake::new(&here.join("caddy.log"), &Stop::new());
        wake.arm().unwrap();
        fs::write(there.join("real.log"), "a\n").unwrap();
        assert!(wake.wait(SOON));
    }
}
