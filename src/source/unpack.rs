//! The bytes of a file into text: gzip and zstd unpacked, UTF-16 turned into UTF-8, binaries refused.
//! The first bytes decide, not the name.

use std::io::{self, Cursor, Read};

/// How much of a file is looked at before it is believed to be text.
const PEEK_BYTES: usize = 8 << 10;
const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

/// A stream that can be given to another thread.
pub(super) type Stream = Box<dyn Read + Send>;

/// What a file turned out to be.
pub(super) enum Unpacked {
    /// A plain text.
    Text(Stream),
    /// A compressed text.
    Packed(Stream),
    /// Neither.
    Binary,
}

/// Whether a file that starts so is compressed.
pub(super) fn is_packed(magic: &[u8]) -> bool {
    magic.starts_with(GZIP_MAGIC) || magic.starts_with(ZSTD_MAGIC)
}

/// Looks at the first bytes and gives back the text, from its start.
pub(super) fn unpack(mut raw: Stream) -> io::Result<Unpacked> {
    let head = peek(&mut raw)?;
    if !is_packed(&head) {
        let text = text(head, raw);
        return Ok(text.map_or(Unpacked::Binary, Unpacked::Text));
    }
    let mut inner = decoder(head, raw)?;
    let head = match peek(&mut inner) {
        Ok(head) => head,
        // The reader of the stream meets the error too, and can say which line it came after.
        Err(error) => return Ok(Unpacked::Packed(Box::new(Failing(Some(error))))),
    };
    Ok(text(head, inner).map_or(Unpacked::Binary, Unpacked::Packed))
}

/// Unpacks `head` and `rest`, which together are a compressed file.
pub(super) fn decoder(head: Vec<u8>, rest: Stream) -> io::Result<Stream> {
    let is_gzip = head.starts_with(GZIP_MAGIC);
    let raw = Cursor::new(head).chain(rest);
    if is_gzip {
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(
            io::BufReader::with_capacity(64 << 10, raw),
        )));
    }
    let mut zstd = zstd::stream::read::Decoder::new(raw)?;
    // `zstd --long=31` is the longest there is; the window is only taken when the file asks for it.
    zstd.window_log_max(31)?;
    Ok(Box::new(zstd))
}

fn peek(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(PEEK_BYTES);
    let mut limited = stream.take(PEEK_BYTES as u64);
    match limited.read_to_end(&mut head) {
        // A broken archive may hold some lines before the damage.
        Err(error) if head.is_empty() => Err(error),
        Ok(_) | Err(_) => Ok(head),
    }
}

fn text(head: Vec<u8>, rest: Stream) -> Option<Stream> {
    let order = byte_order(&head);
    if order.is_none() && head.contains(&0) {
        return None;
    }
    let whole = Cursor::new(head).chain(rest);
    Some(match order {
        Some(order) => Box::new(Utf16::new(Box::new(whole), order == ByteOrder::Big)),
        None => Box::new(whole),
    })
}

/// Which byte of a unit of UTF-16 comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

/// The byte order, if the text is UTF-16: its mark tells, or that of the first letters every other byte is zero,
/// which no other text has.
fn byte_order(head: &[u8]) -> Option<ByteOrder> {
    const LETTERS: usize = 16;
    if head.starts_with(b"\xff\xfe") {
        return Some(ByteOrder::Little);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(ByteOrder::Big);
    }
    let letters = head.chunks_exact(2).take(LETTERS);
    let is_text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte == 0x1b;
    let are = |order: ByteOrder| {
        let mut letters = letters.clone();
        letters.len() == LETTERS
            && letters.all(|unit| match (order, unit) {
                (ByteOrder::Little, [letter, 0]) | (ByteOrder::Big, [0, letter]) => {
                    is_text(*letter)
                }
                _ => false,
            })
    };
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| are(*order))
}

/// A stream that gives an error once, then ends.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// UTF-16, as PowerShell's redirection writes it, into UTF-8. Broken pairs become U+FFFD.
struct Utf16 {
    inner: Stream,
    big_endian: bool,
    /// Bytes of units not yet decoded: half a unit, or the first half of a pair.
    undecoded: Vec<u8>,
    decoded: Cursor<Vec<u8>>,
}

impl Utf16 {
    fn new(inner: Stream, big_endian: bool) -> Self {
        Self {
            inner,
            big_endian,
            undecoded: Vec::new(),
            decoded: Cursor::new(Vec::new()),
        }
    }

    /// Decodes more; `false` at the end of the input.
    fn refill(&mut self) -> io::Result<bool> {
        let mut raw = [0; 4096];
        let length = self.inner.read(&mut raw)?;
        let at_end = length == 0;
        if at_end && self.undecoded.is_empty() {
            return Ok(false);
        }
        self.undecoded
            .extend_from_slice(raw.get(..length).unwrap_or_default());
        let mut units: Vec<u16> = self
            .undecoded
            .chunks_exact(2)
            .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
            .map(|pair| {
                if self.big_endian {
                    u16::from_be_bytes(pair)
                } else {
                    u16::from_le_bytes(pair)
                }
            })
            .collect();
        if !at_end && matches!(units.last(), Some(0xd800..0xdc00)) {
            units.pop();
        }
        let used = if at_end {
            self.undecoded.len()
        } else {
            units.len() * 2
        };
        self.undecoded.drain(..used);
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.decoded = Cursor::new(text.into_bytes());
        Ok(true)
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.decoded.read(buffer)?;
            if length > 0 || buffer.is_empty() || !self.refill()? {
                return Ok(length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_becomes_utf8_whatever_the_reads() {
        struct ByteByByte(Cursor<Vec<u8>>);
        impl Read for ByteByByte {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let end = buffer.len().min(1);
                self.0.read(&mut buffer[..end])
            }
        }
        let marked = "\u{feff}byeee!! \u{1f44b}\r\nnext\n";
        let bare = "{\"level\":\"info\",\"msg\":\"\u{1f44b}\"}\r\n";
        for (text, big_endian) in [(marked, false), (marked, true), (bare, false), (bare, true)] {
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| {
                    if big_endian {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect();
            let stream = ByteByByte(Cursor::new(bytes));
            let Ok(Unpacked::Text(mut stream)) = unpack(Box::new(stream)) else {
                panic!("not text");
            };
            let mut found = String::new();
            stream.read_to_string(&mut found).unwrap();
            assert_eq!(found, text);
        }
    }

    #[test]
    fn a_binary_is_refused_plain_and_packed() {
        let binary = b"\x7fELF\0\0\0".to_vec();
        let packed = zstd::encode_all(&binary[..], 0).unwrap();
        let numbers = 7_u16.to_le_bytes().repeat(40);
        for bytes in [binary, packed, numbers] {
            let found = unpack(Box::new(Cursor::new(bytes))).unwrap();
            assert!(matches!(found, Unpacked::Binary));
        }
    }
}
