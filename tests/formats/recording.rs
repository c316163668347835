//! Recorded lines, their fields in order, and what they mean.

use crate::program::fixture;
use notafter::caddy::entry::Entry;
use notafter::caddy::event::Event;
use notafter::caddy::join::Text;
use notafter::caddy::layout::Layout;
use notafter::caddy::object;
use notafter::source::texts::Texts;
use serde_json::Value;

/// The recordings.
pub(crate) const LOGS: [&str; 3] = [
    "captures/2.11.7/expiry/caddy.log",
    "captures/2.6.2/expiry/caddy.log",
    "incident-2026-05-03/caddy.log",
];

pub(crate) type Fields = Vec<(String, Value)>;

/// The lines of a recording; of the access lines, which mean nothing, some do.
pub(crate) fn lines(log: &str) -> Vec<Fields> {
    fields_of(&std::fs::read_to_string(fixture(log)).unwrap())
}

/// The same of the text of a log.
pub(crate) fn fields_of(text: &str) -> Vec<Fields> {
    let access = |line: &str| line.contains("\"http.log.access");
    let kept = text
        .lines()
        .enumerate()
        .filter(|(index, line)| !access(line) || index % 40 == 0);
    kept.map(|(_, line)| object::fields(line.as_bytes()).unwrap())
        .collect()
}

/// As Caddy printed it.
pub(crate) fn plain(fields: &Fields) -> String {
    let parts: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
        .collect();
    format!("{{{}}}", parts.join(","))
}

/// What a stream of bytes means, read in pieces of a given size.
pub(crate) fn meaning(bytes: &[u8], layout: &Layout, piece: usize) -> Vec<Event> {
    let mut texts = Texts::new();
    let mut layout = layout.clone();
    let mut events = Vec::new();
    let mut on = |text: Text<'_>| {
        assert!(!text.overlong);
        let Ok(mut entry) = Entry::read(text.bytes, &layout) else {
            return;
        };
        layout.unit = entry.proven_unit().or(layout.unit);
        entry.at = entry.at.or(text.at);
        if !entry.is_traffic() {
            events.extend(Event::of(&entry).map(rounded));
        }
    };
    for chunk in bytes.chunks(piece) {
        texts.feed(chunk, &mut on);
    }
    texts.finish(&mut on);
    events
}

/// Some formats print whole seconds, or lengths in whole milliseconds: what is compared is that much.
fn rounded(mut event: Event) -> Event {
    let seconds =
        |time: notafter::time::LogTime| notafter::time::LogTime::from_seconds(time.seconds());
    let whole =
        |length: chrono::TimeDelta| chrono::TimeDelta::milliseconds(length.num_milliseconds());
    event.at = event.at.map(seconds);
    event.selected_time = event.selected_time.map(seconds);
    event.retrying_in = event.retrying_in.map(whole);
    event.elapsed = event.elapsed.map(whole);
    event.check_interval = event.check_interval.map(whole);
    event
}

/// What a recording means.
pub(crate) fn meant(lines: &[Fields]) -> Vec<Event> {
    let text: Vec<String> = lines.iter().map(|line| plain(line) + "\n").collect();
    meaning(text.concat().as_bytes(), &Layout::default(), usize::MAX)
}
