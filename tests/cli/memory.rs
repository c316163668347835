//! How much memory a replay takes, whatever it is given.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const MIB: usize = 1 << 20;
/// What any input may cost over a short log: a line of 1 MiB, its copies and the buffers around it.
const GROWTH_KIB_MAX: u64 = 8 << 10;

/// The largest resident set, in KiB, of a replay that was given these pieces on standard input.
fn replayed(pieces: impl Iterator<Item = Vec<u8>>) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_notafter"))
        .args(["replay", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for piece in pieces {
        input.write_all(&piece).unwrap();
    }
    // All but a pipe's worth has been read, and the end has not been seen.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(input);
    assert!(child.wait_with_output().unwrap().status.success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|peak| peak.trim().strip_suffix(" kB"))
        .unwrap();
    peak.parse().unwrap()
}

/// So many MiB of the same piece.
fn much(mib: usize, piece: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let chunk = piece.repeat(1 + MIB / piece.len());
    std::iter::repeat_n(chunk, mib)
}

fn after(
    start: &[u8],
    more: impl Iterator<Item = Vec<u8>> + 'static,
) -> Box<dyn Iterator<Item = Vec<u8>>> {
    Box::new(std::iter::once(start.to_vec()).chain(more))
}

#[test]
fn memory_stays_flat_whatever_is_replayed() {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mark = utf16("\u{feff}");
    let usual = replayed(much(1, b"{\"level\":\"info\",\"ts\":1.5,\"msg\":\"x\"}\n"));
    for (what, input) in [
        ("one line", after(b"x", much(64, b"x"))),
        (
            "one line of an object",
            after(b"{\"msg\":\"", much(16, b"x")),
        ),
        ("one line of UTF-16", after(&mark, much(16, &utf16("x")))),
        ("objects that stay open", after(b"", much(3, b"{\"a\":[\n"))),
        (
            "prose",
            after(
                b"",
                much(3, b"This is not a log, and it goes on for long.\n"),
            ),
        ),
        (
            "bytes that are no text",
            after(b"", much(3, b"\xff\xfe\x01\x80\xff\xfe\x01\x80\xff\n")),
        ),
        ("empty lines", after(b"", much(3, b"\n"))),
    ] {
        let peak = replayed(input);
        println!("{what}: {peak} KiB, {usual} KiB for a short log");
        assert!(
            peak <= usual + GROWTH_KIB_MAX,
            "{what}: {peak} KiB, not {usual} KiB"
        );
    }
}
