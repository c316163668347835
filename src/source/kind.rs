//! The kinds of sources, and how each is followed.

use crate::source::batch::{FromSource, Reached, Stopped};
use crate::source::docker::{self, DockerSource};
use crate::source::file::{FileSource, follow};
use crate::source::journal::{self, JournalSource};
use crate::source::notice::{Notice, NoticeKind};
use crate::source::stream::follow_reader;
use crate::source::wake::Stop;
use std::io;
use std::sync::Arc;

/// A source of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A log file with its rotated set.
    File(FileSource),
    /// Records of the systemd journal.
    Journal(JournalSource),
    /// Logs of containers.
    Docker(DockerSource),
    /// Standard input, under a name.
    Stdin(Arc<str>),
}

impl Source {
    /// Its name, which keys its position and its state.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::File(file) => &file.name,
            Self::Journal(journal) => &journal.name,
            Self::Docker(docker) => &docker.name,
            Self::Stdin(name) => name,
        }
    }

    /// What it is, for people.
    pub fn shown(&self) -> String {
        match self {
            Self::File(file) => file.path.display().to_string(),
            Self::Journal(journal) => format!("the journal of {}", journal.matching.shown()),
            Self::Docker(docker) => docker.selector.in_words(),
            Self::Stdin(_) => "standard input".to_owned(),
        }
    }

    /// Follows it on the calling thread until `stop` is asked for, `to` answers [`Stopped`], or
    /// standard input ends. A position of another kind counts as none.
    pub fn follow(
        self,
        resume: Option<Reached>,
        stop: &Stop,
        mut to: impl FnMut(FromSource) -> Result<(), Stopped> + Send,
    ) {
        match self {
            Self::File(file) => {
                let resume = match resume {
                    Some(Reached::File(position)) => Some(position),
                    _ => None,
                };
                follow(file, resume, stop, to);
            }
            Self::Journal(source) => {
                let resume = match resume {
                    Some(Reached::Journal(position)) => Some(position),
                    _ => None,
                };
                journal::follow(source, resume, stop, to);
            }
            Self::Docker(source) => {
                let resume = match resume {
                    Some(Reached::Docker(position)) => Some(position),
                    _ => None,
                };
                docker::follow(source, resume, stop, to);
            }
            Self::Stdin(name) => {
                if let Err(error) = follow_reader(&name, io::stdin(), &mut to) {
                    // Nobody left to tell is no reason to complain at the end.
                    let _stopped = to(FromSource::Said(Notice {
                        source: name,
                        kind: NoticeKind::Unreadable,
                        text: format!("standard input cannot be read: {error}"),
                        remedy: None,
                    }));
                }
            }
        }
    }
}
