//! Log lines in the JSON that zap writes: keys in the order they were added, nothing sorted.

use crate::clock::Moment;
use std::fmt::Write as _;

/// A JSON object under construction.
pub(crate) struct Json(String);

impl Json {
    pub(crate) fn object() -> Self {
        Self(String::from("{"))
    }

    /// The head of a log line; an empty logger is left out, as zap does.
    pub(crate) fn line(level: &str, at: Moment, logger: &str, msg: &str) -> Self {
        let head = Self::object().text("level", level).seconds("ts", at);
        let head = if logger.is_empty() {
            head
        } else {
            head.text("logger", logger)
        };
        head.text("msg", msg)
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, &quoted(value))
    }

    pub(crate) fn list(self, key: &str, values: &[&str]) -> Self {
        let items: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        self.raw(key, &format!("[{}]", items.join(",")))
    }

    pub(crate) fn number(self, key: &str, value: u64) -> Self {
        self.raw(key, &value.to_string())
    }

    pub(crate) fn truth(self, key: &str, value: bool) -> Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// A duration, or a moment in seconds since the epoch.
    pub(crate) fn seconds(self, key: &str, value: Moment) -> Self {
        self.raw(key, &value.text())
    }

    /// A value that is JSON already.
    pub(crate) fn raw(mut self, key: &str, value: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(key));
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    pub(crate) fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A string with zap's escapes: it leaves `<`, `>`, `&` and everything above ASCII alone.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            low if u32::from(low) < 0x20 => {
                write!(text, "\\u{:04x}", u32::from(low)).unwrap_or_default();
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// All lines of the log, each with the moment it reached the file.
#[derive(Default)]
pub(crate) struct Log(Vec<(Moment, String)>);

impl Log {
    /// Adds a line that is written when it happens.
    pub(crate) fn add(&mut self, at: Moment, line: Json) {
        self.0.push((at, line.close()));
    }

    /// Adds a line that reaches the file a little later than its own stamp says.
    pub(crate) fn add_late(&mut self, written: Moment, line: Json) {
        self.add(written, line);
    }

    /// The file: one line per entry, in the order of writing.
    pub(crate) fn into_text(mut self) -> String {
        self.0.sort_by_key(|(written, _)| *written);
        let mut text = String::new();
        for (_, line) in self.0 {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}
