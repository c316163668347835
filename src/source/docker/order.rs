//! Whether a stream that follows goes on where it was.
//!
//! When the engine rotates a log that it follows, Docker 20.10 sends the last piece again, and in a burst it
//! goes back to an older file. A pass to the end does not: it reads files that it holds open.

use super::frame::Piece;

/// What came last on each stream.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Vec<Last>,
}

#[derive(Debug)]
struct Last {
    stream: u8,
    at: i64,
    bytes: Vec<u8>,
}

impl Order {
    /// Whether a piece may come next. The same again may be one more of its kind, but only the log can
    /// tell. The two streams of a container race: between them, times may go back.
    pub(super) fn allows(&self, piece: &Piece<'_>) -> bool {
        let last = self.last.iter().find(|last| last.stream == piece.stream);
        last.is_none_or(|last| {
            piece.at > last.at || piece.at == last.at && piece.bytes != last.bytes
        })
    }

    /// Remembers a piece.
    pub(super) fn note(&mut self, piece: &Piece<'_>) {
        let of_stream = |last: &&mut Last| last.stream == piece.stream;
        if let Some(last) = self.last.iter_mut().find(of_stream) {
            last.at = piece.at;
            piece.bytes.clone_into(&mut last.bytes);
        } else {
            self.last.push(Last {
                stream: piece.stream,
                at: piece.at,
                bytes: piece.bytes.to_vec(),
            });
        }
    }
}
