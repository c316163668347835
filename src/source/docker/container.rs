//! One container: all there is, then what comes, over its stops and starts until it is gone.

use super::engine::{Engine, Fault, Inspected};
use super::frame::{Framing, Garbage};
use super::lines::{Lines, PART_BYTES};
use super::place::Place;
use super::{DockerSource, trouble};
use crate::source::batch::OwnedText;
use crate::source::line::{Counts, Stamp};
use crate::source::notice::{Notice, NoticeKind};
use http_body_util::BodyExt;
use hyper::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// The first pause before a container is looked at again, and the longest.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A stream that is silent for this long is checked against the log.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a line that is in the log may take to come by the stream.
const UNDER_WAY: Duration = Duration::from_secs(5);
/// A fault that is over by the second try is none.
const FAULTS_UNSAID: u32 = 1;

/// What is said of a container.
#[derive(Debug)]
pub(super) enum Told {
    /// Lines were read.
    Lines(Handed),
    /// Something happened.
    Said(Notice),
    /// The engine may be gone: whoever keeps the list should look.
    Look,
    /// It has been read to its end, and nothing more will come.
    Over,
}

/// Lines of one container, and its place behind them.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) file: Arc<str>,
    pub(super) lines: Vec<OwnedText>,
    pub(super) counts: Counts,
    pub(super) rejected_until: Option<Box<Stamp>>,
    pub(super) place: Place,
    pub(super) caught_up: bool,
}

impl Handed {
    /// No lines, and no place.
    pub(super) fn nothing(file: Arc<str>) -> Self {
        Self {
            file,
            lines: Vec::new(),
            counts: Counts::default(),
            rejected_until: None,
            place: Place::default(),
            caught_up: true,
        }
    }
}

/// What reads one container.
pub(super) struct Reader {
    id: String,
    source: DockerSource,
    engine: Engine,
    to: mpsc::Sender<(String, Told)>,
    /// True once the container is none of ours any more: it is read to its end, and left.
    leave: watch::Receiver<bool>,
    name: String,
    file: Arc<str>,
    lines: Lines,
    /// The start of the container up to whose end everything was read.
    read_start: Option<String>,
    faults: u32,
    /// Whether the last stream followed and came to its end.
    is_whole: bool,
    /// Whether the last stream followed and did not.
    follow_failed: bool,
    /// What is wrong at the moment, as it was said.
    said: Option<String>,
}

/// Why a stream is read no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// It came to its end.
    Whole,
    /// The container is to be left.
    Left,
    /// It gave lines twice, or kept some back.
    Untrusted,
}

impl Reader {
    pub(super) fn new(
        id: String,
        source: DockerSource,
        place: Place,
        to: mpsc::Sender<(String, Told)>,
        leave: watch::Receiver<bool>,
    ) -> Self {
        Self {
            engine: Engine::new(source.address.clone()),
            name: id.chars().take(12).collect(),
            file: "docker".into(),
            lines: Lines::new(place),
            read_start: None,
            faults: 0,
            is_whole: false,
            follow_failed: false,
            said: None,
            id,
            source,
            to,
            leave,
        }
    }

    /// Reads until the container is gone or to be left.
    pub(super) async fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            match self.round().await {
                Ok(true) => return self.finish().await,
                Ok(false) => {
                    self.faults = 0;
                    if self.read_start.is_none() {
                        pause = PAUSE;
                    }
                }
                Err(fault) if is_gone(&fault) => {
                    self.say_gone().await;
                    return self.finish().await;
                }
                Err(fault) => self.fail(&fault).await,
            }
            tokio::select! {
                () = sleep(pause) => {}
                Ok(()) = self.leave.changed() => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Reads all there is and what comes, until the container stops; says whether it is to be left now.
    async fn round(&mut self) -> Result<bool, Fault> {
        let leaves = *self.leave.borrow_and_update();
        let found = self.engine.inspect(&self.id).await?;
        self.call(&found);
        if !found.is_running() && self.read_start.as_deref() == Some(found.started_at()) {
            return Ok(leaves);
        }
        if found.has_no_log() {
            let notice = trouble::no_log(&self.source, &self.name);
            self.say(notice).await;
            return Ok(leaves);
        }
        self.read_start = None;
        self.pass(&found, false).await?;
        if !self.follow_failed {
            self.recover().await;
        }
        self.send(true).await;
        if leaves {
            return Ok(true);
        }
        if !found.is_running() {
            self.read_start = Some(found.started_at().to_owned());
            let text = format!(
                "the container {} is stopped; waiting for its start",
                self.name
            );
            self.say(trouble::notice(
                &self.source,
                NoticeKind::Waiting,
                text,
                None,
            ))
            .await;
            return Ok(false);
        }
        self.follow_failed = true;
        let ended = self.pass(&found, true).await?;
        self.follow_failed = false;
        self.is_whole = ended == Ended::Whole;
        self.send(false).await;
        Ok(false)
    }

    /// Reads one stream to its end.
    async fn pass(&mut self, found: &Inspected, follow: bool) -> Result<Ended, Fault> {
        self.is_whole = false;
        let from = self.lines.begin(found.has_terminal(), follow);
        let mut body = self.engine.logs(&self.id, from, follow).await?;
        loop {
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                // Nothing more has come: what has is handed over.
                () = yield_now(), if follow && self.lines.is_unsent() => {
                    self.recover().await;
                    self.send(true).await;
                    continue;
                }
                Ok(()) = self.leave.changed(), if follow => return Ok(Ended::Left),
                () = sleep(SILENCE) => {
                    if !self.is_behind(found).await? || !follow {
                        if self.recover().await {
                            self.send(follow).await;
                        }
                        continue;
                    }
                    timeout(UNDER_WAY, body.frame()).await.map_err(|_| stalled())?
                }
            };
            let Some(frame) = frame else {
                return Ok(Ended::Whole);
            };
            // Trailers are no data.
            let bytes = frame
                .map_err(|error| Fault::Broken(error.to_string()))?
                .into_data();
            for part in bytes.unwrap_or_default().chunks(PART_BYTES) {
                let fed = self.lines.feed(part);
                if self.lines.is_full() || fed != Ok(true) {
                    self.send(false).await;
                }
                match fed {
                    Ok(true) => {}
                    Ok(false) => return Ok(Ended::Untrusted),
                    Err(Garbage(said)) => return Err(Fault::Broken(said)),
                }
            }
        }
    }

