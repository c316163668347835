//! A stop at any line, with texts open or not, loses and doubles nothing.

use crate::console;
use crate::json::pretty;
use crate::recording::{LOGS, lines, plain};
use crate::transport::TRANSPORTS;
use notafter::caddy::join::Text;
use notafter::source::texts::Texts;
use proptest::prelude::*;

/// Texts of a stream, read from `offset` on and stopped behind `until`; and where to go on.
fn read(
    bytes: &[u8],
    (offset, line, ahead): (u64, u64, u64),
    until: usize,
) -> (Vec<String>, (u64, u64, u64)) {
    let mut texts = Texts::resumed(offset, line, ahead);
    let mut found = Vec::new();
    let mut on = |text: Text<'_>| {
        found.push(format!(
            "{}: {}",
            text.number,
            String::from_utf8_lossy(text.bytes)
        ));
    };
    let from = usize::try_from(offset).unwrap();
    texts.feed(&bytes[from..until.max(from)], &mut on);
    if until == bytes.len() {
        texts.finish(&mut on);
    }
    (found, (texts.offset(), texts.line(), texts.ahead()))
}

/// Lines of several writers among each other, some in pieces, some never finished.
fn stream(kinds: &[(usize, usize)]) -> Vec<u8> {
    let lines = lines(LOGS[0]);
    let mut blocks: Vec<Vec<String>> = Vec::new();
    for (index, (kind, transport)) in kinds.iter().enumerate() {
        let line = &lines[index % lines.len()];
        let text = match kind {
            0 => plain(line),
            1 => pretty(line),
            2 => console::print(line, "\t"),
            3 => plain(line).chars().take(50).collect(),
            _ => String::from("main.main()\n\tmain.go:1"),
        };
        let (_, bring) = TRANSPORTS[*transport];
        let block: String = text.lines().map(bring).collect();
        blocks.push(block.split_inclusive('\n').map(str::to_owned).collect());
    }
    // Two writers at a time.
    let mut mixed = String::new();
    for pair in blocks.chunks(2) {
        let longest = pair.iter().map(Vec::len).max().unwrap_or(0);
        for index in 0..longest {
            mixed.extend(
                pair.iter()
                    .filter_map(|block| block.get(index))
                    .map(String::as_str),
            );
        }
    }
    mixed.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_text_is_lost_or_doubled(
        kinds in prop::collection::vec((0..5_usize, 0..TRANSPORTS.len()), 1..12),
        stops in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let bytes = stream(&kinds);
        let (whole, _) = read(&bytes, (0, 0, 0), bytes.len());
        let mut stops: Vec<usize> = stops.iter().map(|stop| stop.index(bytes.len() + 1)).collect();
        stops.sort_unstable();
        stops.push(bytes.len());
        let (mut found, mut position) = (Vec::new(), (0, 0, 0));
        for stop in stops {
            let (more, reached) = read(&bytes, position, stop);
            found.extend(more);
            position = reached;
            if stop == bytes.len() {
                break;
            }
        }
        prop_assert_eq!(found, whole);
    }
}

#[test]
fn an_open_text_holds_the_position_at_its_first_line() {
    let bytes = b"{\"msg\":\"a\"}\n{\n  \"msg\": \"b\"\n";
    let (found, position) = read(bytes, (0, 0, 0), bytes.len() - 1);
    assert_eq!(found, ["1: {\"msg\":\"a\"}"]);
    assert_eq!(position, (12, 1, 0));
    let rest = [&bytes[..], b"}\n"].concat();
    let (found, _) = read(&rest, position, rest.len());
    assert_eq!(found, ["2: {  \"msg\": \"b\"}"]);
}

#[test]
fn others_in_between_are_counted_and_come_once() {
    let piece = |tag: &str, text: &str| format!("2026-05-03T22:04:01Z stderr {tag} {text}\n");
    let stream = piece("P", "{\"msg\":") + "{\"msg\":\"other\"}\n" + &piece("F", "\"a\"}");
    let stop = stream.find("2026-05-03T22:04:01Z stderr F").unwrap();
    let (found, position) = read(stream.as_bytes(), (0, 0, 0), stop);
    assert_eq!(
        (found, position),
        (vec!["2: {\"msg\":\"other\"}".to_owned()], (0, 0, 1))
    );
    let (found, _) = read(stream.as_bytes(), position, stream.len());
    assert_eq!(found, ["1: {\"msg\":\"a\"}"]);
}

#[test]
fn what_never_ends_is_bounded() {
    let mut texts = Texts::new();
    let mut longest = 0;
    let mut count = 0;
    let mut on = |text: Text<'_>| {
        longest = longest.max(text.bytes.len());
        count += 1;
    };
    let piece = format!("2026-05-03T22:04:01Z stderr P {}\n", "x".repeat(16 << 10));
    for _ in 0..10_000 {
        texts.feed(piece.as_bytes(), &mut on);
    }
    for _ in 0..10_000 {
        texts.feed(b"{\"never\": [\n", &mut on);
    }
    texts.finish(&mut on);
    assert!(longest <= 1 << 20, "{longest}");
    assert!(count > 3, "{count}");
}
