//! What brings a line, and puts its own around it. Each gives whole lines with their newlines.

use serde_json::json;

/// One way to be brought.
pub(crate) type Transport = fn(&str) -> String;

/// All that lose nothing.
pub(crate) const TRANSPORTS: [(&str, Transport); 17] = [
    ("bare", |line| format!("{line}\n")),
    ("carriage returns", |line| format!("{line}\r\n")),
    ("format journald", |line| format!("<6>{line}\n")),
    ("docker json-file", |line| docker(&format!("{line}\n"))),
    ("docker json-file in pieces", docker_pieces),
    ("docker with a priority", |line| {
        docker(&format!("<3>{line}\n"))
    }),
    ("cri", |line| {
        format!("2026-05-03T22:04:01.123456789Z stderr F {line}\n")
    }),
    ("cri in pieces", cri_pieces),
    ("compose", |line| format!("caddy-1  | {line}\n")),
    ("compose in colour", |line| {
        format!("\u{1b}[36mcaddy-1    |\u{1b}[0m {line}\n")
    }),
    ("kubectl", |line| format!("[pod/caddy-7f9c/caddy] {line}\n")),
    ("kubectl with stamps", |line| {
        format!("2026-05-03T22:04:01.123456789Z {line}\n")
    }),
    ("journalctl", |line| {
        format!("5\u{6708} 03 22:04:01 host caddy[1234]: {line}\n")
    }),
    ("journalctl short-iso", |line| {
        format!("2026-05-03T22:04:01+0000 host caddy[1234]: {line}\n")
    }),
    ("journalctl json", journal_object),
    ("journalctl json of bytes", |line| {
        format!(
            "{}\n",
            json!({"__REALTIME_TIMESTAMP": "1777845841000000", "MESSAGE": line.as_bytes()})
        )
    }),
    ("journalctl export", |line| {
        format!(
            "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1777845841000000\n_PID=12\nMESSAGE={line}\n_UID=0\n\n"
        )
    }),
];

fn docker(log: &str) -> String {
    format!(
        "{}\n",
        json!({"log": log, "stream": "stderr", "time": "2026-05-03T22:04:01.1Z"})
    )
}

/// Pieces of a size that splits every line, as Docker's 16 KiB split a long one.
fn pieces(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    letters
        .chunks(97)
        .map(|piece| piece.iter().collect())
        .collect()
}

fn docker_pieces(line: &str) -> String {
    pieces(&format!("{line}\n"))
        .iter()
        .map(|piece| docker(piece))
        .collect()
}

fn cri_pieces(line: &str) -> String {
    let pieces = pieces(line);
    let mut text = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let tag = if index + 1 == pieces.len() { "F" } else { "P" };
        text += &format!("2026-05-03T22:04:01.{index:09}Z stderr {tag} {piece}\n");
    }
    text
}

fn journal_object(line: &str) -> String {
    let object = json!({
        "__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1777845841000000", "_PID": "12",
        "MESSAGE": line, "_SYSTEMD_UNIT": "caddy.service",
    });
    format!("{object}\n")
}
