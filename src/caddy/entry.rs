//! A line decoded: time, level, logger, message, fields.

use crate::caddy::ansi;
use crate::caddy::console;
use crate::caddy::duration::{self, Unit};
use crate::caddy::layout::{self, Layout, Places};
use crate::caddy::object;
use crate::caddy::salvage;
use crate::caddy::stamp;
use crate::caddy::vocabulary::{completed, look_up};
use crate::time::LogTime;
use chrono::{FixedOffset, TimeDelta};
use serde_json::{Number, Value};

/// The severity Caddy gave a line. Never trusted alone: some failures are logged as info.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `warn`
    Warn,
    /// `error` and above
    Error,
    /// Absent, or a word Caddy does not use.
    Unknown,
}

impl Level {
    /// Reads a level as any of Caddy's encoders print it: in capitals, in colour.
    pub fn from_word(word: &str) -> Self {
        match ansi::without(word).to_ascii_lowercase().as_str() {
            "debug" => Self::Debug,
            "info" => Self::Info,
            "warn" => Self::Warn,
            "error" | "dpanic" | "panic" | "fatal" => Self::Error,
            _ => Self::Unknown,
        }
    }

    /// Caddy's word for it, empty when unknown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Unknown => "",
        }
    }
}

/// A decoded line.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When Caddy says it happened; `None` when the line has no readable time.
    pub at: Option<LogTime>,
    /// Caddy's level.
    pub level: Level,
    /// The logger's name; empty where Caddy leaves it out (certmagic v0.21.5 to v0.25.2 drop it).
    pub logger: String,
    /// The message.
    pub msg: String,
    fields: Vec<(String, Value)>,
    /// The zone of times that are printed without one.
    zone: FixedOffset,
    /// What bare numbers of length count.
    unit: Units,
}

/// The unit of the lengths of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Units {
    /// Proven by the entry itself.
    Proven(Unit),
    /// Not proven: each number speaks for itself, or for what the entry before have shown.
    Each {
        /// The stamp is a whole number of seconds, as only people write it.
        by_hand: bool,
        whole: Option<Unit>,
    },
}

/// Why a line is not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Neither one complete JSON object nor a console line; the column (from 1) is where it stops
    /// being an object.
    NotJson {
        /// Column, in bytes from 1; 0 when unknown.
        column: usize,
    },
    /// An object in which nothing is a message.
    NoMessage,
}

impl Entry {
    /// Decodes one line in Caddy's own layout.
    pub fn decode(line: &[u8]) -> Result<Self, Unreadable> {
        Self::read(line, &Layout::default())
    }

    /// Decodes one line, from which everything that transported it has been taken off. What is broken
    /// is read as far as it goes, and counts only when it still says something about certificates.
    pub fn read(line: &[u8], layout: &Layout) -> Result<Self, Unreadable> {
        let line = line.trim_ascii();
        if line.starts_with(b"{") {
            return match object::fields(line) {
                Ok(fields) => Self::of_fields(fields, layout),
                Err(column) => Self::salvaged(line, layout, column),
            };
        }
        match console::read(line, layout.zone) {
            Some(columns) => Ok(Self::of_columns(columns, layout)),
            None => Self::salvaged(line, layout, object::column(line)),
        }
    }

    fn salvaged(line: &[u8], layout: &Layout, column: usize) -> Result<Self, Unreadable> {
        salvage::fields(line)
            .and_then(|fields| Self::of_fields(fields, layout).ok())
            .map(Self::completed)
            .filter(|entry| look_up(&entry.msg).is_some())
            .ok_or(Unreadable::NotJson { column })
    }

    /// With its message as it was before it was clipped, where nothing comes behind that.
    fn completed(mut self) -> Self {
        if let Some(whole) = completed(&self.msg) {
            whole.clone_into(&mut self.msg);
        }
        self
    }

    /// Of duplicate keys the first counts, since zap's own come first and a site may add fields of the
    /// same name (`log_append`).
    fn of_fields(fields: Vec<(String, Value)>, layout: &Layout) -> Result<Self, Unreadable> {
        let places = Places::find(&fields, layout).ok_or(Unreadable::NoMessage)?;
        let at = |place: Option<usize>| Some(&fields.get(place?)?.1);
        let text = |place: Option<usize>| at(place).and_then(Value::as_str);
        let msg = text(Some(places.message)).unwrap_or_default().to_owned();
        let level = text(places.level).map_or(Level::Unknown, Level::from_word);
        let logger = text(places.logger).unwrap_or_default().to_owned();
        let stamp = at(places.time).and_then(|value| stamp_of(value, layout.zone));
        Ok(Self::new((stamp, level, logger, msg), fields, layout))
    }

    fn of_columns(columns: console::Columns, layout: &Layout) -> Self {
        let is_cut = columns.fields.is_empty();
        let head = (columns.at, columns.level, columns.logger, columns.msg);
        let entry = Self::new(head, columns.fields, layout);
        if is_cut { entry.completed() } else { entry }
    }

    fn new(
        (at, level, logger, msg): (Option<LogTime>, Level, String, String),
        fields: Vec<(String, Value)>,
        layout: &Layout,
    ) -> Self {
        let level = level_of_stdlib(&msg).unwrap_or(level);
        let by_hand = at.is_some_and(|at| is_whole_number(at, &fields));
        let mut entry = Self {
            at,
            level,
            logger,
            msg,
            fields,
            zone: layout.zone,
            unit: Units::Each {
                by_hand,
                whole: layout.unit,
            },
        };
        if let Some(unit) = entry.proof() {
            entry.unit = Units::Proven(unit);
        }
        entry
    }

