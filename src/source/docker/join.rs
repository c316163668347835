//! Pieces into whole lines.

use super::frame::Piece;
use crate::caddy::join::hold;

/// Joins the pieces of lines; both streams of a container may have one that is unfinished.
#[derive(Debug, Default)]
pub(super) struct Joining {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    stream: u8,
    at: i64,
    bytes: Vec<u8>,
}

impl Joining {
    /// Takes the next piece and hands over the lines that are now complete, with their times.
    pub(super) fn take(&mut self, piece: Piece<'_>, on: &mut impl FnMut(i64, &[u8])) {
        let of_stream = |open: &Open| open.stream == piece.stream;
        let mut open = self
            .open
            .iter()
            .position(of_stream)
            .map(|index| self.open.remove(index));
        // The pieces of a line have one time. Another time is another line: the process ended in the
        // middle of this one.
        if let Some(ended) = open.take_if(|open| open.at != piece.at) {
            on(ended.at, &ended.bytes);
        }
        let line = piece.bytes.strip_suffix(b"\n");
        match (open, line) {
            (None, Some(line)) => on(piece.at, line),
            (Some(mut open), Some(line)) => {
                hold(&mut open.bytes, line);
                on(open.at, &open.bytes);
            }
            (open, None) => {
                let mut open = open.unwrap_or(Open {
                    stream: piece.stream,
                    at: piece.at,
                    bytes: Vec::new(),
                });
                hold(&mut open.bytes, piece.bytes);
                self.open.push(open);
            }
        }
    }

    /// The time of the oldest unfinished line.
    pub(super) fn open_since(&self) -> Option<i64> {
        self.open.iter().map(|open| open.at).min()
    }

    /// Nothing will come any more: hands over what is unfinished.
    pub(super) fn finish(&mut self, on: &mut impl FnMut(i64, &[u8])) {
        for ended in self.open.drain(..) {
            on(ended.at, &ended.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::line::LINE_BYTES_MAX;

    fn take(joining: &mut Joining, pieces: &[(u8, i64, &str)]) -> Vec<String> {
        let mut lines = Vec::new();
        for &(stream, at, text) in pieces {
            let bytes = text.as_bytes();
            joining.take(Piece { stream, at, bytes }, &mut |at, line| {
                lines.push(format!("{at} {}", String::from_utf8_lossy(line)));
            });
        }
        lines
    }

    #[test]
    fn the_other_stream_does_not_break_a_line() {
        let mut joining = Joining::default();
        let pieces = [(1, 1, "one, "), (2, 2, "other\n"), (1, 1, "two, ")];
        assert_eq!(take(&mut joining, &pieces), ["2 other"]);
        assert_eq!(joining.open_since(), Some(1));
        assert_eq!(
            take(&mut joining, &[(1, 1, "three\n")]),
            ["1 one, two, three"]
        );
        assert_eq!(joining.open_since(), None);
    }

    #[test]
    fn a_line_that_its_process_did_not_end_is_not_glued_to_the_next() {
        let mut joining = Joining::default();
        let pieces = [(2, 1, "killed he"), (2, 9, "started\n"), (2, 10, "last wo")];
        assert_eq!(take(&mut joining, &pieces), ["1 killed he", "9 started"]);
        let mut last = Vec::new();
        joining.finish(&mut |at, line| last.push((at, line.to_vec())));
        assert_eq!(last, [(10, b"last wo".to_vec())]);
    }

    #[test]
    fn a_line_is_bounded() {
        let mut joining = Joining::default();
        let bytes = vec![b'x'; 16 << 10];
        for _ in 0..100 {
            joining.take(
                Piece {
                    stream: 2,
                    at: 1,
                    bytes: &bytes,
                },
                &mut |_, _| (),
            );
        }
        let mut length = 0;
        joining.finish(&mut |_, line| length = line.len());
        assert_eq!(length, LINE_BYTES_MAX + 1);
    }
}
