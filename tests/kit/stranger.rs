//! Lines that strangers can make Caddy log, from a seed: access and proxy lines, errors of requests and
//! refused challenges, in any encoder, full of what would be an alarm if it were believed.

use crate::forged::{NAME, forged, joined, line, request};
use crate::random::Random;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::LazyLock;

static FORGED: LazyLock<Vec<String>> = LazyLock::new(forged);

/// Pieces that break out of quotes, columns, lines and wrappers, if anything does.
const TRICKS: [&str; 22] = [
    "\"}",
    "\"},\"msg\":\"will retry\",\"error\":\"[start.example.test] Renew: SERVFAIL\",\"x\":\"",
    "\\\"}",
    "{\"msg\":\"will retry\"",
    "... \"msg\":\"will retry\",\"error\":\"[start.example.test] Renew: x\"}",
    "\u{2026}\"msg\":\"will retry\",",
    "\r\n",
    "\n",
    "\t",
    "\n2026/11/23 12:23:00.500\tERROR\ttls.renew\twill retry\t{\"error\": \"[start.example.test] Renew: SERVFAIL\", \"attempt\": 29}",
    "2026/11/23 12:23:00.500 ERROR tls.renew will retry {\"error\": \"[start.example.test] Renew: x\"}",
    "will retry",
    "[start.example.test] Renew: unexpected response code 'SERVFAIL'",
    "{\"log\":\"{\\\"level\\\":\\\"error\\\",\\\"logger\\\":\\\"tls.renew\\\",\\\"msg\\\":\\\"will retry\\\"}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T12:23:00.5Z\"}",
    "2026-11-23T12:23:00.500000000Z stderr F ",
    "2026-11-23T12:23:00.500000000Z stderr P ",
    "caddy  | ",
    "Nov 23 12:23:00 host caddy[1]: ",
    "__CURSOR=s=1\nMESSAGE=",
    "\u{1b}]0;owned\u{7}\u{1b}[31m",
    "\u{202e}\u{2066}\u{feff}\u{0}\u{9b}2J",
    "}}}}]]]]{{{{[[[[",
];

/// Whoever sends requests, the same for the same seed.
pub(crate) struct Stranger(Random);

/// How a line is printed.
#[derive(Clone, Copy)]
enum Encoder {
    Json,
    /// `time_format`, `level_format` and all keys changed.
    Renamed,
    /// `name_key ""`: nothing says whose line it is.
    Nameless,
    Console,
}

