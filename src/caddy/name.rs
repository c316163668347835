//! One spelling per certificate.

use core::net::IpAddr;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The subject of a certificate: a DNS name, a wildcard or an IP address, lower case, without the
/// trailing dot. Its text is shared by all that hold it. It holds nothing but letters, digits and `-_.*:`, so it is safe to print.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// What people write, in brackets, for a name that they do not show.
const STAND_INS: [&str; 5] = ["redacted", "hidden", "removed", "domain", "hostname"];

impl Name {
    /// Longest text taken for a name, in bytes: a DNS name has at most 253, an escaped one more.
    const BYTES_MAX: usize = 512;

    /// Reads a name; `None` for what no certificate can be issued for.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.').to_lowercase();
        let inside = text.trim_matches(['[', ']', '<', '>']);
        if STAND_INS.contains(&inside) {
            return Some(Self(inside.into()));
        }
        let shaped = text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | ':'));
        let sized = (1..=Self::BYTES_MAX).contains(&text.len());
        (shaped && sized).then(|| Self(text.into()))
    }

    /// Whether it is an IP address.
    pub fn is_address(&self) -> bool {
        self.0.parse::<IpAddr>().is_ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a certificate name")
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_for_a_name_is_one() {
        for text in ["[REDACTED]", "<redacted>", "redacted"] {
            let name = Name::parse(text);
            assert_eq!(name.as_ref().map(Name::as_str), Some("redacted"));
        }
        assert_eq!(Name::parse("[]"), None);
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        assert_eq!(Name::parse("Example.COM."), Name::parse("example.com"));
        assert!(Name::parse("*.example.com").is_some());
        assert!(Name::parse("2001:db8::1").is_some());
    }

    #[test]
    fn a_name_that_was_taken_is_taken_again_from_the_store() {
        for text in ["\u{130}stanbul.example", "\u{23a}\u{23a}.example"] {
            if let Some(name) = Name::parse(text) {
                assert_eq!(Name::parse(name.as_str()), Some(name));
            }
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_not_one() {
        for text in [
            "",
            " ",
            "mailto:a@b",
            "a b",
            "a\u{202e}b",
            "<b>",
            "a/b",
            "\n",
        ] {
            assert_eq!(Name::parse(text), None, "{text:?}");
        }
        assert_eq!(Name::parse(&"a".repeat(600)), None);
    }
}
