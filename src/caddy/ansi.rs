//! The colours that terminals are told in the middle of a text.

use std::borrow::Cow;

const ESCAPE: u8 = 0x1b;

/// The text without escape sequences.
pub fn without(text: &str) -> Cow<'_, str> {
    match strip(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The bytes without escape sequences: `ESC [`, parameters, a letter.
pub fn strip(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(ESCAPE, bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(ESCAPE, rest) {
        kept.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = after_sequence(rest.get(at + 1..).unwrap_or_default());
    }
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

/// What follows a sequence whose escape has been taken off; a lone escape is dropped alone.
fn after_sequence(bytes: &[u8]) -> &[u8] {
    let Some(parameters) = bytes.strip_prefix(b"[") else {
        return bytes;
    };
    let end = parameters
        .iter()
        .position(|byte| (0x40..0x7f).contains(byte));
    end.and_then(|end| parameters.get(end + 1..))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_the_text_stays() {
        assert_eq!(without("\u{1b}[31mERROR\u{1b}[0m\tx"), "ERROR\tx");
        assert_eq!(without("\u{1b}[1;31mé\u{1b}"), "é");
        assert!(matches!(without("plain"), Cow::Borrowed("plain")));
        assert_eq!(without("\u{1b}[12"), "");
    }
}