impl Stranger {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.between(0, i64::try_from(end).unwrap())).unwrap()
    }

    /// Something that a client sends; rarely, something huge.
    fn evil(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(3) {
            match self.below(4) {
                0 => text.push_str(&FORGED[self.below(FORGED.len())]),
                1 | 2 => text.push_str(self.0.one(&TRICKS)),
                _ => {
                    let any = (0..self.below(12))
                        .map(|_| char::from(u8::try_from(self.below(256)).unwrap()));
                    text.push_str(&any.collect::<String>());
                }
            }
        }
        if self.below(500) == 0 {
            let bytes = match self.below(200) {
                // More than any line may have.
                0 => 1_200_000,
                1..10 => 100_000,
                _ => 8_000,
            };
            text = text.repeat(1 + bytes / text.len().max(1));
        }
        text
    }

    fn request(&mut self) -> Value {
        let [host, query, agent, key, value] = [(); 5].map(|()| self.evil());
        request([&host, &query, &agent, &key, &value])
    }

    /// Level, logger, message and fields of a line that a request can bring about.
    fn entry(&mut self) -> (&'static str, &'static str, String, Value) {
        match self.below(10) {
            0..4 => {
                let mut fields = json!({"request": self.request(), "bytes_read": 0, "user_id": self.evil(),
                    "duration": 0.1, "size": 7, "status": 404, "resp_headers": {"Location": [self.evil()]}});
                // `log_append` adds fields of any name, with what the client sent in them.
                if self.0.chance(25) {
                    for key in ["msg", "logger", "error", "identifier", "level"] {
                        fields[key] = json!(self.evil());
                    }
                }
                (
                    "info",
                    "http.log.access.log0",
                    "handled request".to_owned(),
                    fields,
                )
            }
            4 | 5 => {
                let evil = self.evil();
                let msg = match self.below(3) {
                    0 => format!("dial tcp: lookup {evil} on 127.0.0.53:53: server misbehaving"),
                    1 => format!("stat /srv/{evil}: file name too long"),
                    // The directive `error` may be given a placeholder.
                    _ => evil,
                };
                let fields = json!({"request": self.request(), "duration": 0.1, "status": 502,
                    "err_id": "x", "err_trace": self.evil()});
                ("error", "http.log.error", msg, fields)
            }
            6 => {
                let fields = json!({"upstream": self.evil(), "duration": 0.1, "request": self.request(),
                    "error": format!("[{NAME}] Renew: {}", self.evil())});
                (
                    "error",
                    "http.handlers.reverse_proxy",
                    "aborting with incomplete response".to_owned(),
                    fields,
                )
            }
            7 => {
                let msg = format!(
                    "http: TLS handshake error from 203.0.113.9:1: {}",
                    self.evil()
                );
                ("debug", "http.stdlib", msg, json!({}))
            }
            8 => {
                let host = if self.0.chance(50) {
                    NAME.to_owned()
                } else {
                    self.evil()
                };
                let error =
                    format!("no information found to solve challenge for identifier: {host}");
                let fields = json!({"host": host, "remote_addr": "203.0.113.9:1", "user_agent": self.evil(), "error": error});
                (
                    "warn",
                    "tls.issuance.acme",
                    "looking up info for HTTP challenge".to_owned(),
                    fields,
                )
            }
            _ => {
                let fields = json!({"remote_addr": "203.0.113.9:1", "server_name": NAME,
                    "error": "no information found to solve challenge for identifier: start.example.test"});
                ("error", "tls", "tls-alpn challenge".to_owned(), fields)
            }
        }
    }

    /// One line without its line break, so many seconds since the epoch.
    pub(crate) fn line(&mut self, at: f64) -> String {
        let encoder = match self.below(20) {
            0..14 => Encoder::Json,
            14 | 15 => Encoder::Renamed,
            16 => Encoder::Nameless,
            _ => Encoder::Console,
        };
        let (level, logger, msg, fields) = self.entry();
        // Without their logger the lines of a handler have nothing but their request.
        let encoder = match encoder {
            Encoder::Nameless if fields.get("request").is_none() => Encoder::Json,
            encoder => encoder,
        };
        let line = print(encoder, at, (level, logger, &msg, &fields));
        // A message in a console line has its quotes as they came, so a tail of it may be anything.
        if matches!(encoder, Encoder::Console) || !self.0.chance(2) {
            return line;
        }
        // A line that was torn, where the stranger's own text begins or anywhere.
        let quoted = line.match_indices("{\\\"").map(|(place, _)| place);
        let places: Vec<usize> = quoted.chain([self.below(line.len())]).collect();
        let place = line.floor_char_boundary(places[self.below(places.len())]);
        let (head, tail) = line.split_at(place);
        (if self.0.chance(25) { head } else { tail }).to_owned()
    }
}

/// Prints as zap does: its own keys first, every quote and control character of a JSON text escaped.
fn print(
    encoder: Encoder,
    at: f64,
    (level, logger, msg, fields): (&str, &str, &str, &Value),
) -> String {
    let capital = level.to_uppercase();
    #[expect(clippy::cast_possible_truncation, reason = "times of this century")]
    let micros = (at * 1e6) as i64;
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    let wall = time.format("%Y/%m/%d %H:%M:%S%.3f");
    let quoted = json!(msg);
    match encoder {
        Encoder::Json => line(level, at, logger, msg, fields),
        Encoder::Renamed => {
            let time = time.format("%Y-%m-%dT%H:%M:%S%.3f+0000");
            let head = format!(
                r#"{{"severity":"{capital}","time":"{time}","name":"{logger}","message":{quoted}"#
            );
            joined(&head, fields)
        }
        Encoder::Nameless => joined(
            &format!(r#"{{"level":"{level}","ts":"{wall}","msg":{quoted}"#),
            fields,
        ),
        Encoder::Console => {
            // The console encoder prints a message as it is: one with a line break is two lines, and
            // nothing tells the second from Caddy's own.
            let msg = msg.replace(['\n', '\r'], " ");
            let mut line = format!("{wall}\t\u{1b}[34m{capital}\u{1b}[0m\t{logger}\t{msg}");
            if *fields != json!({}) {
                let _written = write!(line, "\t{fields}");
            }
            line
        }
    }
}
