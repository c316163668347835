//! Keeps the list of containers, and hands over what their readers bring.

use super::container::{Handed, Reader, Told};
use super::engine::{Container, Engine};
use super::trouble::{self, Trouble};
use super::{DockerPosition, DockerSource, Place};
use crate::source::batch::{Batch, FromSource, Reached};
use crate::source::notice::{Notice, NoticeKind};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// The first pause between two looks at the list while something is amiss, and the longest.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Follows the containers of one source.
pub(super) struct Follower {
    source: DockerSource,
    engine: Engine,
    position: DockerPosition,
    followed: BTreeMap<String, Followed>,
    readers: JoinSet<()>,
    from_readers: mpsc::Sender<(String, Told)>,
    told: mpsc::Receiver<(String, Told)>,
    trouble: Option<Trouble>,
    /// When the list is looked at next, and the pause before that.
    look_at: Instant,
    pause: Duration,
    ready: VecDeque<FromSource>,
}

struct Followed {
    leave: watch::Sender<bool>,
    caught_up: bool,
}

impl Follower {
    /// A follower that has to be asked for [`Self::next`] on a runtime.
    pub(super) fn new(source: DockerSource, resume: DockerPosition) -> Self {
        // A reader waits until what it handed over was taken.
        let (from_readers, told) = mpsc::channel(1);
        Self {
            engine: Engine::new(source.address.clone()),
            source,
            position: resume,
            followed: BTreeMap::new(),
            readers: JoinSet::new(),
            from_readers,
            told,
            trouble: None,
            look_at: Instant::now(),
            pause: PAUSE,
            ready: VecDeque::new(),
        }
    }

    /// Goes on with the containers that were read before.
    pub(super) fn resume(&mut self) {
        let ids: Vec<_> = self.position.containers.keys().cloned().collect();
        for id in ids {
            self.start(id);
        }
    }

    /// The next thing to hand over.
    pub(super) async fn next(&mut self) -> FromSource {
        loop {
            if let Some(said) = self.ready.pop_front() {
                return said;
            }
            tokio::select! {
                Some((id, told)) = self.told.recv() => self.take(&id, told),
                () = sleep_until(self.look_at) => {
                    self.look().await;
                    let is_well = self.trouble.is_none();
                    self.pause = if is_well { PAUSE_MAX } else { (self.pause * 2).min(PAUSE_MAX) };
                    self.look_at = Instant::now() + self.pause;
                }
            }
        }
    }

    /// Something has changed: what was well is looked at now.
    fn look_soon(&mut self) {
        if self.trouble.is_none() {
            self.pause = PAUSE;
            self.look_at = Instant::now();
        }
    }

    /// Looks at the list: starts reading what is new, and leaves what is no longer on it.
    async fn look(&mut self) {
        let listed = match self.engine.list(Some(&self.source.selector)).await {
            Ok(listed) => listed,
            Err(fault) => {
                let (trouble, notice) = trouble::of_engine(&self.source, &fault);
                return self.enter(trouble, notice);
            }
        };
        let mut leaves = false;
        for (id, followed) in &self.followed {
            if !listed.iter().any(|container| container.id == *id) {
                followed.leave.send_replace(true);
                leaves = true;
            }
        }
        // What was there before comes first.
        let new = listed.iter().filter(|_| !leaves);
        let new: Vec<&Container> = new
            .filter(|container| !self.followed.contains_key(&container.id))
            .collect();
        for container in &new {
            self.start(container.id.clone());
        }
        if self.followed.is_empty() {
            let notice = trouble::no_container(&self.source);
            return self.enter(Trouble::NoContainer, notice);
        }
        self.recover();
    }

    fn start(&mut self, id: String) {
        let since = self.position.since;
        let new = Place {
            since,
            ..Place::default()
        };
        let place = self.position.containers.entry(id.clone()).or_insert(new);
        let (leave, leaves) = watch::channel(false);
        let reader = Reader::new(
            id.clone(),
            self.source.clone(),
            place.clone(),
            self.from_readers.clone(),
            leaves,
        );
        self.readers.spawn(reader.run());
        let caught_up = false;
        self.followed.insert(id, Followed { leave, caught_up });
    }

    fn take(&mut self, id: &str, told: Told) {
        match told {
            Told::Lines(handed) => self.hand_over(id, handed),
            Told::Said(notice) => self.ready.push_back(FromSource::Said(notice)),
            Told::Look => {
                // It reads to the end again before it follows.
                if let Some(followed) = self.followed.get_mut(id) {
                    followed.caught_up = false;
                }
                self.look_soon();
            }
            Told::Over => {
                self.followed.remove(id);
                self.position.containers.remove(id);
                // The end of one that has ended: its place is no longer needed.
                while self.readers.try_join_next().is_some() {}
                self.send(self.nothing());
                self.look_soon();
            }
        }
    }

    fn hand_over(&mut self, id: &str, handed: Handed) {
        if let Some(followed) = self.followed.get_mut(id) {
            followed.caught_up |= handed.caught_up;
        }
        self.position
            .containers
            .insert(id.to_owned(), handed.place.clone());
        self.send(handed);
    }

    fn send(&mut self, handed: Handed) {
        let all = self.followed.values().all(|followed| followed.caught_up);
        self.ready.push_back(FromSource::Lines(Batch {
            source: Arc::clone(&self.source.name),
            file: handed.file,
            lines: handed.lines,
            counts: handed.counts,
            rejected_until: handed.rejected_until,
            position: Reached::Docker(self.position.clone()),
            caught_up: handed.caught_up && all,
        }));
    }

    fn enter(&mut self, trouble: Trouble, notice: Notice) {
        if self.trouble == Some(trouble) {
            return;
        }
        self.trouble = Some(trouble);
        self.ready.push_back(FromSource::Said(notice));
    }

    fn recover(&mut self) {
        if self.trouble.take().is_none() {
            return;
        }
        let text = format!("{} can be reached", self.source.selector.in_words());
        let source = &self.source;
        let notice = trouble::notice(source, NoticeKind::Recovered, text, None);
        self.ready.push_back(FromSource::Said(notice));
        self.send(self.nothing());
    }

    fn nothing(&self) -> Handed {
        let file = format!("docker:{}", self.source.selector.shown());
        Handed::nothing(file.into())
    }
}
