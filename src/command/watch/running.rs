//! The sources that are followed, each on a thread of its own, and the queue they fill.

use crate::source::batch::{FromSource, Reached, Stopped};
use crate::source::kind::Source;
use crate::source::wake::Stop;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use tokio::sync::mpsc;

/// Batches that may wait between the sources and the engine; a full queue stops the reading.
const BATCHES_MAX: usize = 8;

/// What the queue gives out.
pub(super) enum Heard {
    /// Something of a source that is followed.
    Source(FromSource),
    /// A source has ended, as standard input does; or it panicked.
    Ended {
        /// Its name.
        name: Arc<str>,
        /// It did not end by itself.
        panicked: bool,
    },
    /// Nothing: the source is not followed any more, or every source has ended.
    Nobody,
}

/// The sources that are followed.
pub(super) struct Running {
    followed: BTreeMap<Arc<str>, Followed>,
    /// Tells a source from an earlier one of the same name, whose last batches may still be queued.
    generation: u64,
    to: mpsc::Sender<(u64, Said)>,
    queue: mpsc::Receiver<(u64, Said)>,
}

enum Said {
    Something(FromSource),
    Ended { panicked: bool },
}

/// Says that a source has ended, however it did.
struct Farewell {
    generation: u64,
    to: mpsc::Sender<(u64, Said)>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let panicked = thread::panicking();
        // Nobody left to tell is no reason to complain at the end.
        let _unheard = self
            .to
            .blocking_send((self.generation, Said::Ended { panicked }));
    }
}

struct Followed {
    source: Source,
    generation: u64,
    stop: Stop,
}

impl Running {
    pub(super) fn new() -> Self {
        let (to, queue) = mpsc::channel(BATCHES_MAX);
        Self {
            followed: BTreeMap::new(),
            generation: 0,
            to,
            queue,
        }
    }

    /// Follows a source on a thread of its own.
    pub(super) fn start(&mut self, source: Source, resume: Option<Reached>) {
        self.generation += 1;
        let (generation, to, stop) = (self.generation, self.to.clone(), Stop::new());
        let followed = Followed {
            source: source.clone(),
            generation,
            stop: stop.clone(),
        };
        self.followed.insert(Arc::clone(source.name()), followed);
        thread::spawn(move || {
            let hand_over = |from| {
                let said = (generation, Said::Something(from));
                to.blocking_send(said).map_err(|_| Stopped)
            };
            let _farewell = Farewell {
                generation,
                to: to.clone(),
            };
            source.follow(resume, &stop, hand_over);
        });
    }

    /// The next that a source says. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Heard {
        let Some((generation, said)) = self.queue.recv().await else {
            return Heard::Nobody;
        };
        let current = |one: &Followed| one.generation == generation;
        match said {
            Said::Something(from) if self.followed.values().any(current) => Heard::Source(from),
            Said::Something(_) => Heard::Nobody,
            Said::Ended { panicked } => {
                let ended = self.followed.values().find(|one| current(one));
                let Some(name) = ended.map(|one| Arc::clone(one.source.name())) else {
                    return Heard::Nobody;
                };
                self.followed.remove(&name);
                Heard::Ended { name, panicked }
            }
        }
    }

    /// Whether every source has ended, as standard input does.
    pub(super) fn is_over(&self) -> bool {
        self.followed.is_empty()
    }

    /// The names of the sources that are followed.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.followed.keys()
    }

    /// Whether a source of this name is followed.
    pub(super) fn has(&self, name: &str) -> bool {
        self.followed.contains_key(name)
    }

    /// Stops the sources that are not among these, or not the same, and gives out their names.
    pub(super) fn stop_others(&mut self, wanted: &[Source]) -> Vec<Arc<str>> {
        let gone: Vec<Arc<str>> = self
            .followed
            .values()
            .filter(|one| !wanted.contains(&one.source))
            .map(|one| Arc::clone(one.source.name()))
            .collect();
        for name in &gone {
            if let Some(one) = self.followed.remove(name) {
                one.stop.stop();
            }
        }
        gone
    }

    /// Stops every source.
    pub(super) fn stop_all(&mut self) {
        self.stop_others(&[]);
    }
}
