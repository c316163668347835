//! Caddy's console encoder.

use crate::recording::Fields;
use serde_json::Value;

const COLUMNS: [&str; 4] = ["ts", "level", "logger", "msg"];

/// Time, level, logger, message and an object whose separators have a space; `gap` is a tab, or what
/// became of it.
pub(crate) fn print(fields: &Fields, gap: &str) -> String {
    let field = |key: &str| fields.iter().find(|(name, _)| name == key);
    let text = |key: &str| {
        field(key).map(|(_, value)| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    let mut columns: Vec<String> = COLUMNS.into_iter().filter_map(text).collect();
    let rest: Vec<String> = fields
        .iter()
        .filter(|(name, _)| !COLUMNS.contains(&name.as_str()))
        .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), spaced(value)))
        .collect();
    if !rest.is_empty() {
        columns.push(format!("{{{}}}", rest.join(", ")));
    }
    columns.join(gap)
}

fn spaced(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), spaced(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(spaced).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
