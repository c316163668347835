//! Standard input, or any stream that cannot be read twice, into batches.

use crate::source::batch::{BATCH_BYTES_MAX, Batch, FromSource, Gathering, Reached, Stopped};
use crate::source::buffer::Buffer;
use crate::source::position::Position;
use crate::source::texts::Texts;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Follows a stream on the calling thread until it ends or `to` answers [`Stopped`]. Whatever a read
/// brings is handed over at once; there is no way back, so positions say only how far it got.
pub fn follow_reader(
    name: &Arc<str>,
    mut from: impl Read,
    mut to: impl FnMut(FromSource) -> Result<(), Stopped>,
) -> io::Result<()> {
    let mut buffer = Buffer::new(BATCH_BYTES_MAX / 16);
    let mut texts = Texts::new();
    let mut gathering = Gathering::default();
    let mut send = |texts: &mut Texts, gathering: &mut Gathering, caught_up| {
        to(FromSource::Lines(Batch {
            source: Arc::clone(name),
            file: Arc::clone(name),
            lines: gathering.take(),
            counts: texts.take_counts(),
            rejected_until: texts.take_rejected(),
            position: Reached::File(Position {
                offset: texts.offset(),
                line: texts.line(),
                ..Position::default()
            }),
            caught_up,
        }))
    };
    loop {
        let length = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if length == 0 {
            break;
        }
        let mut chunk = buffer.get(..length).unwrap_or_default();
        while !chunk.is_empty() {
            let taken = texts.advance(chunk, &mut |text| {
                gathering.push(text);
                if gathering.is_full() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            chunk = chunk.get(taken..).unwrap_or_default();
            if gathering.is_full() && send(&mut texts, &mut gathering, false).is_err() {
                return Ok(());
            }
        }
        let is_last_for_now = length < buffer.len();
        if texts.counts().lines > 0 && send(&mut texts, &mut gathering, is_last_for_now).is_err() {
            return Ok(());
        }
    }
    texts.finish(&mut |text| gathering.push(text));
    // Nobody left to tell is no reason to complain at the end.
    let _stopped = send(&mut texts, &mut gathering, true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::batch::BATCH_LINES_MAX;

    #[test]
    fn every_line_of_a_stream_comes_once_in_bounded_batches() {
        let text = "any line\n".repeat(2_000);
        let mut lines = Vec::new();
        let mut last = None;
        let to = |said| {
            let FromSource::Lines(batch) = said else {
                panic!("a notice");
            };
            assert!(batch.lines.len() <= BATCH_LINES_MAX);
            lines.extend(batch.lines.iter().map(|line| line.bytes.clone()));
            let Reached::File(position) = batch.position else {
                panic!("not a stream's position");
            };
            last = Some((batch.caught_up, position.line));
            Ok(())
        };
        follow_reader(&"stdin".into(), format!("{text}end").as_bytes(), to).unwrap();
        assert_eq!(lines.join(&b'\n'), format!("{text}end").as_bytes());
        assert_eq!(last, Some((true, 2_001)));
    }

    #[test]
    fn a_gone_receiver_ends_it() {
        let mut calls = 0;
        let to = |_| {
            calls += 1;
            Err(Stopped)
        };
        follow_reader(&"stdin".into(), io::repeat(b'\n'), to).unwrap();
        assert_eq!(calls, 1);
    }
}
