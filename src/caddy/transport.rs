//! What brings a line puts its own around it: Docker, Kubernetes, the journal, compose. One layer is
//! taken off at a time, always from the very start of the line and never from the middle, so that what
//! a stranger quotes in a URI or a header stays inside its line.

use crate::caddy::console;
use crate::caddy::stamp;
use crate::time::LogTime;
use chrono::{Offset, Utc};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// One layer, taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer<'a> {
    /// What was inside.
    pub inside: Cow<'a, [u8]>,
    /// Who wrote it, as far as the layer tells: pieces of one text have it in common.
    pub writer: Cow<'a, str>,
    /// When it was brought.
    pub at: Option<LogTime>,
    /// Whether the layer cuts texts into pieces, and which piece this is.
    pub piece: Piece,
}

/// What a line is to its text, in the words of what brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The layer does not cut.
    Line,
    /// More of the text follows.
    Part,
    /// The text ends here.
    Last,
}

/// Longest prefix that is looked for.
const PREFIX_BYTES: usize = 160;

/// Takes one layer off; `None` when there is none.
pub fn layer(line: &[u8]) -> Option<Layer<'_>> {
    match line.first()? {
        b'{' => docker(line).or_else(|| journal_object(line)),
        b'<' => priority(line),
        b'[' => pod(line).or_else(|| syslog(line)),
        b'M' if line.starts_with(b"MESSAGE=") => Some(plain(line.get(8..)?, "export", None)),
        b'0'..=b'9' => stamped(line).or_else(|| syslog(line)),
        _ => compose(line).or_else(|| syslog(line)),
    }
}

/// A line of `journalctl -o export` that is not the message.
pub fn export_field(line: &[u8]) -> Option<(&str, &[u8])> {
    let (name, value) = split(line, b'=')?;
    let name = std::str::from_utf8(name).ok()?;
    let shaped = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (!name.is_empty() && name.bytes().all(shaped)).then_some((name, value))
}

/// A binary field of `journalctl -o export` begins with its length, eight bytes of which most are zero;
/// so does, with nothing but zeros, a log that was cut under its writer. What comes behind them.
pub fn behind_zeros(line: &[u8]) -> &[u8] {
    let head = line.get(..8.min(line.len())).unwrap_or_default();
    let is_hole = head.starts_with(&[0]);
    let zeros = memchr::memmem::find(head, &[0; 5]).or(is_hole.then_some(0));
    let rest = zeros.and_then(|zeros| line.get(zeros..)).unwrap_or(line);
    let end = rest
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}

fn plain<'a>(inside: &'a [u8], writer: &'a str, at: Option<LogTime>) -> Layer<'a> {
    Layer {
        inside: Cow::Borrowed(inside),
        writer: Cow::Borrowed(writer),
        at,
        piece: Piece::Line,
    }
}

/// A line of Docker's json-file: a text without its newline is not the last piece (moby v27
/// `daemon/logger/copier.go`).
fn docker(line: &[u8]) -> Option<Layer<'_>> {
    #[derive(Deserialize)]
    struct Object {
        log: String,
        stream: String,
        time: String,
    }
    if !line.starts_with(b"{\"log\":\"") {
        return None;
    }
    let object: Object = serde_json::from_slice(line).ok()?;
    if !matches!(object.stream.as_str(), "stdout" | "stderr") {
        return None;
    }
    let mut inside = object.log.into_bytes();
    let piece = if inside.last() == Some(&b'\n') {
        inside.pop();
        Piece::Last
    } else {
        Piece::Part
    };
    Some(Layer {
        inside: Cow::Owned(inside),
        writer: Cow::Owned(format!("docker {}", object.stream)),
        at: stamp::text(&object.time),
        piece,
    })
}

/// A line of `journalctl -o json`: the message is text, or numbers where it cannot be printed.
fn journal_object(line: &[u8]) -> Option<Layer<'_>> {
    #[derive(Deserialize)]
    struct Object {
        #[serde(rename = "MESSAGE")]
        message: Value,
        #[serde(rename = "__REALTIME_TIMESTAMP")]
        at: String,
        #[serde(rename = "_LINE_BREAK", default)]
        line_break: Value,
        #[serde(rename = "CONTAINER_PARTIAL_MESSAGE", default)]
        partial: Value,
        #[serde(rename = "_STREAM_ID", default)]
        stream: Value,
        #[serde(rename = "CONTAINER_ID", default)]
        container: Value,
    }
    memchr::memmem::find(line, b"\"__REALTIME_TIMESTAMP\"")?;
    let object: Object = serde_json::from_slice(line).ok()?;
    let mut inside = match object.message {
        Value::String(text) => text.into_bytes(),
        Value::Array(bytes) => bytes.iter().map(byte).collect::<Option<Vec<u8>>>()?,
        _ => Vec::new(),
    };
    for byte in inside.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b' ';
    }
    let goes_on = object.line_break == "line-max" || object.partial == "true";
    let writer = object.stream.as_str().or(object.container.as_str());
    let at = object.at.parse().ok().map(LogTime::from_micros);
    Some(Layer {
        inside: Cow::Owned(inside),
        writer: Cow::Owned(format!("journal {}", writer.unwrap_or_default())),
        at: at.filter(|at| at.is_plausible()),
        piece: if goes_on { Piece::Part } else { Piece::Last },
    })
}

