//! The bytes of a log stream, in chunks of any size, into pieces of lines with their times.
//!
//! Without a terminal the engine sends frames: a header of 8 bytes (the stream, three zeros, the length,
//! big-endian) and that many bytes. A line of more than 16 KiB comes in several frames, each with the
//! line's time before it, and only the last ends in a newline. With a terminal there are no frames:
//! the same text comes as it is, the time before every 16 KiB of a line (Docker 20.10).

use crate::source::line::LINE_BYTES_MAX;
use chrono::DateTime;
use std::ops::Range;

/// What the engine reads at once from a container.
const PIECE_BYTES: usize = 16 << 10;
const HEADER_BYTES: usize = 8;
/// No frame is longer; a header that says so is none.
const FRAME_BYTES_MAX: usize = 2 * LINE_BYTES_MAX;
/// What is kept of a line of a terminal; its times come on top.
const HELD_MAX: usize = LINE_BYTES_MAX + (LINE_BYTES_MAX / PIECE_BYTES + 2) * STAMP_BYTES_MAX;
/// No time and its space are longer.
const STAMP_BYTES_MAX: usize = 40;
/// How long the time before a line may be.
const STAMP_BYTES: Range<usize> = "2026-11-23T01:17:04Z".len()..STAMP_BYTES_MAX;
/// The stream on which the engine itself speaks.
const SYSTEM: u8 = 3;

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Standard output (1) or standard error (2).
    pub(super) stream: u8,
    /// When the engine took the line, in nanoseconds since the epoch.
    pub(super) at: i64,
    /// Its bytes; a newline ends the line.
    pub(super) bytes: &'a [u8],
}

/// Takes a stream apart.
#[derive(Debug)]
pub(super) struct Framing {
    is_terminal: bool,
    held: Vec<u8>,
}

/// What came is no log stream, or the engine says that it cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Garbage(pub(super) String);

impl Framing {
    pub(super) fn new(is_terminal: bool) -> Self {
        Self {
            is_terminal,
            held: Vec::new(),
        }
    }