    /// What the entry itself tells of the unit of its lengths: thirty days are known, and what remains
    /// until a known expiry can be counted.
    fn proof(&self) -> Option<Unit> {
        let number = |name: &str| self.field(name).and_then(Value::as_f64);
        if let Some(unit) = number("max_duration").and_then(Unit::of_max_duration) {
            return Some(unit);
        }
        let (at, remaining) = (self.at?, number("remaining")?);
        let expiry = EXPIRIES.iter().find_map(|field| self.moment(field))?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "far below 2^53 for plausible times"
        )]
        let seconds = (expiry - at).num_milliseconds() as f64 / 1e3;
        [
            (Unit::Seconds, 1.0),
            (Unit::Millis, 1e3),
            (Unit::Nanos, 1e9),
        ]
        .into_iter()
        .find(|(_, factor)| (remaining / factor - seconds).abs() <= 10.0)
        .map(|(unit, _)| unit)
    }

    /// The unit that the entry proves and that prints whole numbers: the entries after it, which may
    /// prove none, are likely to count in it, too.
    pub fn proven_unit(&self) -> Option<Unit> {
        match self.unit {
            Units::Proven(unit @ (Unit::Millis | Unit::Nanos)) => Some(unit),
            Units::Proven(Unit::Seconds) | Units::Each { .. } => None,
        }
    }

    /// Whether it is one of the ocean of access and proxy entries, by its logger, or because a request
    /// is in it: whatever else stands there, a stranger may have chosen.
    pub fn is_traffic(&self) -> bool {
        let texts = [&self.logger, &self.msg];
        texts.iter().any(|text| layout::is_traffic(text)) || layout::has_request(&self.fields)
    }

    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// A field as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    /// A field as a whole number.
    pub fn count(&self, name: &str) -> Option<u32> {
        u32::try_from(self.field(name)?.as_u64()?).ok()
    }

    /// A field as a moment: a number of seconds, milliseconds or nanoseconds, or a printed time.
    /// Caddy's zero time (-6795364578.87) and `null` are no moments.
    pub fn moment(&self, name: &str) -> Option<LogTime> {
        stamp_of(self.field(name)?, self.zone).filter(|time| time.micros() > 0)
    }

    /// A field as a length: a number, or a Go duration such as `1m0s`.
    pub fn length(&self, name: &str) -> Option<TimeDelta> {
        match self.field(name)? {
            Value::Number(number) => self.unit_of(name, number).read(&number.to_string()),
            Value::String(text) => duration::go_duration(text),
            _ => None,
        }
    }

    /// The unit of one number. In seconds a measured length has a fraction, unless people wrote the line;
    /// only what was set in a configuration is whole.
    fn unit_of(&self, name: &str, number: &Number) -> Unit {
        let (by_hand, whole) = match self.unit {
            Units::Proven(unit) => return unit,
            Units::Each { by_hand, whole } => (by_hand, whole),
        };
        let value = number.as_f64().unwrap_or_default();
        let is_whole = number.is_i64() || number.is_u64();
        match whole {
            _ if !is_whole => Unit::Seconds,
            Some(unit) => unit,
            None if !by_hand && name == "remaining" => Unit::of_whole(value),
            None if name == "renew_check_interval" => Unit::of_interval(value),
            None => Unit::of_magnitude(value),
        }
    }

    /// A field as a list of texts; a single text is a list of one.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.field(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// The `error` field as text. Since acmez v3 it may be an ACME problem object, which is spelled
    /// here the way acmez prints it (acmez v3.1.6 `acme/problem.go`).
    pub fn error(&self) -> Option<String> {
        match self.field("error")? {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) => self.problem("error"),
            _ => None,
        }
    }

    /// An ACME problem object under `name`, spelled as `TYPE - DETAIL`; a text is returned as it is.
    pub fn problem(&self, name: &str) -> Option<String> {
        let value = self.field(name)?;
        let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) => Some(format!("{} - {}", part("type"), part("detail"))),
            _ => None,
        }
    }
}

/// Fields that tell to the second when what `remaining` counts to is reached.
const EXPIRIES: [&str; 2] = ["expiration", "cert_expiry"];

fn stamp_of(value: &Value, zone: FixedOffset) -> Option<LogTime> {
    match value {
        Value::Number(number) => stamp::number(&number.to_string()),
        Value::String(text) => stamp::text_in(text, zone),
        _ => None,
    }
}

/// Whether one of the fields is this time as a whole number of seconds.
fn is_whole_number(at: LogTime, fields: &[(String, Value)]) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "far below 2^53 for plausible times"
    )]
    let seconds = at.seconds() as f64;
    let is_stamp = |value: &Value| {
        value
            .as_f64()
            .is_some_and(|number| number.total_cmp(&seconds).is_eq())
    };
    at.micros() % 1_000_000 == 0 && fields.iter().any(|(_, value)| is_stamp(value))
}

/// What Go's own `log` package printed comes as an info entry; the level is in the text (Caddy v2.11.7
/// `logging.go`, `zap.RedirectStdLog`).
fn level_of_stdlib(msg: &str) -> Option<Level> {
    const TAGS: [(&str, Level); 7] = [
        ("[DEBUG]", Level::Debug),
        ("[INFO]", Level::Info),
        ("[WARNING]", Level::Warn),
        ("[WARN]", Level::Warn),
        ("[ERROR]", Level::Error),
        ("[PANIC]", Level::Error),
        ("panic: ", Level::Error),
    ];
    let tag = TAGS.iter().find(|(tag, _)| msg.starts_with(tag))?;
    Some(tag.1)
}

#[cfg(test)]
mod tests;
