//! Caddy's admin API, where Caddy itself would look for it: `CADDY_ADMIN`, else localhost:2019.

use serde_json::Value;
use std::env;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const USUAL: &str = "localhost:2019";
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// The running configuration; `None` when nobody answers, or not with one.
pub(super) fn config() -> Option<Value> {
    let address = env::var("CADDY_ADMIN").unwrap_or_default();
    let address = if address.is_empty() { USUAL } else { &address };
    // Caddy writes `unix//run/caddy/admin.sock`, with `|0222` behind it for its mode.
    if let Some(path) = address.strip_prefix("unix/") {
        let stream = UnixStream::connect(path.split('|').next()?).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        return ask(stream);
    }
    let address = address.strip_prefix("tcp/").unwrap_or(address);
    let mut addresses = address.to_socket_addrs().ok()?;
    let stream = addresses.find_map(|one| TcpStream::connect_timeout(&one, PATIENCE).ok())?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    ask(stream)
}

fn ask(mut stream: impl Read + Write) -> Option<Value> {
    stream
        .write_all(b"GET /config/ HTTP/1.0\r\nHost: localhost:2019\r\n\r\n")
        .ok()?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut answer)
        .ok()?;
    let start = memchr::memmem::find(&answer, b"\r\n\r\n")? + 4;
    serde_json::from_slice(answer.get(start..)?).ok()
}
