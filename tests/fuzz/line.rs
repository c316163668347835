//! A log of any bytes: read, refused or put together, it never panics, it means the same however the
//! bytes arrive, and nothing in it steers a terminal.

use crate::harmless::assert_harmless;
use notafter::caddy::entry::Entry;
use notafter::caddy::head;
use notafter::caddy::join::Text;
use notafter::caddy::layout::Layout;
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::{AlertRow, Engine};
use notafter::report::explain;
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use notafter::source::texts::Texts;
use std::sync::{Arc, LazyLock};

const INSTANCE: &str = "caddy";
/// Small and odd, so that every boundary falls somewhere.
const PIECE_BYTES: usize = 7;

static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
    Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")))
});

pub(crate) fn check(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        rejected_lines_are_traffic(line);
    }
    let whole = watched(std::iter::once(data));
    let pieces = watched(data.chunks(PIECE_BYTES));
    assert_eq!(whole, pieces);
    for row in &whole {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        shown(&row);
    }
}

/// A line that its head rejects would have said nothing about certificates.
fn rejected_lines_are_traffic(line: &[u8]) {
    if head::reject(line).is_some()
        && let Ok(entry) = Entry::decode(line)
    {
        assert!(entry.is_traffic(), "{}", String::from_utf8_lossy(line));
    }
}

/// Every alert row, and every certificate at the end, of a log that arrives in these pieces.
fn watched<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut engine = Engine::new(Arc::clone(&RULES));
    let mut layout = Layout::default();
    let mut rows: Vec<AlertRow> = Vec::new();
    let mut texts = Texts::new();
    let mut on = |text: Text<'_>| {
        let Ok(entry) = Entry::read(text.bytes, &layout) else {
            return;
        };
        layout.unit = entry.proven_unit().or(layout.unit);
        if entry.is_traffic() {
            return;
        }
        let origin = Origin {
            source: INSTANCE.into(),
            line: text.number,
        };
        let quote = || Quote::new(&origin, text.bytes);
        engine.entry(INSTANCE, &entry, quote, &mut rows);
    };
    for piece in pieces {
        texts.feed(piece, &mut on);
    }
    texts.finish(&mut on);
    engine.finish(INSTANCE, &mut rows);
    for one in engine.explained(INSTANCE) {
        assert_harmless(&explain::certificate(&one, None));
    }
    let messages = engine.settle(INSTANCE);
    survives_a_restart(&mut engine);
    let rows = rows.iter().map(|row| serde_json::to_string(row).unwrap());
    let messages = messages
        .iter()
        .map(|one| serde_json::to_string(one).unwrap());
    rows.chain(messages).collect()
}

fn survives_a_restart(engine: &mut Engine) {
    let rows = engine.take_rows();
    let stored = rows
        .iter()
        .filter_map(|row| Some((row.kind, row.key.as_str(), row.value.as_deref()?)));
    let mut restored = Engine::restore(Arc::clone(&RULES), stored);
    let unreadable = restored.take_notices();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    assert_eq!(
        restored.certificates().count(),
        engine.certificates().count()
    );
}

/// No text in a row steers a terminal.
fn shown(value: &serde_json::Value) {
    match value {
        serde_json::Value::String(text) => assert_harmless(text),
        serde_json::Value::Array(items) => items.iter().for_each(shown),
        serde_json::Value::Object(fields) => fields.values().for_each(shown),
        _ => {}
    }
}
