//! The JSON Lines of a replay, read the way another program would.

use serde_json::Value;

/// Every row, in order.
pub(crate) fn rows(text: &str) -> Vec<Value> {
    let row = |line: &str| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    text.lines().map(row).collect()
}

/// The rows of one type.
pub(crate) fn of_type(rows: &[Value], kind: &str) -> Vec<Value> {
    let wanted = rows.iter().filter(|row| row["type"] == kind);
    wanted.cloned().collect()
}

/// The alert rows of a replay's output.
pub(crate) fn alerts(text: &str) -> Vec<Value> {
    of_type(&rows(text), "alert")
}
