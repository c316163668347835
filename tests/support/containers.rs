//! A follower of containers on a thread of its own, and what it has handed over.

use crate::engine::Engine;
use notafter::source::batch::{FromSource, Reached};
use notafter::source::docker::{Address, DockerPosition, DockerSource, Selector, follow};
use notafter::source::notice::{Notice, NoticeKind};
use notafter::source::wake::Stop;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// What a follower has handed over so far.
#[derive(Default)]
pub(crate) struct Seen {
    /// Lines, and where they came from.
    pub(crate) lines: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) position: Option<DockerPosition>,
    pub(crate) caught_up: bool,
}

impl Seen {
    pub(crate) fn kinds(&self) -> Vec<NoticeKind> {
        self.notices.iter().map(|notice| notice.kind).collect()
    }

    pub(crate) fn said(&self) -> String {
        let texts: Vec<_> = self
            .notices
            .iter()
            .map(|notice| notice.text.as_str())
            .collect();
        texts.join("\n")
    }
}

pub(crate) struct Following {
    stop: Stop,
    from: Receiver<FromSource>,
    thread: JoinHandle<()>,
    seen: Seen,
}

pub(crate) fn source(engine: &Engine, selector: &str) -> DockerSource {
    DockerSource {
        name: "caddy".into(),
        selector: Selector::parse(selector),
        address: Address::Unix(engine.socket()),
    }
}

impl Following {
    pub(crate) fn start(engine: &Engine, selector: &str, resume: Option<DockerPosition>) -> Self {
        let source = source(engine, selector);
        // The story of the stand-in is not of today.
        let resume = resume.unwrap_or_default();
        let (to, from) = channel();
        let stop = Stop::new();
        let theirs = stop.clone();
        let thread = spawn(move || {
            follow(source, Some(resume), &theirs, |said| {
                to.send(said).unwrap();
                Ok(())
            });
        });
        let seen = Seen::default();
        Self {
            stop,
            from,
            thread,
            seen,
        }
    }

    /// Waits until what was handed over is enough.
    pub(crate) fn until(&mut self, enough: impl Fn(&Seen) -> bool) -> &Seen {
        let deadline = Instant::now() + Duration::from_secs(40);
        while !enough(&self.seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(said) = self.from.recv_timeout(left) else {
                panic!("only {:?} and {:?}", self.seen.lines, self.seen.notices);
            };
            take(&mut self.seen, said);
        }
        &self.seen
    }

    pub(crate) fn stop(mut self) -> Seen {
        self.stop.stop();
        self.thread.join().unwrap();
        for said in self.from.try_iter() {
            take(&mut self.seen, said);
        }
        self.seen
    }
}

fn take(seen: &mut Seen, said: FromSource) {
    match said {
        FromSource::Said(notice) => seen.notices.push(notice),
        FromSource::Lines(batch) => {
            for line in &batch.lines {
                let text = String::from_utf8_lossy(&line.bytes).into_owned();
                seen.lines.push(text);
                seen.files.push(batch.file.to_string());
            }
            seen.caught_up |= batch.caught_up;
            let Reached::Docker(position) = batch.position else {
                panic!("not a position of containers");
            };
            seen.position = Some(position);
        }
    }
}