fn byte(value: &Value) -> Option<u8> {
    u8::try_from(value.as_u64()?).ok()
}

/// `<6>`, by which `format journald` tells the journal the level.
fn priority(line: &[u8]) -> Option<Layer<'_>> {
    let (digits, inside) = split(line.get(1..)?, b'>')?;
    let is_number = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| plain(inside, "", None))
}

/// `[pod/NAME/CONTAINER] ` of `kubectl logs --prefix`.
fn pod(line: &[u8]) -> Option<Layer<'_>> {
    let (name, inside) = split(line.strip_prefix(b"[pod/")?, b']')?;
    let shaped = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let writer = std::str::from_utf8(name)
        .ok()
        .filter(|_| name.iter().all(shaped))?;
    Some(plain(inside.strip_prefix(b" ")?, writer, None))
}

/// A line that begins with an RFC 3339 stamp: of CRI, of `kubectl logs --timestamps` and its like.
fn stamped(line: &[u8]) -> Option<Layer<'_>> {
    let (text, inside) = split(line, b' ')?;
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.contains('T'))?;
    let at = stamp::text(text)?;
    let cri = || -> Option<Layer<'_>> {
        let (stream, rest) = split(inside, b' ')?;
        let writer = match stream {
            b"stdout" => "cri stdout",
            b"stderr" => "cri stderr",
            _ => return None,
        };
        let (tags, inside) = split(rest, b' ').unwrap_or((rest, b""));
        let piece = match tags.split(|byte| *byte == b':').next()? {
            b"P" => Piece::Part,
            b"F" => Piece::Last,
            _ => return None,
        };
        Some(Layer {
            piece,
            ..plain(inside, writer, Some(at))
        })
    };
    // In front of a level it is the entry's own time.
    cri().or_else(|| (!console::begins(line, Utc.fix())).then(|| plain(inside, "", Some(at))))
}

/// `NAME  | ` of `docker compose logs`.
fn compose(line: &[u8]) -> Option<Layer<'_>> {
    let head = line.get(..PREFIX_BYTES.min(line.len()))?;
    let bar = memchr::memchr(b'|', head)?;
    let name = std::str::from_utf8(head.get(..bar)?)
        .ok()?
        .trim_end_matches(' ');
    let shaped = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || !name.bytes().all(shaped) {
        return None;
    }
    let inside = line.get(bar + 1..)?;
    Some(plain(
        inside.strip_prefix(b" ").unwrap_or(inside),
        name,
        None,
    ))
}

/// `May 03 22:04:01 host caddy[12]: ` of `journalctl` in all its layouts, and of syslog: whatever the
/// month is called, a time of day stands before a host and a program.
fn syslog(line: &[u8]) -> Option<Layer<'_>> {
    if console::begins(line, Utc.fix()) {
        return None;
    }
    let head = line.get(..PREFIX_BYTES.min(line.len()))?;
    let end = memchr::memmem::find(head, b": ").filter(|end| *end > 0)?;
    let head = std::str::from_utf8(head.get(..end)?).ok()?;
    if head.contains(['"', '{', '\t']) {
        return None;
    }
    let (before, program) = head.rsplit_once(' ')?;
    let with_pid = program
        .strip_suffix(']')
        .and_then(|text| text.split_once('['));
    let is_program = |text: &str| {
        let shaped = |byte: u8| byte.is_ascii_alphanumeric() || b"@._-/\\:".contains(&byte);
        !text.is_empty() && text.bytes().all(shaped)
    };
    let is_sender = match with_pid {
        Some((name, pid)) => is_program(name) && pid.bytes().all(|byte| byte.is_ascii_digit()),
        None => is_program(program) && before.split(' ').any(is_clock),
    };
    let inside = line.get(end + 2..)?;
    is_sender.then(|| plain(inside, program, None))
}

