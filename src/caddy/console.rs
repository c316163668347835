//! A line of Caddy's console encoder: time, level, logger, caller, message and an object, with tabs in
//! between. Each may be missing. Where tabs have become spaces, only the object at the end proves that
//! it is such a line: bare quotes are the encoder's own.

use crate::caddy::balance::Balance;
use crate::caddy::entry::Level;
use crate::caddy::layout;
use crate::caddy::object;
use crate::caddy::printed::{self, Printed};
use crate::caddy::salvage;
use crate::caddy::stamp;
use crate::caddy::vocabulary::{is_beginning, look_up};
use crate::time::LogTime;
use chrono::FixedOffset;
use serde_json::Value;

/// A console line, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// The time, where one is printed that can be read.
    pub at: Option<LogTime>,
    /// The level.
    pub level: Level,
    /// The logger, or nothing.
    pub logger: String,
    /// The message.
    pub msg: String,
    /// The fields of the object.
    pub fields: Vec<(String, Value)>,
}

/// Longest line of which the columns are looked at for a start.
const HEAD_BYTES: usize = 128;

/// Whether a text begins as a console line does: with a time and a level, or with a level.
pub fn begins(line: &[u8], zone: FixedOffset) -> bool {
    let head = line.get(..HEAD_BYTES.min(line.len())).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let (_, rest) = time_column(&head, zone);
    level_column(rest).0 != Level::Unknown
}

/// Whether a line ends in the middle of a message that Caddy is known to say.
pub fn ends_in_message(line: &[u8]) -> bool {
    let last = line.rsplit(|byte| *byte == b'\t').next();
    let text = last.and_then(|last| std::str::from_utf8(last).ok());
    line.contains(&b'\t') && text.is_some_and(|text| is_beginning(text.trim_end()))
}

/// Reads a console line; `None` when it is none.
pub fn read(line: &[u8], zone: FixedOffset) -> Option<Columns> {
    let line = std::str::from_utf8(line).ok()?;
    let (time, rest) = time_column(line, zone);
    let (level, rest) = level_column(rest);
    let columns = Columns {
        at: time.moment(),
        level,
        logger: String::new(),
        msg: String::new(),
        fields: Vec::new(),
    };
    if line.contains('\t') {
        tabbed(columns, rest)
    } else {
        spaced(columns, rest)
    }
}

/// The time at the start, if there is one, and what follows.
fn time_column(line: &str, zone: FixedOffset) -> (Printed, &str) {
    let column = |end: usize| {
        let (text, rest) = line.split_at_checked(end)?;
        let time = match printed::read(text, zone) {
            Printed::Other => number(text),
            time => time,
        };
        (time != Printed::Other).then_some((time, rest))
    };
    // A time may hold spaces itself: the longest that reads as one counts.
    let spaced = || {
        let ends = line.match_indices(' ').take(6);
        ends.filter_map(|(end, _)| column(end)).last()
    };
    let found = line.find('\t').and_then(column).or_else(spaced);
    found.map_or((Printed::Other, line), |(time, rest)| {
        (time, after_gap(rest))
    })
}

/// Seconds since the epoch. certmagic's own logger rounds them to six digits (`1.79539e+09`), which is
/// no moment any more (certmagic v0.24.0 `certmagic.go`, `defaultLogger`).
fn number(text: &str) -> Printed {
    const SENSIBLE: std::ops::Range<f64> = 1e9..1e19;
    if !text.parse().is_ok_and(|value| SENSIBLE.contains(&value)) {
        return Printed::Other;
    }
    let is_exact = !text.contains(['e', 'E']) || text.len() > 14;
    let moment = stamp::number(text).filter(|_| is_exact);
    moment.map_or(Printed::Vague, Printed::At)
}

fn level_column(text: &str) -> (Level, &str) {
    let end = text.find(['\t', ' ']).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    match Level::from_word(word) {
        Level::Unknown => (Level::Unknown, text),
        level => (level, after_gap(rest)),
    }
}

fn after_gap(text: &str) -> &str {
    text.strip_prefix('\t')
        .unwrap_or(text)
        .trim_start_matches(' ')
}

/// Columns behind time and level, with tabs in between. Without time and level it must be a message
/// that Caddy is known to say.
fn tabbed(mut columns: Columns, rest: &str) -> Option<Columns> {
    let mut parts: Vec<&str> = rest.split('\t').collect();
    if let Some(object) = parts.last().filter(|part| part.starts_with('{')) {
        columns.fields = fields(object).or_else(|| is_cut(object).then(Vec::new))?;
        parts.pop();
    }
    parts.pop()?.clone_into(&mut columns.msg);
    let is_bare = columns.level == Level::Unknown;
    for part in parts {
        if is_token(part) && !is_caller(part) {
            part.clone_into(&mut columns.logger);
        } else if !is_caller(part) {
            return None;
        }
    }
    (!is_bare || is_known(&columns)).then_some(columns)
}

/// The same with spaces.
fn spaced(mut columns: Columns, rest: &str) -> Option<Columns> {
    let (object, mut text) = rest.match_indices(" {\"").find_map(|(at, _)| {
        let (text, object) = rest.split_at_checked(at)?;
        Some((fields(object.trim_start())?, text.trim()))
    })?;
    columns.fields = object;
    // A logger and a caller may stand before the message.
    for _ in 0..2 {
        if look_up(text).is_some() {
            break;
        }
        let Some((token, after)) = text.split_once(' ') else {
            break;
        };
        if is_caller(token) {
            text = after.trim_start();
        } else if columns.logger.is_empty() && is_logger(token, after) {
            token.clone_into(&mut columns.logger);
            text = after.trim_start();
        }
    }
    text.clone_into(&mut columns.msg);
    let is_bare = columns.level == Level::Unknown;
    (!text.is_empty() && (!is_bare || is_known(&columns))).then_some(columns)
}

