//! One message into one try at a channel. The courier and `notafter notify test` both send by it.

use super::answer::Answer;
use super::channel::{Channel, Kind};
use super::client::Client;
use super::matrix::Homeserver;
use crate::engine::message::Message;
use crate::time::WallTime;
use chrono::Utc;

/// A channel with its client, and what it has learned of its server.
pub struct Sender {
    channel: Channel,
    client: Client,
    homeserver: Homeserver,
}

impl Sender {
    /// Knows nothing of the server yet; connects nowhere.
    pub fn new(channel: Channel, client: &Client) -> Self {
        Self {
            channel,
            client: client.clone(),
            homeserver: Homeserver::default(),
        }
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Tries once, whatever the channel's `min_severity`.
    pub async fn send(&mut self, message: &Message) -> Answer {
        let Self {
            channel, client, ..
        } = self;
        let body = match channel.kind() {
            Kind::Matrix { room } => {
                return self.homeserver.tell(channel, client, room, message).await;
            }
            Kind::Ntfy { topic } => {
                serde_json::to_vec(&super::ntfy::Publication::of(topic, message))
            }
            Kind::Webhook => serde_json::to_vec(&super::webhook::Delivery::of(message)),
        };
        let body = match body {
            Ok(body) => body,
            Err(error) => {
                let why = format!("the message cannot be written as JSON: {error}");
                return Answer::Refused { why };
            }
        };
        match client.post(channel, message, body).await {
            Ok(reply) => {
                let now = WallTime::from_micros(Utc::now().timestamp_micros());
                Answer::to_reply(&reply, channel, now)
            }
            Err(error) => Answer::to_failure(&error),
        }
    }

    /// Looks the server up in the background, for the day the resolver is dead.
    pub(super) fn remember(&self) {
        self.client.remember(&self.channel);
    }
}
