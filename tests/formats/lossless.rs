//! The formats that lose nothing, alone and in any mix.

use crate::captures;
use crate::console;
use crate::json::{KEYS, LEVELS, pretty, relevel, rename, sort};
use crate::program::run;
use crate::recording::{Fields, LOGS, fields_of, lines, meaning, meant, plain};
use crate::rows::alerts;
use crate::times::{ALL_LENGTHS, TIMES, reprint};
use crate::transport::TRANSPORTS;
use chrono::FixedOffset;
use notafter::caddy::event::Event;
use notafter::caddy::layout::Layout;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use std::sync::LazyLock;

/// One format: which of each kind.
#[derive(Clone, Copy, Debug)]
struct Format {
    times: usize,
    lengths: usize,
    levels: usize,
    shape: usize,
    transport: usize,
}

/// How the fields become a text.
const SHAPES: usize = KEYS.len() + 5;

impl Format {
    const PLAIN: Self = Self {
        times: 0,
        lengths: 0,
        levels: 0,
        shape: 0,
        transport: 0,
    };

    fn print(self, line: &Fields, zone: FixedOffset) -> String {
        let mut line = line.clone();
        reprint(
            &mut line,
            (TIMES[self.times], ALL_LENGTHS[self.lengths]),
            zone,
        );
        relevel(&mut line, LEVELS[self.levels]);
        let text = match self.shape {
            keys if keys < KEYS.len() => {
                rename(&mut line, KEYS[keys]);
                plain(&line)
            }
            4 => {
                sort(&mut line);
                plain(&line)
            }
            5 => pretty(&line),
            6 => console::print(&line, "\t"),
            7 => spaced(&line, "  "),
            _ => spaced(&line, "        "),
        };
        let (_, bring) = TRANSPORTS[self.transport];
        // A transport brings every line of an object by itself.
        text.lines().map(bring).collect()
    }
}

/// Without tabs only the object at the end proves a console line; a message without fields, which says
/// nothing of any certificate, keeps its tabs here.
fn spaced(line: &Fields, gap: &str) -> String {
    let tabbed = console::print(line, "\t");
    if tabbed.ends_with('}') {
        console::print(line, gap)
    } else {
        tabbed
    }
}

/// Lengths are in one unit for a whole stream when that prints whole numbers, and it begins with a line
/// that proves which: a number that stands alone has no other hint.
fn formats() -> impl Strategy<Value = (usize, Vec<Format>)> {
    let one = |lengths: usize| {
        (
            0..TIMES.len(),
            0..LEVELS.len(),
            0..SHAPES,
            0..TRANSPORTS.len(),
            any::<bool>(),
        )
            .prop_map(move |(times, levels, shape, transport, words)| Format {
                times,
                lengths: if words { 3 } else { lengths },
                levels,
                shape,
                transport,
            })
    };
    (0..3_usize)
        .prop_flat_map(move |lengths| (Just(lengths), prop::collection::vec(one(lengths), 1..12)))
}

/// Every format that differs from Caddy's default in one thing.
fn each_alone() -> Vec<Format> {
    let plain = Format::PLAIN;
    let each = (0..TIMES.len()).map(|times| Format { times, ..plain });
    let each = each.chain((0..ALL_LENGTHS.len()).map(|lengths| Format { lengths, ..plain }));
    let each = each.chain((0..LEVELS.len()).map(|levels| Format { levels, ..plain }));
    let each = each.chain((0..SHAPES).map(|shape| Format { shape, ..plain }));
    each.chain((0..TRANSPORTS.len()).map(|transport| Format { transport, ..plain }))
        .collect()
}

/// Whether a line tells in which unit its lengths are.
fn proves_unit(line: &Fields) -> bool {
    line.iter().any(|(key, _)| key == "max_duration")
}

/// A line that does, for logs that have none.
static PROOF: LazyLock<Fields> = LazyLock::new(|| {
    let lines = lines(LOGS[0]);
    lines.into_iter().find(proves_unit).unwrap()
});

/// A log printed in a mix of formats, and what it means then, beside what it meant.
fn mixed(
    mut lines: Vec<Fields>,
    (lengths, formats): &(usize, Vec<Format>),
    zone: FixedOffset,
    piece: usize,
) -> (Vec<Event>, Vec<Event>) {
    let own = lines.iter().find(|line| proves_unit(line)).cloned();
    let proof = own.unwrap_or_else(|| PROOF.clone());
    let first = Format {
        lengths: *lengths,
        ..Format::PLAIN
    }
    .print(&proof, self::zone("+00:00"));
    let printed = lines.iter().zip(formats.iter().cycle());
    let printed = printed.map(|(line, format)| format.print(line, zone));
    let bytes: String = [first].into_iter().chain(printed).collect();
    lines.insert(0, proof);
    let layout = Layout {
        zone,
        ..Layout::default()
    };
    (meaning(bytes.as_bytes(), &layout, piece), meant(&lines))
}

