//! A stand-in for a Docker Engine on a Unix socket: it knows what every request asks for, and can fail
//! in every way that a real one cannot be made to.

use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// What goes wrong with a request for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 500, with a message.
    Refusal,
    /// The connection is closed after so many bytes of the stream.
    Cut(usize),
    /// So many bytes come, then what is no frame.
    Garbage(usize),
    /// The stream goes on where it should, and then once more from the beginning.
    Again,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) image: String,
    pub(crate) terminal: bool,
    pub(crate) driver: &'static str,
    pub(crate) running: bool,
    pub(crate) starts: usize,
    /// Time in nanoseconds after the beginning of the story, and text.
    pub(crate) lines: Vec<(i64, String)>,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) containers: Vec<Container>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) hangs: bool,
    pub(crate) asked: Vec<String>,
}

pub(crate) struct Engine {
    directory: TempDir,
    pub(crate) world: Arc<Mutex<World>>,
}

/// When the story begins.
const BEGINNING: i64 = 1_795_396_624;

impl Engine {
    /// With one running container, `caddy`.
    pub(crate) fn new() -> Self {
        let engine = Self {
            directory: tempfile::tempdir().unwrap(),
            world: Arc::default(),
        };
        engine.add("one", "caddy");
        engine.listen();
        engine
    }

    pub(crate) fn listen(&self) {
        let listener = UnixListener::bind(self.socket()).unwrap();
        let world = Arc::clone(&self.world);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let world = Arc::clone(&world);
                // Whoever hangs up in the middle is not our concern.
                thread::spawn(move || serve(stream, &world).ok());
            }
        });
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    pub(crate) fn add(&self, id: &str, name: &str) {
        self.world.lock().unwrap().containers.push(Container {
            id: id.to_owned(),
            name: name.to_owned(),
            label: "role=edge".to_owned(),
            image: "caddy:2.11".to_owned(),
            driver: "json-file",
            running: true,
            starts: 1,
            ..Container::default()
        });
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Container)) {
        let mut world = self.world.lock().unwrap();
        let found = world.containers.iter_mut().find(|one| one.id == id);
        change(found.unwrap());
    }

    /// Writes lines, a microsecond apart.
    pub(crate) fn write(&self, id: &str, texts: &[&str]) {
        self.change(id, |container| {
            for text in texts {
                let at = container.lines.last().map_or(1_000, |(at, _)| at + 1_000);
                container.lines.push((at, (*text).to_owned()));
            }
        });
    }

    pub(crate) fn remove(&self, id: &str) {
        let mut world = self.world.lock().unwrap();
        world.containers.retain(|one| one.id != id);
    }

    pub(crate) fn fail_with(&self, faults: &[Fault]) {
        self.world.lock().unwrap().faults.extend(faults);
    }
}

impl Drop for Engine {
    /// Nothing is ever asked but these three, and nothing ever changed.
    fn drop(&mut self) {
        let world = self.world.lock().unwrap();
        for asked in &world.asked {
            let path = asked.strip_prefix("GET /containers/");
            let path = path.and_then(|path| path.split(['?', ' ']).next());
            let known = path.is_some_and(|path| {
                let rest = path.split_once('/').map(|(_, rest)| rest);
                path == "json" || rest == Some("json") || rest == Some("logs")
            });
            assert!(known || thread::panicking(), "asked for {asked}");
        }
    }
}

fn serve(stream: UnixStream, world: &Mutex<World>) -> std::io::Result<()> {
    let mut head = String::new();
    let mut from = BufReader::new(stream.try_clone()?);
    while from.read_line(&mut head)? > 2 {}
    let asked = head.lines().next().unwrap_or_default().to_owned();
    if asked.is_empty() {
        // Ended before it had asked.
        return Ok(());
    }
    let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
    let (container, fault, list) = {
        let mut world = world.lock().unwrap();
        world.asked.push(asked);
        if world.hangs {
            drop(world);
            thread::sleep(Duration::from_mins(1));
            return Ok(());
        }
        let id = path.split('/').nth(2).unwrap_or_default();
        let container = world.containers.iter().find(|one| one.id == id).cloned();
        let logs = path.contains("/logs") && !path.contains("tail=1");
        let fault = (logs && !world.faults.is_empty()).then(|| world.faults.remove(0));
        (container, fault, list(&world.containers, &path))
    };
    if path.starts_with("/containers/json") {
        return answer(stream, "200 OK", &list);
    }
    let Some(container) = container else {
        let message = json!({"message": "No such container: x"}).to_string();
        return answer(stream, "404 Not Found", &message);
    };
    if path.ends_with("/json") {
        return answer(stream, "200 OK", &inspected(&container));
    }
    if container.driver == "none" {
        let message = json!({"message": "configured logging driver does not support reading"});
        return answer(stream, "501 Not Implemented", &message.to_string());
    }
    if fault == Some(Fault::Refusal) {
        let message = json!({"message": "something is wrong"}).to_string();
        return answer(stream, "500 Internal Server Error", &message);
    }
    send_log(stream, world, &container.id, &path, fault)
}

