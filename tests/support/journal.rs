//! A follower of a journal on a thread of its own, and what it has handed over.

use notafter::source::batch::{FromSource, Reached};
use notafter::source::journal::{JournalPosition, JournalSource, Matching, follow};
use notafter::source::line::Counts;
use notafter::source::notice::{Notice, NoticeKind};
use notafter::source::wake::Stop;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// What a follower has handed over so far.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) lines: Vec<String>,
    pub(crate) overlong: usize,
    pub(crate) notices: Vec<Notice>,
    pub(crate) counts: Counts,
    pub(crate) position: Option<JournalPosition>,
    pub(crate) caught_up: bool,
}

impl Seen {
    pub(crate) fn kinds(&self) -> Vec<NoticeKind> {
        self.notices.iter().map(|notice| notice.kind).collect()
    }
}

pub(crate) struct Following {
    stop: Stop,
    from: Receiver<FromSource>,
    thread: JoinHandle<()>,
    seen: Seen,
}

/// The source that `program` reads from this directory.
pub(crate) fn source(directory: &Path, program: PathBuf) -> JournalSource {
    JournalSource {
        directory: Some(directory.to_path_buf()),
        program,
        ..JournalSource::new("caddy".into(), Matching::parse("caddy"))
    }
}

impl Following {
    pub(crate) fn start(source: JournalSource, resume: Option<JournalPosition>) -> Self {
        let (to, from) = channel();
        let stop = Stop::new();
        let theirs = stop.clone();
        let thread = spawn(move || {
            follow(source, resume, &theirs, |said| {
                to.send(said).unwrap();
                Ok(())
            });
        });
        Self {
            stop,
            from,
            thread,
            seen: Seen::default(),
        }
    }

    /// Waits until what was handed over is enough.
    pub(crate) fn until(&mut self, enough: impl Fn(&Seen) -> bool) -> &Seen {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !enough(&self.seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(said) = self.from.recv_timeout(left) else {
                panic!("only {:?} and {:?}", self.seen.lines, self.seen.notices);
            };
            take(&mut self.seen, said);
        }
        &self.seen
    }

    /// Stops, and gives all there was; a child that went on would hold this up for ever.
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
        FromSource::Said(notice) => {
            // What is back is read to its end before it counts.
            seen.caught_up &= notice.kind != NoticeKind::Recovered;
            seen.notices.push(notice);
        }
        FromSource::Lines(batch) => {
            assert_eq!(&*batch.file, "journal:caddy.service");
            for line in &batch.lines {
                let text = String::from_utf8_lossy(&line.bytes).into_owned();
                seen.lines.push(text);
                seen.overlong += usize::from(line.overlong);
            }
            seen.counts += batch.counts;
            seen.caught_up |= batch.caught_up;
            let Reached::Journal(position) = batch.position else {
                panic!("not a journal's position");
            };
            seen.position = Some(position);
        }
    }
}