/// The first event that is not as it was, before and after.
fn difference(found: &[Event], expected: &[Event]) -> Option<(Option<Event>, Option<Event>)> {
    let length = found.len().max(expected.len());
    let pair = |index: usize| (found.get(index).cloned(), expected.get(index).cloned());
    (0..length)
        .map(pair)
        .find(|(found, expected)| found != expected)
}

fn zone(text: &str) -> FixedOffset {
    text.parse().unwrap()
}

#[test]
fn every_format_alone_means_the_same() {
    for log in LOGS {
        let lines = lines(log);
        let expected = meant(&lines);
        assert!(expected.len() > 30, "{log}");
        for format in each_alone() {
            let bytes: String = lines
                .iter()
                .map(|line| format.print(line, zone("+00:00")))
                .collect();
            let found = meaning(bytes.as_bytes(), &Layout::default(), usize::MAX);
            assert_eq!(difference(&found, &expected), None, "{log}: {format:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn any_mix_of_formats_means_the_same(
        formats in formats(), log in 0..LOGS.len(), piece in 1_usize..5_000, hours in -11_i32..=11,
    ) {
        let lines = lines(LOGS[log]).into_iter().take(400).collect();
        let zone = FixedOffset::east_opt(hours * 3_600).unwrap();
        let (found, expected) = mixed(lines, &formats, zone, piece);
        prop_assert_eq!(difference(&found, &expected), None);
    }
}

/// A mix for each recording, always the same, from the name of the recording.
fn mix_of(place: &str) -> (usize, Vec<Format>) {
    let mut seed = [0_u8; 32];
    for (index, byte) in place.bytes().enumerate() {
        let cell = &mut seed[index % 32];
        *cell = byte.wrapping_add(cell.wrapping_mul(31));
    }
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    formats().new_tree(&mut runner).unwrap().current()
}

/// One mix for each recording; with `NOTAFTER_EVERY_FORMAT` each format alone as well, which takes a minute.
#[test]
fn every_recording_means_the_same_in_any_format() {
    let every = std::env::var_os("NOTAFTER_EVERY_FORMAT").is_some();
    let captures = captures::all();
    let mut printed = 0;
    for capture in captures.iter().filter(|capture| capture.is_plain()) {
        let lines = fields_of(&capture.text);
        let mix = mix_of(&capture.place);
        let (found, expected) = mixed(lines.clone(), &mix, zone("-03:00"), 4_096);
        assert_eq!(
            difference(&found, &expected),
            None,
            "{}: {mix:?}",
            capture.place
        );
        printed += 1;
        for format in each_alone().into_iter().filter(|_| every) {
            let one = (format.lengths, vec![format]);
            let (found, expected) = mixed(lines.clone(), &one, zone("+00:00"), usize::MAX);
            assert_eq!(
                difference(&found, &expected),
                None,
                "{}: {format:?}",
                capture.place
            );
        }
    }
    assert!(printed >= 132, "{printed}");
}

/// What Caddy's own encoders have already printed in another way. What they leave to the journal to say, the
/// time, a transport adds; `tests/replay/encoders.rs` has that.
#[test]
fn every_recording_of_an_encoder_means_the_same_in_any_transport() {
    let captures = captures::all();
    let encoded = captures
        .iter()
        .filter(|capture| !capture.is_plain() && !capture.place.ends_with("/journald-console.log"));
    let mut printed = 0;
    for capture in encoded {
        let expected = meaning(capture.text.as_bytes(), &Layout::default(), usize::MAX);
        for (name, bring) in TRANSPORTS {
            let bytes: String = capture.text.lines().map(bring).collect();
            let found = meaning(bytes.as_bytes(), &Layout::default(), usize::MAX);
            assert_eq!(
                difference(&found, &expected),
                None,
                "{}: {name}",
                capture.place
            );
        }
        printed += 1;
    }
    assert!(printed >= 90, "{printed}");
}

/// Alert rows without what quotes the line itself.
fn replayed(text: &str) -> Vec<Value> {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    std::fs::write(&path, text).unwrap();
    let ran = run(&["replay", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut rows = alerts(&ran.stdout);
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("evidence");
    }
    rows
}

#[test]
fn replay_gives_the_same_alerts_in_every_transport_and_shape() {
    let lines = lines(LOGS[0]);
    let print = |format: Format| -> String {
        lines
            .iter()
            .map(|line| format.print(line, zone("+00:00")))
            .collect()
    };
    let expected = replayed(&print(Format::PLAIN));
    assert!(expected.len() > 10);
    let shapes = (0..SHAPES).map(|shape| Format {
        shape,
        ..Format::PLAIN
    });
    let each = shapes.chain((0..TRANSPORTS.len()).map(|transport| Format {
        transport,
        ..Format::PLAIN
    }));
    for format in each {
        assert_eq!(replayed(&print(format)), expected, "{format:?}");
    }
}