    /// Whether the log holds a line that the stream has not brought.
    async fn is_behind(&self, found: &Inspected) -> Result<bool, Fault> {
        let last = self.engine.last(&self.id).await?;
        let mut is_behind = false;
        Framing::new(found.has_terminal())
            .feed(&last, &mut |piece| is_behind |= self.lines.lacks(piece.at))
            .map_err(|Garbage(said)| Fault::Broken(said))?;
        Ok(is_behind)
    }

    fn call(&mut self, found: &Inspected) {
        let name = found.name();
        if !name.is_empty() && name != self.name {
            name.clone_into(&mut self.name);
            self.file = format!("docker:{name}").into();
        }
    }

    async fn send(&mut self, caught_up: bool) {
        if self.lines.take_lost() {
            let text = format!(
                "the log of the container {} no longer holds the line that was read last; what came right after it may be missing, going on with the oldest line there is",
                self.name
            );
            let notice = trouble::notice(&self.source, NoticeKind::Lost, text, None);
            self.tell(Told::Said(notice)).await;
        }
        let handed = self.lines.take(Arc::clone(&self.file), caught_up);
        self.tell(Told::Lines(handed)).await;
    }

    /// Hands over what was begun and will not be ended any more.
    async fn finish(&mut self) {
        self.lines.finish();
        self.send(true).await;
        self.tell(Told::Over).await;
    }

    async fn say_gone(&mut self) {
        let (kind, text) = if self.is_whole || self.read_start.is_some() {
            (NoticeKind::Rotated, "everything of it has been read")
        } else {
            (
                NoticeKind::Lost,
                "and with it whatever it wrote after the line that was read last",
            )
        };
        let text = format!("the container {} is gone, {text}", self.name);
        self.tell(Told::Said(trouble::notice(&self.source, kind, text, None)))
            .await;
    }

    async fn fail(&mut self, fault: &Fault) {
        self.faults += 1;
        // Whether the engine is there at all is for whoever keeps the list to say.
        self.tell(Told::Look).await;
        let is_said = match fault {
            Fault::Connect(_) => false,
            Fault::Refused(..) => true,
            Fault::Silent | Fault::Broken(_) => self.faults > FAULTS_UNSAID,
        };
        if is_said {
            let notice = trouble::of_log(&self.source, &self.name, fault);
            self.say(notice).await;
        }
    }

    /// Says that what was wrong is over, if anything was.
    async fn recover(&mut self) -> bool {
        if self.said.take().is_none() {
            return false;
        }
        let text = format!("the container {} can be read", self.name);
        let notice = trouble::notice(&self.source, NoticeKind::Recovered, text, None);
        self.tell(Told::Said(notice)).await;
        true
    }

    /// Says what is wrong, once.
    async fn say(&mut self, notice: Notice) {
        if self.said.as_ref() != Some(&notice.text) {
            self.said = Some(notice.text.clone());
            self.tell(Told::Said(notice)).await;
        }
    }

    async fn tell(&self, told: Told) {
        // Nobody left to tell: we are about to be ended.
        let _told = self.to.send((self.id.clone(), told)).await;
    }
}

fn is_gone(fault: &Fault) -> bool {
    matches!(fault, Fault::Refused(status, _) if *status == StatusCode::NOT_FOUND)
}

fn stalled() -> Fault {
    Fault::Broken("the stream keeps back lines that are in the log".to_owned())
}
