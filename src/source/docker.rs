//! The logs of containers into batches, read from Docker's Engine API (or Podman's, which speaks it).
//!
//! Reading goes in rounds of two passes, as with the journal. The first asks for everything there is
//! and ends; the second follows until the container stops. Either begins *at* the line that was read
//! last: `since` takes it along, and seeing it again is how we know that nothing was lost in between.
//!
//! Only GET requests are made, on three paths: `/containers/json`, `/containers/ID/json` and
//! `/containers/ID/logs`. New containers are found by asking for the list again.

mod address;
mod container;
mod engine;
mod follower;
mod frame;
mod join;
mod lines;
mod order;
mod place;
mod trouble;

pub use address::{Address, BadAddress};
pub use engine::Container;
pub use place::{Anchor, Place};

use crate::source::batch::{FromSource, Stopped};
use crate::source::notice::Notice;
use crate::source::wake::Stop;
use engine::Engine;
use follower::Follower;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// How far back the first start reads.
const FIRST_START: Duration = Duration::from_hours(7 * 24);

/// Containers to follow. All of one source are read as one Caddy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerSource {
    /// Name of the source.
    pub name: Arc<str>,
    /// Which containers.
    pub selector: Selector,
    /// Where the engine listens.
    pub address: Address,
}

/// Which containers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The one with this name, whichever that is at the time.
    Name(String),
    /// All that have this label, `KEY` or `KEY=VALUE`.
    Label(String),
}

/// Where a follower of containers stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerPosition {
    /// What containers wrote before is not read, in nanoseconds since the epoch: the first start
    /// decided it.
    pub since: i64,
    /// Where the reading of each container stands, by its id.
    pub containers: BTreeMap<String, Place>,
}

impl Selector {
    /// Reads what people write: the name of a container, or `label=KEY=VALUE`.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("label=") {
            Some(label) => Self::Label(label.to_owned()),
            None => Self::Name(text.to_owned()),
        }
    }

    /// As [`Self::parse`] reads it.
    pub fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Label(label) => format!("label={label}"),
        }
    }

    /// What it selects, for people.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Name(name) => format!("the container {name}"),
            Self::Label(label) => format!("containers with the label {label}"),
        }
    }
}

impl DockerSource {
    /// Looks once whether the logs can be read: how many containers there are, or what is wrong.
    pub fn try_once(&self) -> Result<usize, Notice> {
        let cannot = |error: io::Error| trouble::of_system(self, &error);
        runtime().map_err(cannot)?.block_on(async {
            let engine = Engine::new(self.address.clone());
            let listed = engine.list(Some(&self.selector)).await;
            let listed = listed.map_err(|fault| trouble::of_engine(self, &fault).1)?;
            for container in &listed {
                let found = engine.inspect(&container.id).await;
                let found = found.map_err(|fault| trouble::of_engine(self, &fault).1)?;
                if found.has_no_log() {
                    return Err(trouble::no_log(self, &container.name));
                }
            }
            Ok(listed.len())
        })
    }
}

/// Every container that the engine has, stopped ones too, or why it does not say.
pub fn list(address: Address) -> Result<Vec<Container>, Notice> {
    let source = DockerSource {
        name: "docker".into(),
        selector: Selector::Name(String::new()),
        address,
    };
    let cannot = |error: io::Error| trouble::of_system(&source, &error);
    let engine = Engine::new(source.address.clone());
    let listed = runtime().map_err(cannot)?.block_on(engine.list(None));
    listed.map_err(|fault| trouble::of_engine(&source, &fault).1)
}

/// Follows containers on the calling thread until `stop` is asked for or `to` answers [`Stopped`].
///
/// Without a position the last seven days are read first; with one, everything behind it. Faults are
/// said and waited out.
pub fn follow(
    source: DockerSource,
    resume: Option<DockerPosition>,
    stop: &Stop,
    mut to: impl FnMut(FromSource) -> Result<(), Stopped> + Send,
) {
    let resume = resume.unwrap_or_else(|| DockerPosition {
        since: first_start(),
        containers: BTreeMap::new(),
    });
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Nobody left to tell is no reason to complain at the end.
            let _stopped = to(FromSource::Said(trouble::of_system(&source, &error)));
            return;
        }
    };
    let stopped = Arc::new(Notify::new());
    let theirs = Arc::clone(&stopped);
    stop.on_stop(move || theirs.notify_one());
    let mut follower = Follower::new(source, resume);
    runtime.block_on(async { follower.resume() });
    // `to` may block, so it is called outside of the runtime.
    while let Some(said) = runtime.block_on(async {
        tokio::select! {
            biased;
            () = stopped.notified() => None,
            said = follower.next() => Some(said),
        }
    }) {
        if to(said).is_err() {
            return;
        }
    }
}

/// The HTTP client is asynchronous; all of it stays on the thread of the source.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn first_start() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let start = since_epoch.unwrap_or_default().saturating_sub(FIRST_START);
    i64::try_from(start.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_a_name_or_a_label() {
        assert_eq!(Selector::parse("caddy"), Selector::Name("caddy".to_owned()));
        let label = Selector::parse("label=role=edge");
        assert_eq!(label, Selector::Label("role=edge".to_owned()));
        assert_eq!(label.shown(), "label=role=edge");
    }

    #[test]
    fn a_position_survives_json() {
        let place = Place {
            since: 1,
            latest: 2,
            anchor: Some(Anchor {
                at: 1,
                digest: u64::MAX,
                same: 3,
            }),
            line: 4,
            texts: 2,
        };
        let position = DockerPosition {
            since: -1,
            containers: BTreeMap::from([("id".to_owned(), place)]),
        };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(
            serde_json::from_str::<DockerPosition>(&text).unwrap(),
            position
        );
    }
}
