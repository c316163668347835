//! Debts into outcomes: one task per channel, in order, until each debt is settled.
//!
//! A channel that is down keeps its own queue waiting and no other. The queue is bounded: what
//! finds no room stays in the store, and [`Courier::has_room`] tells when to fetch it. A reminder that
//! waited until there was newer news of its incident is not sent.

use super::answer::Answer;
use super::newest::Newest;
use super::{Backoff, Channel, Client, Sender};
use crate::store::{Debt, Fate};
use crate::time::WallTime;
use chrono::{TimeDelta, Utc};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How many debts of one channel are held in memory.
pub const CAPACITY: usize = 256;

/// How often the addresses of an idle channel are looked up again.
const REFRESH: Duration = Duration::from_hours(1);

/// No wait is longer, whatever a stepped clock makes of `next_try`.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What became of one try, or of a debt that needs none; [`crate::store::Store::settle`] records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The debt's ticket.
    pub ticket: i64,
    /// The message's id.
    pub message: String,
    /// The channel's name.
    pub channel: String,
    /// How often the debt was tried.
    pub attempts: u32,
    /// When that was.
    pub at: WallTime,
    /// How it was settled, or when the next try is.
    pub fate: Fate,
}

/// What the courier says to a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// It will be delivered.
    Taken,
    /// No room: it stays in the store until [`Courier::has_room`].
    Full,
    /// No channel has this name any more; settle it as refused.
    NoSuchChannel,
}

/// Takes debts to their channels. Dropping it ends every try at once; see [`Courier::stop`].
pub struct Courier {
    links: BTreeMap<String, Link>,
    outcomes: mpsc::Receiver<Outcome>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

struct Link {
    debts: mpsc::Sender<Debt>,
    newest: Newest,
    /// Taken and not yet settled, as far as outcomes were given out.
    waiting: usize,
    /// Something was turned away: everything after it must be too, or the order is lost.
    behind: bool,
}

impl Courier {
    /// Starts one task per channel on the current tokio runtime.
    pub fn start(channels: Vec<Channel>, client: &Client, backoff: Backoff) -> Self {
        let (report, outcomes) = mpsc::channel(CAPACITY);
        let (stop, stopping) = watch::channel(false);
        let (mut links, mut tasks) = (BTreeMap::new(), JoinSet::new());
        for channel in channels {
            let (debts, queue) = mpsc::channel(CAPACITY);
            let newest = Newest::default();
            let link = Link {
                debts,
                newest: newest.clone(),
                waiting: 0,
                behind: false,
            };
            links.insert(channel.name().to_owned(), link);
            let round = Round {
                sender: Sender::new(channel, client),
                newest,
                backoff,
                report: report.clone(),
                stopping: stopping.clone(),
            };
            tasks.spawn(round.walk(queue));
        }
        Self {
            links,
            outcomes,
            stop,
            tasks,
        }
    }

    /// Hands a debt over. Debts of one channel are delivered in the order they come.
    pub fn owe(&mut self, debt: Debt) -> Owed {
        let Some(link) = self.links.get_mut(&debt.channel) else {
            return Owed::NoSuchChannel;
        };
        link.newest.note(&debt);
        if link.behind || link.debts.try_send(debt).is_err() {
            link.behind = true;
            return Owed::Full;
        }
        link.waiting += 1;
        Owed::Taken
    }

    /// The next outcome, once a try has ended. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Outcome {
        match self.outcomes.recv().await {
            Some(outcome) => {
                self.count(&outcome);
                outcome
            }
            // There are no channels, so there is nothing to wait for.
            None => std::future::pending().await,
        }
    }

    /// Whether debts of this channel were turned away and it has now delivered all it had: then
    /// owe it up to [`CAPACITY`] from the store again. Ask after the outcome is settled there.
    pub fn has_room(&mut self, channel: &str) -> bool {
        match self.links.get_mut(channel) {
            Some(link) if link.behind && link.waiting == 0 => {
                link.behind = false;
                true
            }
            _ => false,
        }
    }

    /// Ends the courier: tries in flight may finish within `grace`, none begins. Gives out what
    /// they came to; everything else is still owed in the store.
    pub async fn stop(mut self, grace: Duration) -> Vec<Outcome> {
        self.stop.send_replace(true);
        let mut last = Vec::new();
        let ended = timeout(grace, async {
            while let Some(outcome) = self.outcomes.recv().await {
                last.push(outcome);
            }
        });
        // Out of time is no error: what is cut off stays owed.
        drop(ended.await);
        self.tasks.shutdown().await;
        last
    }

    fn count(&mut self, outcome: &Outcome) {
        let done = !matches!(outcome.fate, Fate::Later { .. });
        if let Some(link) = self.links.get_mut(&outcome.channel) {
            link.waiting = link.waiting.saturating_sub(usize::from(done));
        }
    }
}

/// What one channel's task carries.
struct Round {
    sender: Sender,
    newest: Newest,
    backoff: Backoff,
    report: mpsc::Sender<Outcome>,
    stopping: watch::Receiver<bool>,
}

impl Round {
    async fn walk(mut self, mut queue: mpsc::Receiver<Debt>) {
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => return,
                _ = refresh.tick() => self.sender.remember(),
                debt = queue.recv() => {
                    let Some(debt) = debt else { return };
                    if self.deliver(debt).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Tries until the debt is settled; `None` when the courier is stopping.
    async fn deliver(&mut self, debt: Debt) -> Option<()> {
        let (mut attempts, mut next_try) = (debt.attempts, debt.next_try);
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => return None,
                () = sleep(wait(next_try, now())) => {}
            }
            let (fate, at) = if self.newest.supersedes(&debt) {
                (Fate::Superseded, now())
            } else {
                let answer = self.sender.send(&debt.message).await;
                attempts = attempts.saturating_add(1);
                let at = now();
                (self.judge(answer, attempts, debt.ticket, at), at)
            };
            let again = match &fate {
                Fate::Later { next_try, .. } => Some(*next_try),
                Fate::Delivered | Fate::Refused { .. } | Fate::Superseded => None,
            };
            let outcome = Outcome {
                ticket: debt.ticket,
                message: debt.message.id.clone(),
                channel: debt.channel.clone(),
                attempts,
                at,
                fate,
            };
            self.report.send(outcome).await.ok()?;
            let Some(later) = again else {
                self.newest.forget(&debt);
                return Some(());
            };
            next_try = later;
        }
    }

    fn judge(&self, answer: Answer, attempts: u32, ticket: i64, at: WallTime) -> Fate {
        match answer {
            Answer::Delivered => Fate::Delivered,
            Answer::Refused { why } => Fate::Refused { why },
            Answer::Later { after, why } => {
                let delay = self.backoff.delay(attempts, after, ticket);
                let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
                Fate::Later {
                    next_try: at + delay,
                    why,
                }
            }
        }
    }
}

/// Also when the courier was dropped without a word.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}

fn now() -> WallTime {
    WallTime::from_micros(Utc::now().timestamp_micros())
}

fn wait(next_try: WallTime, now: WallTime) -> Duration {
    let length = (next_try - now).to_std().unwrap_or_default();
    length.min(LONGEST_WAIT)
}
