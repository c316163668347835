//! [`Buffer`]: where bytes of a log are read into.

use std::ops::{Deref, DerefMut};

/// A cache line. Linux copies into memory that begins within one up to twice as slowly, and an
/// allocator that puts its header before a large block always begins within one.
const ALIGNMENT_BYTES: usize = 64;

/// Bytes that begin at a cache line.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// So many bytes, all zero.
    pub(super) fn new(length: usize) -> Self {
        let bytes = vec![0; length + ALIGNMENT_BYTES];
        let start = bytes.as_ptr().align_offset(ALIGNMENT_BYTES);
        Self {
            bytes,
            // The offset may be said to be unknown, and then any beginning is as good.
            start: start.min(ALIGNMENT_BYTES),
            length,
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let end = self.start + self.length;
        self.bytes.get(self.start..end).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let end = self.start + self.length;
        self.bytes.get_mut(self.start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_its_length_and_begins_at_a_cache_line() {
        for length in [0, 1, 4_096, 262_144] {
            let buffer = Buffer::new(length);
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().align_offset(ALIGNMENT_BYTES), 0);
        }
    }
}