/// `22:04:01`, with or without a fraction.
fn is_clock(word: &str) -> bool {
    let whole = word.split('.').next().unwrap_or_default();
    whole.len() == 8
        && whole.bytes().enumerate().all(|(index, byte)| {
            if matches!(index, 2 | 5) {
                byte == b':'
            } else {
                byte.is_ascii_digit()
            }
        })
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = memchr::memchr(at, bytes)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who wrote it and what, with the number of a piece: 0 of none, 1 of a part, 2 of the last.
    type Taken = (String, String, u8);

    fn taken(line: &str) -> Option<Taken> {
        let layer = layer(line.as_bytes())?;
        let inside = String::from_utf8_lossy(&layer.inside).into_owned();
        Some((layer.writer.into_owned(), inside, layer.piece as u8))
    }

    fn is(writer: &str, inside: &str, piece: u8) -> Taken {
        (writer.to_owned(), inside.to_owned(), piece)
    }

    #[test]
    fn each_layer_is_known_by_its_start() {
        for (line, expected) in [
            (
                r#"{"log":"a\"b\n","stream":"stderr","time":"2026-05-03T22:04:01.1Z"}"#,
                is("docker stderr", "a\"b", 2),
            ),
            (
                r#"{"log":"a","stream":"stdout","attrs":{"x":"y"},"time":"2026-05-03T22:04:01Z"}"#,
                is("docker stdout", "a", 1),
            ),
            (
                "2026-05-03T22:04:01.1Z stderr F {}",
                is("cri stderr", "{}", 2),
            ),
            (
                "2026-05-03T22:04:01.1+02:00 stdout P:x a b",
                is("cri stdout", "a b", 1),
            ),
            ("2026-05-03T22:04:01.1Z stderr F", is("cri stderr", "", 2)),
            ("2026-05-03T22:04:01.1Z {}", is("", "{}", 0)),
            ("caddy-1  | {}", is("caddy-1", "{}", 0)),
            ("caddy|{}", is("caddy", "{}", 0)),
            ("[pod/caddy-7f/caddy] {}", is("caddy-7f/caddy", "{}", 0)),
            ("<6>{}", is("", "{}", 0)),
            (
                "May 03 22:04:01 host caddy[12]: {}",
                is("caddy[12]", "{}", 0),
            ),
            (
                "5\u{6708} 03 22:04:01 host caddy[12]: {}",
                is("caddy[12]", "{}", 0),
            ),
            (
                "Sun 2026-05-03 22:04:01 UTC host caddy.service[12]: {}",
                is("caddy.service[12]", "{}", 0),
            ),
            (
                "1777845841.123456 host caddy[12]: {}",
                is("caddy[12]", "{}", 0),
            ),
            ("[   12.345] host caddy[12]: {}", is("caddy[12]", "{}", 0)),
            (
                "May 03 22:04:01.123456 host caddy: {}",
                is("caddy", "{}", 0),
            ),
            ("MESSAGE={}", is("export", "{}", 0)),
            (
                r#"{"__REALTIME_TIMESTAMP":"1777845841000000","MESSAGE":[123,10,125]}"#,
                is("journal ", "{ }", 2),
            ),
            (
                r#"{"MESSAGE":"a","_LINE_BREAK":"line-max","_STREAM_ID":"f0","__REALTIME_TIMESTAMP":"1"}"#,
                is("journal f0", "a", 1),
            ),
        ] {
            assert_eq!(taken(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_has_no_layer_is_left_alone() {
        for line in [
            r#"{"level":"info","ts":1,"msg":"x","log":"a","stream":"stderr"}"#,
            r#"{"level":"info","headers":{"__REALTIME_TIMESTAMP":["1"],"MESSAGE":["x"]}}"#,
            "2026/05/03 22:04:01.000\tERROR\ttls[1]: x",
            "ERROR  tls.renew  will retry  {\"error\": \"[a.b] Renew: x\"}",
            "1.2.3.4 - - [03/May/2026:22:04:01 +0000] \"GET /x[1]: {} HTTP/1.1\"",
            "GET / caddy | {}",
            "",
        ] {
            assert_eq!(taken(line), None, "{line}");
        }
    }

    /// Else lengths could not be measured against the time that the entry itself has.
    #[test]
    fn the_time_of_a_console_line_is_not_taken_off() {
        for line in [
            "2026-05-03T22:04:01Z  ERROR  tls.renew  will retry  {\"error\": \"x\"}",
            "2026-05-03T22:04:01+02:00 info tls renewing certificate {\"identifier\": \"a.b\"}",
        ] {
            assert_eq!(taken(line), None, "{line}");
        }
    }

    #[test]
    fn zeros_at_the_start_are_passed_over() {
        assert_eq!(behind_zeros(b"\0\0\0{}"), b"{}");
        assert_eq!(behind_zeros(b"\x20\x01\0\0\0\0\0\0{}"), b"{}");
        assert_eq!(behind_zeros(b"{}"), b"{}");
        assert_eq!(export_field(b"_PID=12"), Some(("_PID", &b"12"[..])));
        assert_eq!(export_field(b"x=12"), None);
    }
}
