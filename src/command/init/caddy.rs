//! Where a Caddy logs, from its own running configuration.

use serde_json::Value;
use std::path::PathBuf;

/// A log of Caddy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Log {
    /// A file.
    File(PathBuf),
    /// The journal of a unit.
    Journal(String),
    /// What the container of this name writes.
    Docker(String),
}

/// What the default log of a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DefaultLog {
    /// The file it goes to; `None` for standard error, which a unit's journal or a container's log has.
    pub(super) file: Option<PathBuf>,
    /// What keeps certificate lines out of it, in words.
    pub(super) obstacle: Option<String>,
}

/// Reads the JSON of `GET /config/` (Caddy 2.6 to 2.11, `logging.logs.default`).
pub(super) fn default_log(config: &Value) -> DefaultLog {
    let log = config.pointer("/logging/logs/default");
    let text = |pointer: &str| {
        log.and_then(|log| log.pointer(pointer))
            .and_then(Value::as_str)
    };
    let file = match text("/writer/output") {
        Some("file") => text("/writer/filename").map(PathBuf::from),
        _ => None,
    };
    let level = text("/level").unwrap_or("INFO").to_uppercase();
    let format = format(log.and_then(|log| log.get("encoder")));
    let obstacle = if text("/writer/output") == Some("discard") {
        Some("its default log is discarded".to_owned())
    } else if !matches!(level.as_str(), "INFO" | "DEBUG") {
        Some(format!(
            "its default log has level {level}, so no expiry is in it; set `level INFO`"
        ))
    } else if !matches!(format, "json" | "console") {
        Some(format!(
            "its default log has format {format}, which cannot be read; set `format json`"
        ))
    } else {
        None
    };
    DefaultLog { file, obstacle }
}

/// How lines look in the end: `filter` and `append` change the fields of another encoder's.
fn format(encoder: Option<&Value>) -> &str {
    let mut encoder = encoder;
    loop {
        let format = encoder.and_then(|one| one.get("format")?.as_str());
        match format.unwrap_or("json") {
            "filter" | "append" => encoder = encoder.and_then(|one| one.get("wrap")),
            format => return format,
        }
    }
}

/// Where the storage of certificates is, by the last line of a log that says it. Caddy 2.6 to 2.11 say
/// `cleaning storage unit` at every start and once a day.
pub(super) fn storage(log: &str) -> Option<String> {
    let lines = log.lines().rev();
    let mut cleaning = lines.filter(|line| line.contains("\"cleaning storage unit\""));
    cleaning.find_map(|line| {
        let entry: Value = serde_json::from_str(line).ok()?;
        if entry.get("msg")?.as_str()? != "cleaning storage unit" {
            return None;
        }
        // 2.6 calls it `description`, later ones `storage`.
        let storage = entry.get("storage").or_else(|| entry.get("description"))?;
        let storage = storage.as_str()?;
        let path = storage.strip_prefix("FileStorage:").unwrap_or(storage);
        Some(path.chars().filter(|one| !one.is_control()).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_file_of_the_default_log_is_found() {
        let config = json!({"logging": {"logs": {"default": {
            "writer": {"output": "file", "filename": "/var/log/caddy/caddy.log"},
            "encoder": {"format": "json"},
        }}}});
        let expected = DefaultLog {
            file: Some("/var/log/caddy/caddy.log".into()),
            obstacle: None,
        };
        assert_eq!(default_log(&config), expected);
        assert_eq!(default_log(&json!({"apps": {}})), DefaultLog::default());
        assert_eq!(default_log(&json!(null)), DefaultLog::default());
    }

    #[test]
    fn the_storage_is_what_caddy_said_last_and_no_stranger() {
        let log = concat!(
            r#"{"level":"info","msg":"cleaning storage unit","description":"FileStorage:/old"}"#,
            "\n",
            r#"{"level":"info","msg":"cleaning storage unit","storage":"FileStorage:/var/lib/caddy"}"#,
            "\n",
            r#"{"level":"info","logger":"http.log.access","msg":"handled request","uri":"\"cleaning storage unit\"","storage":"/evil"}"#,
            "\n",
        );
        assert_eq!(storage(log).as_deref(), Some("/var/lib/caddy"));
        assert_eq!(storage("nothing\n"), None);
    }

    #[test]
    fn every_format_that_is_read_is_fine() {
        for encoder in [
            json!({"format": "console"}),
            json!({"format": "filter"}),
            json!({"format": "append", "wrap": {"format": "filter", "wrap": {"format": "console"}}}),
        ] {
            let config = json!({"logging": {"logs": {"default": {"encoder": encoder}}}});
            assert_eq!(default_log(&config).obstacle, None);
        }
    }

    #[test]
    fn what_keeps_certificate_lines_out_is_said() {
        for (default, word) in [
            (json!({"level": "ERROR"}), "level ERROR"),
            (json!({"encoder": {"format": "logfmt"}}), "format logfmt"),
            (
                json!({"encoder": {"format": "filter", "wrap": {"format": "logfmt"}}}),
                "format logfmt",
            ),
            (json!({"writer": {"output": "discard"}}), "discarded"),
        ] {
            let config = json!({"logging": {"logs": {"default": default}}});
            let obstacle = default_log(&config).obstacle.unwrap();
            assert!(obstacle.contains(word), "{obstacle}");
        }
    }
}
