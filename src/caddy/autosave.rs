//! Which keys a Caddy prints, by its own configuration: the `autosave.json` it keeps, or whatever
//! `caddy adapt` prints.

use crate::caddy::layout::Keys;
use serde_json::Value;

/// Encoders that wrap others; more than a few layers nobody writes.
const DEPTH_MAX: usize = 8;

/// The keys of the log that goes to `file`, else of the one called `default`. `None` where the text is no
/// configuration; a Caddy whose configuration says nothing of them prints the usual ones.
pub fn keys(config: &str, file: Option<&str>) -> Option<Keys> {
    let config: Value = serde_json::from_str(config).ok()?;
    let config = config.as_object()?;
    let logs = config
        .get("logging")
        .and_then(|logging| logging.get("logs"));
    let goes_there = |log: &&Value| {
        let name = log.pointer("/writer/filename").and_then(Value::as_str);
        file.is_some() && name == file
    };
    let log = logs
        .and_then(Value::as_object)
        .and_then(|logs| logs.values().find(goes_there))
        .or_else(|| logs?.get("default"));
    let encoder = log.and_then(|log| log.get("encoder"));
    Some(encoder.map(of_encoder).unwrap_or_default())
}

/// The encoder inside those that wrap it (Caddy v2.11.7 `modules/logging/filterencoder.go` and
/// `appendencoder.go`) has the keys (`encoders.go`).
fn of_encoder(mut encoder: &Value) -> Keys {
    for _ in 0..DEPTH_MAX {
        let Some(inside) = encoder.get("wrap") else {
            break;
        };
        encoder = inside;
    }
    let key = |name: &str| {
        let key = encoder.get(name).and_then(Value::as_str);
        key.filter(|key| !key.is_empty()).map(str::to_owned)
    };
    Keys {
        message: key("message_key"),
        level: key("level_key"),
        time: key("time_key"),
        logger: key("name_key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(config: &Value, file: Option<&str>) -> Option<String> {
        keys(&config.to_string(), file)?.message
    }

    #[test]
    fn the_log_of_the_file_comes_before_the_default() {
        let config = json!({"logging": {"logs": {
            "default": {"encoder": {"format": "json", "message_key": "M"}},
            "log0": {"writer": {"output": "file", "filename": "/var/log/caddy/tls.log"},
                "encoder": {"format": "filter", "wrap": {"format": "json", "message_key": "what"}}},
        }}});
        let of = |file| message(&config, file);
        assert_eq!(of(None), Some("M".into()));
        assert_eq!(of(Some("/elsewhere")), Some("M".into()));
        assert_eq!(of(Some("/var/log/caddy/tls.log")), Some("what".into()));
    }

    #[test]
    fn every_key_is_read_and_an_empty_one_is_none() {
        let encoder = json!({"format": "json", "message_key": "M", "level_key": "L", "time_key": "",
            "name_key": "N"});
        let config = json!({"logging": {"logs": {"default": {"encoder": encoder}}}});
        let expected = Keys {
            message: Some("M".into()),
            level: Some("L".into()),
            time: None,
            logger: Some("N".into()),
        };
        assert_eq!(keys(&config.to_string(), None), Some(expected));
    }

    #[test]
    fn what_says_nothing_of_keys_has_none_and_what_is_no_configuration_is_refused() {
        for config in [
            json!({}),
            json!({"logging": 5}),
            json!({"logging": {"logs": {"default": {}}}}),
        ] {
            assert_eq!(keys(&config.to_string(), None), Some(Keys::default()));
        }
        for text in ["", "[]", "{", ":443 {\n}"] {
            assert_eq!(keys(text, None), None, "{text}");
        }
    }
}
