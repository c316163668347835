//! Whether an object is whole, followed over any number of pieces.

/// How far an object has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    depth: u32,
    in_text: bool,
    escaped: bool,
    closed: bool,
}

impl Balance {
    /// Takes the next bytes; tells whether the object that began first has been closed.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.closed |= self.depth == 0;
                }
                _ => {}
            }
        }
        self.closed
    }

    /// Whether it stands in the middle of a text value.
    pub(super) fn is_in_text(self) -> bool {
        self.in_text
    }
}
