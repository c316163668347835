//! A channel and a message into one HTTP request, and its reply.
//!
//! One client serves all channels. It trusts the certificates the system trusts, follows no
//! redirect (the token and the message are for the server in the configuration), and goes to that
//! server directly: `HTTP_PROXY` and its kin in the environment are not honoured.

use super::answer::Reply;
use super::channel::Channel;
use super::resolver::Resolver;
use super::webhook;
use crate::engine::message::Message;
use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, redirect};
use std::sync::Once;
use std::time::Duration;
use thiserror::Error;
use url::{Host, Url};

/// How much of a reply is read where it is read at all.
const REPLY_BYTES: usize = 256 * 1024;

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To resolve and connect.
    pub connect: Duration,
    /// For everything, until the reply's head is there.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// Why nothing can be sent at all.
#[derive(Debug, Error)]
#[error("cannot set up TLS for the channels: {0}; is the package ca-certificates installed?")]
pub struct ClientError(reqwest::Error);

/// The HTTP client of all channels; clones share it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    resolver: Resolver,
}

impl Client {
    /// Sets up TLS and name resolution; connects nowhere.
    pub fn new(timeouts: Timeouts) -> Result<Self, ClientError> {
        install_provider();
        let resolver = Resolver::system();
        let http = reqwest::Client::builder()
            .user_agent(concat!("notafter/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(resolver.clone())
            .build()
            .map_err(ClientError)?;
        Ok(Self { http, resolver })
    }

    /// Looks the channel's server up in the background, so that its addresses are known on the
    /// day the resolver is dead.
    pub(super) fn remember(&self, channel: &Channel) {
        if let Some(Host::Domain(host)) = channel.address().host() {
            drop(self.resolver.begin(host));
        }
    }

    /// Sends one body to the channel's server.
    pub(super) async fn post(
        &self,
        channel: &Channel,
        message: &Message,
        body: Vec<u8>,
    ) -> reqwest::Result<Reply> {
        let address: Url = channel.address().clone();
        let mut request = self.request(channel, Method::POST, address, Some(body));
        if let Ok(id) = HeaderValue::from_str(&message.id) {
            request = request.header(webhook::KEY, id);
        }
        Ok(head(&request.send().await?))
    }

    /// Asks the channel's server something, and reads the reply as far as it is of bounded length.
    pub(super) async fn ask(
        &self,
        channel: &Channel,
        method: Method,
        address: Url,
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<(Reply, Vec<u8>)> {
        let request = self.request(channel, method, address, body);
        let mut response = request.send().await?;
        let reply = head(&response);
        let mut read = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if read.len() + chunk.len() > REPLY_BYTES {
                return Ok((reply, Vec::new()));
            }
            read.extend_from_slice(&chunk);
        }
        Ok((reply, read))
    }

    fn request(
        &self,
        channel: &Channel,
        method: Method,
        address: Url,
        body: Option<Vec<u8>>,
    ) -> RequestBuilder {
        let mut request = self.http.request(method, address);
        if let Some(token) = channel.token() {
            request = request.bearer_auth(token.reveal());
        }
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request = request.header(CONTENT_TYPE, json).body(body);
        }
        request
    }
}

fn head(response: &Response) -> Reply {
    Reply {
        status: response.status(),
        retry_after: header(response, &RETRY_AFTER),
        location: header(response, &LOCATION),
    }
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(ToOwned::to_owned)
}

/// reqwest brings no cryptography of its own here; whoever installed one before us is kept.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}