fn list(containers: &[Container], path: &str) -> String {
    let wanted = |one: &&Container| {
        // The engine's filter is loose: a name is looked for anywhere in the names.
        path.contains(&one.name) || path.contains("label") || path.ends_with("%7B%7D")
    };
    let rows = containers.iter().enumerate();
    let rows = rows.filter(|(_, one)| wanted(one)).map(|(number, one)| {
        json!({"Id": one.id, "Names": [format!("/{}", one.name)], "Created": number, "Image": one.image,
            "State": if one.running { "running" } else { "exited" }, "Labels": {"role": one.label}})
    });
    json!(rows.collect::<Vec<_>>()).to_string()
}

fn inspected(one: &Container) -> String {
    json!({"Name": format!("/{}", one.name), "Config": {"Tty": one.terminal},
        "State": {"Running": one.running, "StartedAt": one.starts.to_string()},
        "HostConfig": {"LogConfig": {"Type": one.driver}}})
    .to_string()
}

fn answer(mut to: UnixStream, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        to,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Sends the log in chunks, as long as the container runs if it is to be followed.
fn send_log(
    mut to: UnixStream,
    world: &Mutex<World>,
    id: &str,
    path: &str,
    fault: Option<Fault>,
) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let since = path.split("since=").nth(1).map(|since| {
        let (seconds, rest) = since.split_once('.').unwrap();
        let nanos: i64 = rest.split('&').next().unwrap().parse().unwrap();
        (seconds.parse::<i64>().unwrap() - BEGINNING) * 1_000_000_000 + nanos
    });
    let follow = path.contains("follow=1");
    let (mut sent, mut bytes) = (0, 0);
    loop {
        let container = {
            let world = world.lock().unwrap();
            world.containers.iter().find(|one| one.id == id).cloned()
        };
        let Some(container) = container else {
            break;
        };
        let mut lines = container.lines.get(sent..).unwrap_or_default();
        if since.is_none() {
            lines = lines
                .get(lines.len().saturating_sub(1)..)
                .unwrap_or_default();
        }
        for (at, text) in lines
            .iter()
            .filter(|(at, _)| *at >= since.unwrap_or_default())
        {
            let mut stream = stream(container.terminal, *at, text);
            match fault {
                Some(Fault::Cut(after) | Fault::Garbage(after)) if bytes + stream.len() > after => {
                    stream.truncate(after - bytes);
                    chunk(&mut to, &stream)?;
                    if matches!(fault, Some(Fault::Garbage(_))) {
                        chunk(&mut to, "?".repeat(40_000).as_bytes())?;
                        chunk(&mut to, b"\n")?;
                    }
                    return Ok(());
                }
                _ => {}
            }
            bytes += stream.len();
            // The engine's chunks have nothing to do with frames.
            let (head, rest) = stream.split_at(stream.len() / 3);
            chunk(&mut to, head)?;
            chunk(&mut to, rest)?;
        }
        sent = container.lines.len();
        if fault == Some(Fault::Again) && follow && bytes > 0 {
            for (at, text) in &container.lines {
                chunk(&mut to, &stream(container.terminal, *at, text))?;
            }
        }
        if !follow || !container.running {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    to.write_all(b"0\r\n\r\n")
}

fn chunk(to: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    write!(to, "{:x}\r\n", bytes.len())?;
    to.write_all(bytes)?;
    to.write_all(b"\r\n")
}

/// A line as Docker 20.10 sends it.
fn stream(terminal: bool, at: i64, text: &str) -> Vec<u8> {
    let at = BEGINNING * 1_000_000_000 + at;
    let stamp = chrono::DateTime::from_timestamp_nanos(at).to_rfc3339();
    let text = format!("{text}{}", if terminal { "\r\n" } else { "\n" });
    let mut stream = Vec::new();
    for piece in text.as_bytes().chunks(16 << 10) {
        let payload = [stamp.as_bytes(), b" ", piece].concat();
        if !terminal {
            stream.extend([2, 0, 0, 0]);
            stream.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        }
        stream.extend(payload);
    }
    stream
}