/// Whether Caddy is known to say this, under a name it has: without a level nothing else proves that a
/// line is Caddy's.
fn is_known(columns: &Columns) -> bool {
    look_up(&columns.msg).is_some()
        && (columns.logger.is_empty() || layout::is_logger(&columns.logger))
}

/// An object that is whole, or was cut.
fn fields(object: &str) -> Option<Vec<(String, Value)>> {
    object::fields(object.as_bytes())
        .ok()
        .or_else(|| salvage::fields(object.as_bytes()))
}

/// Whether a text is so little of an object that nothing can be read of it.
fn is_cut(text: &str) -> bool {
    !Balance::default().feed(text.as_bytes())
}

/// Loggers have dots, or are followed by the gap of a column, or stand before a known message.
fn is_logger(token: &str, after: &str) -> bool {
    is_token(token)
        && (token.contains('.') || after.starts_with(' ') || look_up(after.trim_start()).is_some())
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// `certmagic/config.go:123`
fn is_caller(text: &str) -> bool {
    text.rsplit_once(".go:").is_some_and(|(file, line)| {
        !file.contains(' ') && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset, Utc};

    const RETRY: &str = r#"{"error": "[a.b] Renew: x", "attempt": 2}"#;

    /// Whether it has the time, its level, logger, message and number of fields.
    type Parts = (bool, &'static str, String, String, usize);

    fn parts(line: &str) -> Option<Parts> {
        let read = read(line.as_bytes(), Utc.fix())?;
        let at = read.at.map(LogTime::seconds) == Some(1_777_845_841);
        Some((
            at,
            read.level.word(),
            read.logger,
            read.msg,
            read.fields.len(),
        ))
    }

    fn is(at: bool, level: &'static str, logger: &str, msg: &str, fields: usize) -> Parts {
        (at, level, logger.to_owned(), msg.to_owned(), fields)
    }

    #[test]
    fn columns_may_be_missing() {
        let whole = Some(is(true, "error", "tls.renew", "will retry", 2));
        let time = "2026/05/03 22:04:01.489";
        assert_eq!(
            parts(&format!("{time}\tERROR\ttls.renew\twill retry\t{RETRY}")),
            whole
        );
        assert_eq!(
            parts(&format!(
                "{time}\terror\ttls.renew\tasync.go:1\twill retry\t{RETRY}"
            )),
            whole
        );
        assert_eq!(
            parts(&format!(
                "1777845841.489\tERROR\ttls.renew\twill retry\t{RETRY}"
            )),
            whole
        );
        assert_eq!(
            parts(&format!("ERROR\ttls.renew\twill retry\t{RETRY}")),
            Some(is(false, "error", "tls.renew", "will retry", 2))
        );
        assert_eq!(
            parts(&format!("tls.renew\twill retry\t{RETRY}")),
            Some(is(false, "", "tls.renew", "will retry", 2))
        );
        assert_eq!(
            parts(&format!("{time}\tERROR\twill retry\t{RETRY}")),
            Some(is(true, "error", "", "will retry", 2))
        );
        assert_eq!(
            parts(&format!("{time}\tINFO\tshutdown complete")),
            Some(is(true, "info", "", "shutdown complete", 0))
        );
        assert_eq!(
            parts("1.79539e+09\tinfo\tmaintenance\tstarted"),
            Some(is(false, "info", "maintenance", "started", 0))
        );
    }

    #[test]
    fn tabs_may_have_become_spaces() {
        let whole = Some(is(true, "error", "tls.renew", "will retry", 2));
        let time = "2026/05/03 22:04:01.489";
        for gap in [" ", "  ", "        "] {
            let line = [time, "ERROR", "tls.renew", "will retry", RETRY].join(gap);
            assert_eq!(parts(&line), whole, "{line}");
            let line = [time, "ERROR", "tls.renew", "x/y.go:12", "will retry", RETRY].join(gap);
            assert_eq!(parts(&line), whole, "{line}");
            let line = [time, "ERROR", "will retry", RETRY].join(gap);
            assert_eq!(
                parts(&line),
                Some(is(true, "error", "", "will retry", 2)),
                "{line}"
            );
        }
    }

    #[test]
    fn what_strangers_write_is_no_console_line() {
        for line in [
            "1.2.3.4 - - [03/May/2026:22:04:01 +0000] \"GET / HTTP/1.1\" \"x\twill retry\t{\"error\":\"[a.b] Renew: x\"}\"",
            "2026/05/03 22:04:01.489  ERROR  tls.renew  will retry",
            "GET /\twill retry\t{\"error\":\"[a.b] Renew: x\"}",
            "203.0.113.9 will retry {\"error\":\"[a.b] Renew: x\"}",
            "203.0.113.9\twill retry\t{\"error\":\"[a.b] Renew: x\"}",
            "will retry",
            "",
        ] {
            assert_eq!(parts(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_begins_with_a_time_or_a_level() {
        for (line, does) in [
            ("2026/05/03 22:04:01.489\tERROR\tx", true),
            ("INFO\tx", true),
            ("Sun, 03 May 2026 22:04:01 UTC  INFO  x", true),
            ("\tgithub.com/caddyserver/certmagic/async.go:1", false),
            ("main.main()", false),
        ] {
            assert_eq!(begins(line.as_bytes(), Utc.fix()), does, "{line}");
        }
    }
}
