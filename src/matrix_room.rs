//! The room that a Matrix URL names, or what is wrong with it and what to write instead.
//!
//! `config` shows the mistake at its place in the settings, `notify` uses the room: one reading
//! for both. An alias begins with `#`, which a URL takes for the start of its fragment; both that
//! form and the percent-encoded one are read.

use percent_encoding::percent_decode_str;
use std::fmt;
use thiserror::Error;
use url::Url;

/// Matrix allows no longer ids and aliases, in bytes.
const BYTES_MAX: usize = 255;

/// A room of Matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatrixRoom {
    /// `!opaque:server`; rooms of version 12 and later have no `:server`.
    Id(String),
    /// `#name:server`, which the homeserver knows the id of.
    Alias(String),
}

/// Why a URL names no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MatrixRoomError {
    /// Nothing follows the host.
    #[error("no room is named")]
    Missing,
    /// A token is often put there.
    #[error("a room's URL has no `?query`")]
    Query,
    /// `@someone:server`
    #[error("this is a user, and messages go to rooms")]
    User,
    /// Neither `!` nor `#`.
    #[error("a room begins with `!` or `#`")]
    Sigil,
    /// `#name` alone.
    #[error("an alias names its server")]
    Server,
    /// Blanks, steering characters, broken percent-encoding, a path, or too long.
    #[error("this cannot be the name of a room")]
    Spelling,
}

impl MatrixRoomError {
    /// What to write instead.
    pub fn help(self) -> &'static str {
        match self {
            Self::Missing | Self::Sigil => {
                "write `matrixs://homeserver/!room:server` (the room's settings show its id, under Advanced) or `matrixs://homeserver/#alias:server`"
            }
            Self::Query => "take it away; a token is kept in a file and named with `token_file`",
            Self::User => {
                "make a room with that user and write its id, as in `matrixs://homeserver/!room:server`"
            }
            Self::Server => "write it in full, as in `matrixs://homeserver/#alias:server`",
            Self::Spelling => {
                "copy the room's id from its settings, under Advanced: `matrixs://homeserver/!room:server`"
            }
        }
    }
}

impl MatrixRoom {
    /// Reads path and fragment of a URL.
    pub fn of_url(url: &Url) -> Result<Self, MatrixRoomError> {
        if url.query().is_some() {
            return Err(MatrixRoomError::Query);
        }
        let path = url.path().trim_matches('/');
        let text = match url.fragment() {
            Some(fragment) => format!("{path}#{}", fragment.trim_end_matches('/')),
            None => path.to_owned(),
        };
        let text = percent_decode_str(&text)
            .decode_utf8()
            .map_err(|_| MatrixRoomError::Spelling)?;
        Self::of_text(&text)
    }

    /// Reads an id or an alias.
    pub fn of_text(text: &str) -> Result<Self, MatrixRoomError> {
        let spelled = |c: char| !c.is_whitespace() && !c.is_control() && c != '\u{fffd}';
        if text.len() > BYTES_MAX || !text.chars().all(spelled) {
            return Err(MatrixRoomError::Spelling);
        }
        if let Some(id) = text.strip_prefix('!') {
            let ascii = |byte: u8| byte.is_ascii_graphic() && !b"/#?\\".contains(&byte);
            return match id {
                "" => Err(MatrixRoomError::Missing),
                id if id.bytes().all(ascii) => Ok(Self::Id(text.to_owned())),
                _ => Err(MatrixRoomError::Spelling),
            };
        }
        if let Some(alias) = text.strip_prefix('#') {
            return match alias.split_once(':') {
                None if alias.is_empty() => Err(MatrixRoomError::Missing),
                None => Err(MatrixRoomError::Server),
                Some((name, server)) if name.is_empty() || server.is_empty() => {
                    Err(MatrixRoomError::Server)
                }
                Some((name, _)) if name.contains('#') => Err(MatrixRoomError::Spelling),
                Some(_) => Ok(Self::Alias(text.to_owned())),
            };
        }
        match text.chars().next() {
            None => Err(MatrixRoomError::Missing),
            Some('@') => Err(MatrixRoomError::User),
            Some(_) => Err(MatrixRoomError::Sigil),
        }
    }
}

impl fmt::Display for MatrixRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Id(text) | Self::Alias(text)) = self;
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(rest: &str) -> Result<MatrixRoom, MatrixRoomError> {
        let of = |scheme: &str| {
            let url = Url::parse(&format!("{scheme}://h.example:8448{rest}")).unwrap();
            MatrixRoom::of_url(&url)
        };
        assert_eq!(of("matrixs"), of("https"), "{rest}");
        of("matrixs")
    }

    #[test]
    fn ids_and_aliases_are_read_however_they_are_spelled() {
        for rest in [
            "/!Ab_1:h.example",
            "/%21Ab_1%3Ah.example",
            "/!Ab_1:h.example/",
        ] {
            assert_eq!(room(rest), Ok(MatrixRoom::Id("!Ab_1:h.example".into())));
        }
        for rest in ["/#ops:h.example", "#ops:h.example", "/%23ops:h.example"] {
            assert_eq!(room(rest), Ok(MatrixRoom::Alias("#ops:h.example".into())));
        }
        let hash = "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM";
        assert_eq!(room(&format!("/{hash}")), Ok(MatrixRoom::Id(hash.into())));
        let umlaut = Ok(MatrixRoom::Alias("#über:h.example".into()));
        assert_eq!(room("/#über:h.example"), umlaut);
        assert_eq!(room("/!a:[::1]:8448").unwrap().to_string(), "!a:[::1]:8448");
    }

    #[test]
    fn what_names_no_room_is_told_apart() {
        use MatrixRoomError::{Missing, Query, Server, Sigil, Spelling, User};
        for (rest, expected) in [
            ("", Missing),
            ("/", Missing),
            ("/!", Missing),
            ("/#", Missing),
            ("/@me:h.example", User),
            ("/ops:h.example", Sigil),
            ("/base/!a:h.example", Sigil),
            ("/#ops", Server),
            ("/#:h.example", Server),
            ("/#ops:", Server),
            ("/!a:h.example?access_token=x", Query),
            ("/!a:h.example#ops:h.example", Spelling),
            ("/!a/b:h.example", Spelling),
            ("/!a%20b:h.example", Spelling),
            ("/!a%0Ab:h.example", Spelling),
            ("/!a%FFb:h.example", Spelling),
            ("/##ops:h.example", Spelling),
        ] {
            assert_eq!(room(rest), Err(expected), "{rest}");
            assert!(expected.help().contains('`'));
        }
        assert_eq!(room(&format!("/!{}", "a".repeat(255))), Err(Spelling));
    }
}