    /// Takes the next bytes and hands over the pieces that are now complete.
    pub(super) fn feed(
        &mut self,
        chunk: &[u8],
        on: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Garbage> {
        if self.is_terminal {
            self.lines(chunk, on)
        } else {
            self.frames(chunk, on)
        }
    }

    fn frames(&mut self, chunk: &[u8], on: &mut impl FnMut(Piece<'_>)) -> Result<(), Garbage> {
        let mut held = std::mem::take(&mut self.held);
        let mut rest = if held.is_empty() {
            chunk
        } else {
            held.extend_from_slice(chunk);
            &held
        };
        while let Some((stream, length)) = header(rest)? {
            let Some(payload) = rest.get(HEADER_BYTES..HEADER_BYTES + length) else {
                break;
            };
            if stream == SYSTEM {
                return Err(Garbage(said(payload)));
            }
            on(stamped(stream, payload)?);
            rest = rest.get(HEADER_BYTES + length..).unwrap_or_default();
        }
        self.held = rest.to_vec();
        Ok(())
    }

    fn lines(&mut self, chunk: &[u8], on: &mut impl FnMut(Piece<'_>)) -> Result<(), Garbage> {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let room = HELD_MAX.saturating_sub(self.held.len());
            let kept = part.get(..room).unwrap_or(part);
            self.held.extend_from_slice(kept);
            if part.last() == Some(&b'\n') {
                if self.held.last() != Some(&b'\n') {
                    self.held.push(b'\n');
                }
                let held = std::mem::take(&mut self.held);
                let mut rest = held.as_slice();
                while !rest.is_empty() {
                    let whole = stamped(1, rest)?;
                    let end = begun_within(rest, whole.at).unwrap_or(rest.len());
                    let (line, behind) = rest.split_at(end);
                    let stamp = line.get(..rest.len() - whole.bytes.len());
                    let text = whole.bytes.get(..whole.bytes.len() - behind.len());
                    let bytes = &unstamped(text.unwrap_or_default(), stamp.unwrap_or_default());
                    on(Piece { bytes, ..whole });
                    rest = behind;
                }
            }
        }
        Ok(())
    }
}

/// Stream and length of the next frame, when its header is there.
fn header(bytes: &[u8]) -> Result<Option<(u8, usize)>, Garbage> {
    let Some(&[stream, a, b, c, l3, l2, l1, l0]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes([l3, l2, l1, l0])).unwrap_or(usize::MAX);
    if stream > SYSTEM || [a, b, c] != [0; 3] || length > FRAME_BYTES_MAX {
        return Err(Garbage(format!("no frame: {}", said(bytes))));
    }
    Ok(Some((stream, length)))
}

/// A piece without the time before it.
fn stamped(stream: u8, bytes: &[u8]) -> Result<Piece<'_>, Garbage> {
    let stamp = || {
        let head = bytes.get(..STAMP_BYTES_MAX).unwrap_or(bytes);
        let space = memchr::memchr(b' ', head)?;
        let stamp = std::str::from_utf8(bytes.get(..space)?).ok()?;
        let at = DateTime::parse_from_rfc3339(stamp)
            .ok()?
            .timestamp_nanos_opt()?;
        Some((at, bytes.get(space + 1..)?))
    };
    let (at, bytes) = stamp().ok_or_else(|| Garbage(format!("no time: {}", said(bytes))))?;
    Ok(Piece { stream, at, bytes })
}

/// Where a later line begins, since the process was killed in the middle of this one. Only an entry in JSON is
/// taken for one: what strangers make Caddy quote has a backslash before its quotes.
fn begun_within(line: &[u8], at: i64) -> Option<usize> {
    let mut spaces = memchr::memmem::find_iter(line, b" {\"");
    spaces.find_map(|space| {
        // Podman's times have lengths of their own.
        let mut starts = STAMP_BYTES.filter_map(|length| space.checked_sub(length));
        starts.find(|start| {
            let behind = line.get(*start..).unwrap_or_default();
            stamped(1, behind).is_ok_and(|later| later.at > at)
        })
    })
}

/// A line of a terminal without the times inside it.
fn unstamped(line: &[u8], stamp: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((piece, behind)) = rest.split_at_checked(PIECE_BYTES) {
        plain.extend_from_slice(piece);
        rest = behind;
        let Some(behind) = behind.strip_prefix(stamp) else {
            break;
        };
        rest = behind;
    }
    plain.extend_from_slice(rest);
    plain
}

/// The beginning of what came, for people.
fn said(bytes: &[u8]) -> String {
    let head = bytes.get(..200).unwrap_or(bytes);
    head.escape_ascii().to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn frame(stream: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend(payload);
        frame
    }

    type Pieces = Vec<(u8, i64, Vec<u8>)>;

    fn pieces(is_terminal: bool, chunks: &[&[u8]]) -> Result<Pieces, Garbage> {
        let (mut framing, mut pieces) = (Framing::new(is_terminal), Vec::new());
        for chunk in chunks {
            framing.feed(chunk, &mut |piece| {
                pieces.push((piece.stream, piece.at, piece.bytes.to_vec()));
            })?;
        }
        Ok(pieces)
    }

    #[test]
    fn a_line_of_a_terminal_loses_the_times_inside_it() {
        const STAMP: &str = "2026-11-23T01:17:04.000000001Z ";
        let text = format!(
            "{STAMP}{}{STAMP}{}{STAMP}{}\r\n{STAMP}short\r\n",
            "x".repeat(PIECE_BYTES),
            "y".repeat(PIECE_BYTES),
            "z".repeat(7_000)
        );
        let found = pieces(true, &[text.as_bytes()]).unwrap();
        let lengths: Vec<_> = found.iter().map(|(_, _, bytes)| bytes.len()).collect();
        assert_eq!(lengths, [2 * PIECE_BYTES + 7_002, 7]);
        assert_eq!(found[0].1, 1_795_396_624_000_000_001);
        assert!(!found[0].2.contains(&b'Z'));
    }

    #[test]
    fn a_line_of_a_terminal_that_its_process_did_not_end_is_not_glued_to_the_next() {
        let long = "y".repeat(PIECE_BYTES - 2);
        let text = format!(
            "{0}1Z {{\"{long}{0}1Z more{0}2Z {{\"a\":\"killed he{0}3Z {{\"b\":1}}\r\n",
            "2026-11-23T01:17:04.00000000"
        );
        let found = pieces(true, &[text.as_bytes()]).unwrap();
        let texts: Vec<_> = found
            .iter()
            .map(|(_, at, bytes)| (at % 10, String::from_utf8_lossy(bytes).into_owned()))
            .collect();
        let expected = [
            (1, format!("{{\"{long}more")),
            (2, "{\"a\":\"killed he".to_owned()),
            (3, "{\"b\":1}\r\n".to_owned()),
        ];
        assert_eq!(texts, expected);
        let of_podman =
            "2026-11-23T01:17:04+00:00 {\"a\":2026-11-23T01:17:05.5+00:00 {\"b\":1}\r\n";
        assert_eq!(pieces(true, &[of_podman.as_bytes()]).unwrap().len(), 2);
    }

    #[test]
    fn what_a_line_of_a_terminal_quotes_is_no_line() {
        let at = "2026-11-23T01:17:04.00000000";
        for quoted in [
            "7Z {\\\"level\\\":\\\"error\\\"}",
            "7Z x",
            "1Z {\"",
            "?Z {\"",
        ] {
            let text = format!("{at}1Z {{\"uri\":\"{at}{quoted}\"}}\r\n");
            assert_eq!(
                pieces(true, &[text.as_bytes()]).unwrap().len(),
                1,
                "{quoted}"
            );
        }
    }

    #[test]
    fn a_line_of_a_terminal_is_bounded() {
        let text = format!("2026-11-23T01:17:04Z {}\r\n", "x".repeat(3 << 20));
        let found = pieces(true, &[text.as_bytes()]).unwrap();
        assert!(found[0].2.len() > LINE_BYTES_MAX && found[0].2.len() < 2 * LINE_BYTES_MAX);
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        for bad in [
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            frame(9, b"2026-11-23T01:17:04Z x\n"),
            frame(1, b"no time\n"),
            frame(3, b"Error grabbing logs: unexpected EOF\n"),
            vec![1, 0, 0, 0, 255, 255, 255, 255],
        ] {
            assert!(pieces(false, &[&bad]).is_err());
        }
        assert!(pieces(true, &[b"no time\r\n"]).is_err());
    }

    proptest! {
        #[test]
        fn splitting_a_stream_anywhere_changes_nothing(
            texts in prop::collection::vec((1_u8..3, "[a-z\\n]{0,40}"), 0..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            is_terminal in any::<bool>(),
        ) {
            let mut stream = Vec::new();
            for (from, text) in &texts {
                let text = format!("2026-11-23T01:17:04.813456789Z {}\n", text.replace('\n', " "));
                stream.extend(if is_terminal { text.into_bytes() } else { frame(*from, text.as_bytes()) });
            }
            let whole = pieces(is_terminal, &[&stream]).unwrap();
            prop_assert_eq!(whole.len(), texts.len());
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.push(0);
            cuts.push(stream.len());
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(pieces(is_terminal, &chunks).unwrap(), whole);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), is_terminal in any::<bool>()) {
            drop(pieces(is_terminal, &[&bytes]));
        }
    }
}
