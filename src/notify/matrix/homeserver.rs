//! A message into the requests that bring it into its room.

use super::event::Content;
use super::reply::{Said, Step};
use crate::engine::message::Message;
use crate::matrix_room::MatrixRoom;
use crate::notify::answer::Answer;
use crate::notify::channel::Channel;
use crate::notify::client::Client;
use crate::time::WallTime;
use chrono::Utc;
use reqwest::Method;
use url::Url;

/// What is known of the room, until a refusal puts it in doubt.
#[derive(Default)]
pub(in crate::notify) struct Homeserver {
    /// The id of the room, once it is known not to be encrypted.
    entered: Option<String>,
}

/// One message on its way.
struct Errand<'a> {
    channel: &'a Channel,
    client: &'a Client,
    room: &'a MatrixRoom,
}

impl Homeserver {
    /// Brings a message into the room.
    pub(in crate::notify) async fn tell(
        &mut self,
        channel: &Channel,
        client: &Client,
        room: &MatrixRoom,
        message: &Message,
    ) -> Answer {
        let errand = Errand {
            channel,
            client,
            room,
        };
        match self.bring(&errand, message).await {
            Ok(()) => Answer::Delivered,
            Err(answer) => {
                if matches!(answer, Answer::Refused { .. }) {
                    self.entered = None;
                }
                answer
            }
        }
    }

    async fn bring(&mut self, errand: &Errand<'_>, message: &Message) -> Result<(), Answer> {
        let event = serde_json::to_vec(&Content::of(message)).map_err(|error| {
            let why = format!("the message cannot be written as JSON: {error}");
            Answer::Refused { why }
        })?;
        let id = match &self.entered {
            Some(id) => id.clone(),
            None => self.enter(errand, None).await?,
        };
        let said = errand.send(&id, &message.id, &event).await?;
        let is_alias = matches!(errand.room, MatrixRoom::Alias(_));
        let said = if is_alias && said.is_room_gone() {
            let other = self.enter(errand, Some((&id, &said))).await?;
            errand.send(&other, &message.id, &event).await?
        } else {
            said
        };
        match said.text("event_id") {
            Some(_) if said.is_yes() => Ok(()),
            _ => Err(errand.answer(&said)),
        }
    }

    /// Finds the room and makes sure that it is not encrypted. `left` is a room that did not take
    /// the message and what it said: the same room again changes nothing.
    async fn enter(
        &mut self,
        errand: &Errand<'_>,
        left: Option<(&str, &Said)>,
    ) -> Result<String, Answer> {
        let id = match errand.room {
            MatrixRoom::Id(id) => id.clone(),
            MatrixRoom::Alias(alias) => errand.resolve(alias).await?,
        };
        if let Some((_, said)) = left.filter(|(old, _)| *old == id) {
            return Err(errand.answer(said));
        }
        errand.look(&id).await?;
        self.entered = Some(id.clone());
        Ok(id)
    }
}

impl Errand<'_> {
    async fn resolve(&self, alias: &str) -> Result<String, Answer> {
        let path = ["directory", "room", alias];
        let said = self.ask(Step::Resolve, Method::GET, &path, None).await?;
        let id = said.text("room_id").filter(|_| said.is_yes());
        match id.map(MatrixRoom::of_text) {
            Some(Ok(MatrixRoom::Id(id))) => Ok(id),
            _ => Err(self.answer(&said)),
        }
    }

    async fn look(&self, id: &str) -> Result<(), Answer> {
        let path = ["rooms", id, "state", "m.room.encryption"];
        let said = self.ask(Step::Look, Method::GET, &path, None).await?;
        if said.is_absent() {
            return Ok(());
        }
        if said.is_yes() {
            let why = format!(
                "the room {} is encrypted and notafter does not encrypt; use an unencrypted room",
                self.room
            );
            return Err(Answer::Refused { why });
        }
        Err(self.answer(&said))
    }

    async fn send(&self, id: &str, transaction: &str, event: &[u8]) -> Result<Said, Answer> {
        let path = ["rooms", id, "send", "m.room.message", transaction];
        let event = Some(event.to_vec());
        self.ask(Step::Send, Method::PUT, &path, event).await
    }

    async fn ask(
        &self,
        step: Step,
        method: Method,
        path: &[&str],
        body: Option<Vec<u8>>,
    ) -> Result<Said, Answer> {
        let url = api(self.channel.address(), path);
        let asked = self.client.ask(self.channel, method, url, body).await;
        let (reply, body) = asked.map_err(|error| Answer::to_failure(&error))?;
        Ok(Said::new(step, reply, &body))
    }

    fn answer(&self, said: &Said) -> Answer {
        let now = WallTime::from_micros(Utc::now().timestamp_micros());
        said.answer(self.channel, self.room, now)
    }
}

/// Where a user of the homeserver accepts an invitation to the room.
pub(super) fn join(homeserver: &Url, room: &MatrixRoom) -> Url {
    api(homeserver, &["join", &room.to_string()])
}

/// Each part is one segment, whatever is in it.
fn api(homeserver: &Url, parts: &[&str]) -> Url {
    let mut url = homeserver.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear()
            .extend(["_matrix", "client", "v3"])
            .extend(parts);
    }
    url
}
