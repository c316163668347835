//! The three questions that the engine is asked.

use super::{Address, Selector};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long the engine may take to begin an answer, and to end a short one.
const PATIENCE: Duration = Duration::from_secs(10);
/// No list of containers is longer.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The engine at its address; every question has a connection of its own.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    address: Address,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody can be asked.
    Connect(io::Error),
    /// Nothing came for too long.
    Silent,
    /// The engine refuses, in its own words.
    Refused(StatusCode, String),
    /// The answer ended early, or makes no sense.
    Broken(String),
}

/// A container of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// The image it was made from.
    pub image: String,
    /// The command it was started with, as the engine shows it.
    pub command: String,
    /// Whether it runs.
    pub is_running: bool,
    /// When it was made, in seconds since the epoch.
    created: i64,
}

/// What a look at one container shows.
#[derive(Debug, Deserialize)]
pub(super) struct Inspected {
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "State", default)]
    state: State,
    #[serde(rename = "Config", default)]
    config: Config,
    #[serde(rename = "HostConfig", default)]
    host: Host,
}

#[derive(Debug, Default, Deserialize)]
struct State {
    #[serde(rename = "Running", default)]
    is_running: bool,
    #[serde(rename = "StartedAt", default)]
    started_at: String,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(rename = "Tty", default)]
    has_terminal: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Host {
    #[serde(rename = "LogConfig", default)]
    log: LogConfig,
}

#[derive(Debug, Default, Deserialize)]
struct LogConfig {
    #[serde(rename = "Type", default)]
    driver: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Names", default)]
    names: Option<Vec<String>>,
    #[serde(rename = "Image", default)]
    image: String,
    #[serde(rename = "Command", default)]
    command: String,
    #[serde(rename = "State", default)]
    state: String,
    #[serde(rename = "Created", default)]
    created: i64,
}

#[derive(Deserialize)]
struct Complaint {
    message: String,
}

impl Inspected {
    pub(super) fn name(&self) -> &str {
        self.name.trim_start_matches('/')
    }

    pub(super) fn is_running(&self) -> bool {
        self.state.is_running
    }

    /// Differs from one start of the container to the next.
    pub(super) fn started_at(&self) -> &str {
        &self.state.started_at
    }

    pub(super) fn has_terminal(&self) -> bool {
        self.config.has_terminal
    }

    pub(super) fn has_no_log(&self) -> bool {
        self.host.log.driver == "none"
    }
}

impl Engine {
    pub(super) fn new(address: Address) -> Self {
        Self { address }
    }

    /// The containers that a selector selects, or all; the oldest first.
    pub(super) async fn list(&self, selector: Option<&Selector>) -> Result<Vec<Container>, Fault> {
        let filters = match selector {
            None => json!({}),
            // The engine takes the name for a regular expression; the exact look comes below.
            Some(Selector::Name(name)) => json!({"name": [name]}),
            Some(Selector::Label(label)) => json!({"label": [label]}),
        };
        let filters = filters.to_string();
        let filters = utf8_percent_encode(&filters, NON_ALPHANUMERIC);
        let path = format!("/containers/json?all=1&filters={filters}");
        let listed: Vec<Listed> = self.ask(&path).await?;
        let mut containers: Vec<_> = listed.into_iter().map(|one| one.named(selector)).collect();
        if let Some(Selector::Name(name)) = selector {
            containers.retain(|container| container.name == *name);
        }
        containers.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(containers)
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Inspected, Fault> {
        self.ask(&format!("/containers/{id}/json")).await
    }

    /// The log of a container from this time on, lines of this very time included; in nanoseconds since
    /// the epoch.
    pub(super) async fn logs(&self, id: &str, from: i64, follow: bool) -> Result<Incoming, Fault> {
        const SECOND: i64 = 1_000_000_000;
        let (seconds, rest) = (from.div_euclid(SECOND), from.rem_euclid(SECOND));
        let path = format!(
            "{}&since={seconds}.{rest:09}&follow={}",
            logs_path(id),
            u8::from(follow)
        );
        Ok(self.get(&path).await?.into_body())
    }

    /// The last line of a container's log, as a stream.
    pub(super) async fn last(&self, id: &str) -> Result<Bytes, Fault> {
        let path = format!("{}&tail=1", logs_path(id));
        whole(self.get(&path).await?.into_body()).await
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let body = whole(self.get(path).await?.into_body()).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Fault::Broken(format!("its answer cannot be read: {error}")))
    }

    async fn get(&self, path: &str) -> Result<Response<Incoming>, Fault> {
        timeout(PATIENCE, self.begin(path))
            .await
            .map_err(|_| Fault::Silent)?
    }

    async fn begin(&self, path: &str) -> Result<Response<Incoming>, Fault> {
        let response = match &self.address {
            Address::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(Fault::Connect)?;
                send(stream, path).await?
            }
            Address::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                send(stream.map_err(Fault::Connect)?, path).await?
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let said = whole(response.into_body()).await?;
        let message = match serde_json::from_slice::<Complaint>(&said) {
            Ok(complaint) => complaint.message,
            Err(_) => String::from_utf8_lossy(&said).into_owned(),
        };
        let message = message.chars().filter(|one| !one.is_control()).take(200);
        Err(Fault::Refused(status, message.collect()))
    }
}

impl Listed {
    /// A container may have several names: those of links come with another slash.
    fn named(self, selector: Option<&Selector>) -> Container {
        let names = self.names.unwrap_or_default();
        let mut names = names.iter().map(|name| name.trim_start_matches('/'));
        let name = match selector {
            Some(Selector::Name(wanted)) => names.clone().find(|name| name == wanted),
            _ => None,
        };
        let name = name.or_else(|| names.find(|name| !name.contains('/')));
        Container {
            name: name.unwrap_or(&self.id).to_owned(),
            id: self.id,
            image: self.image,
            command: self.command,
            is_running: self.state == "running",
            created: self.created,
        }
    }
}

fn logs_path(id: &str) -> String {
    format!("/containers/{id}/logs?stdout=1&stderr=1&timestamps=1")
}

async fn send<S>(stream: S, path: &str) -> Result<Response<Incoming>, Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| Fault::Broken(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // It ends with the answer, or when nobody reads that any more.
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("Host", "docker")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Fault::Broken(error.to_string()))?;
    sender.send_request(request).await.map_err(broken)
}

async fn whole(body: Incoming) -> Result<Bytes, Fault> {
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect();
    let body = timeout(PATIENCE, body).await.map_err(|_| Fault::Silent)?;
    Ok(body
        .map_err(|error| Fault::Broken(error.to_string()))?
        .to_bytes())
}
