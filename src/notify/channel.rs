//! A channel's URL and token into where messages go, or into words about what to write instead.
//!
//! Neither an error nor `Debug` repeats a part of the URL that may be a secret: user info, and the
//! path and query of a webhook.

use super::Secret;
use crate::engine::message::Message;
use crate::matrix_room::{MatrixRoom, MatrixRoomError};
use crate::rules::Severity;
use std::fmt;
use thiserror::Error;
use url::{Host, Url};

/// Where messages go.
#[derive(Clone, PartialEq, Eq)]
pub struct Channel {
    name: String,
    kind: Kind,
    address: Url,
    token: Option<Secret>,
    min_severity: Severity,
}

/// What a channel speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ntfy server.
    Ntfy {
        /// The topic it publishes to.
        topic: String,
    },
    /// A Matrix homeserver.
    Matrix {
        /// The room it writes into.
        room: MatrixRoom,
    },
    /// Anything that takes a message as JSON.
    Webhook,
}

/// What is wrong with a channel, and what to write instead.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ChannelError {
    /// There is no `scheme://` in front.
    #[error(
        "channel {name}: the URL has no scheme; write it in full, such as ntfy://ntfy.sh/my-topic, matrixs://homeserver/!room:server or https://example.org/hook"
    )]
    NoScheme {
        /// The channel.
        name: String,
    },
    /// A scheme nobody here speaks.
    #[error(
        "channel {name}: {scheme}:// is not known; use ntfy:// (https) or ntfy+http:// (plain), matrixs:// (https) or matrix:// (plain), or https:// for a webhook"
    )]
    UnknownScheme {
        /// The channel.
        name: String,
        /// The scheme.
        scheme: String,
    },
    /// Not a URL.
    #[error("channel {name}: the URL cannot be read: {source}")]
    Malformed {
        /// The channel.
        name: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// A secret where it would be printed.
    #[error(
        "channel {name}: take the user name and password out of the URL, which is printed; put an access token into a file and name it as token_file"
    )]
    Credentials {
        /// The channel.
        name: String,
    },
    /// No topic, or none that ntfy takes.
    #[error(
        "channel {name}: an ntfy URL ends in one topic of up to 64 letters, digits, - and _, such as ntfy://{host}/my-topic"
    )]
    Topic {
        /// The channel.
        name: String,
        /// The host it names.
        host: String,
    },
    /// An ntfy URL with more than a topic.
    #[error(
        "channel {name}: an ntfy URL has no ?query and no #fragment; put an access token into a file and name it as token_file"
    )]
    Query {
        /// The channel.
        name: String,
    },
    /// ntfy would show the JSON of a webhook as text.
    #[error("channel {name}: ntfy.sh is no webhook; write ntfy://ntfy.sh/ and the topic")]
    NotAWebhook {
        /// The channel.
        name: String,
    },
    /// A link for people.
    #[error("channel {name}: matrix.to is no webhook; write matrixs://homeserver/!room:server")]
    MatrixLink {
        /// The channel.
        name: String,
    },
    /// A Matrix URL that names no room.
    #[error("channel {name}: {source}; {}", source.help())]
    Room {
        /// The channel.
        name: String,
        /// What is wrong with it.
        source: MatrixRoomError,
    },
    /// Matrix lets nobody write without one.
    #[error(
        "channel {name}: a Matrix room needs the access token of a user in it; set NOTAFTER_TOKEN for a room of the command line, or token_file, token_credential or token_env in the [[channel]] of the configuration"
    )]
    NoToken {
        /// The channel.
        name: String,
    },
    /// The token cannot travel in a header.
    #[error(
        "channel {name}: the token is empty or has blanks or other than ASCII characters in it; its file must hold the token and nothing else"
    )]
    Token {
        /// The channel.
        name: String,
    },
}

impl Channel {
    /// Reads a channel's URL: `ntfy://host[:port]/topic` (https), `ntfy+http://host[:port]/topic`,
    /// `matrixs://host[:port]/room` (https), `matrix://host[:port]/room` (plain), or `http(s)://...`
    /// for a webhook.
    pub fn from_url(name: &str, url: &str, token: Option<Secret>) -> Result<Self, ChannelError> {
        let named = || name.to_owned();
        let Some((scheme, rest)) = url.trim().split_once("://") else {
            return Err(ChannelError::NoScheme { name: named() });
        };
        let scheme = scheme.to_ascii_lowercase();
        // As http the host is checked and spelled as the web does.
        let web = match scheme.as_str() {
            "ntfy" | "matrixs" | "https" => "https",
            "ntfy+http" | "matrix" | "http" => "http",
            _ => {
                return Err(ChannelError::UnknownScheme {
                    name: named(),
                    scheme: scheme.escape_default().to_string(),
                });
            }
        };
        let mut address =
            Url::parse(&format!("{web}://{rest}")).map_err(|source| ChannelError::Malformed {
                name: named(),
                source,
            })?;
        if !address.username().is_empty() || address.password().is_some() {
            return Err(ChannelError::Credentials { name: named() });
        }
        let speakable = |token: &Secret| {
            let text = token.reveal();
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if token.as_ref().is_some_and(|token| !speakable(token)) {
            return Err(ChannelError::Token { name: named() });
        }
        let kind = kind(name, &scheme, &address)?;
        if kind != Kind::Webhook {
            address.set_path("/");
            address.set_fragment(None);
        }
        if matches!(kind, Kind::Matrix { .. }) && token.is_none() {
            return Err(ChannelError::NoToken { name: named() });
        }
        Ok(Self {
            name: named(),
            kind,
            address,
            token,
            min_severity: Severity::Warning,
        })
    }

    /// The same channel, told only what is at least so loud.
    #[must_use]
    pub fn with_min_severity(self, min_severity: Severity) -> Self {
        Self {
            min_severity,
            ..self
        }
    }

    /// Whether this channel is to be told.
    pub fn wants(&self, message: &Message) -> bool {
        message.severity >= self.min_severity
    }

    /// The quietest severity it is told.
    pub fn min_severity(&self) -> Severity {
        self.min_severity
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it speaks.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether a token goes with each request.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The URL as people may see it: of a webhook only the server, because many carry their
    /// secret in the path.
    pub fn shown(&self) -> String {
        let host = self.address.host_str().unwrap_or_default();
        let port = self.address.port().map(|port| format!(":{port}"));
        let server = format!("{host}{}", port.unwrap_or_default());
        let plain = self.address.scheme() == "http";
        match &self.kind {
            Kind::Ntfy { topic } if plain => format!("ntfy+http://{server}/{topic}"),
            Kind::Ntfy { topic } => format!("ntfy://{server}/{topic}"),
            Kind::Matrix { room } if plain => format!("matrix://{server}/{room}"),
            Kind::Matrix { room } => format!("matrixs://{server}/{room}"),
            Kind::Webhook if self.address.path() == "/" && self.address.query().is_none() => {
                format!("{}://{server}/", self.address.scheme())
            }
            Kind::Webhook => format!("{}://{server}/…", self.address.scheme()),
        }
    }

    /// The server that a Matrix channel sends its token to.
    pub fn homeserver(&self) -> Option<String> {
        let is_matrix = matches!(self.kind, Kind::Matrix { .. });
        is_matrix.then(|| self.address.origin().ascii_serialization())
    }

    /// Whether a token crosses a network unencrypted.
    pub fn is_clear(&self) -> bool {
        let is_here = match self.address.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.token.is_some() && self.address.scheme() == "http" && !is_here
    }

    pub(super) fn address(&self) -> &Url {
        &self.address
    }

    pub(super) fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("name", &self.name)
            .field("url", &self.shown())
            .field("token", &self.token)
            .field("min_severity", &self.min_severity)
            .finish_non_exhaustive()
    }
}

fn kind(name: &str, scheme: &str, address: &Url) -> Result<Kind, ChannelError> {
    let named = || name.to_owned();
    match (scheme, address.host_str()) {
        ("ntfy" | "ntfy+http", _) => topic(name, address).map(|topic| Kind::Ntfy { topic }),
        ("matrix" | "matrixs", _) => match MatrixRoom::of_url(address) {
            Ok(room) => Ok(Kind::Matrix { room }),
            Err(source) => Err(ChannelError::Room {
                name: named(),
                source,
            }),
        },
        (_, Some("ntfy.sh")) => Err(ChannelError::NotAWebhook { name: named() }),
        (_, Some("matrix.to")) => Err(ChannelError::MatrixLink { name: named() }),
        _ => Ok(Kind::Webhook),
    }
}

fn topic(name: &str, address: &Url) -> Result<String, ChannelError> {
    if address.query().is_some() || address.fragment().is_some() {
        return Err(ChannelError::Query {
            name: name.to_owned(),
        });
    }
    let topic = address.path().trim_matches('/');
    let spelled = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if topic.is_empty() || topic.len() > 64 || !topic.bytes().all(spelled) {
        return Err(ChannelError::Topic {
            name: name.to_owned(),
            host: address.host_str().unwrap_or_default().to_owned(),
        });
    }
    Ok(topic.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(url: &str) -> Result<Channel, ChannelError> {
        Channel::from_url("c", url, None)
    }

    #[test]
    fn urls_become_addresses() {
        for (url, address, shown) in [
            (
                "ntfy://ntfy.sh/top-1_x",
                "https://ntfy.sh/",
                "ntfy://ntfy.sh/top-1_x",
            ),
            ("NTFY://Ntfy.SH/t/", "https://ntfy.sh/", "ntfy://ntfy.sh/t"),
            (
                "ntfy+http://[::1]:81/t",
                "http://[::1]:81/",
                "ntfy+http://[::1]:81/t",
            ),
            (
                "https://h.example/a/s3cret?k=s3cret",
                "https://h.example/a/s3cret?k=s3cret",
                "https://h.example/…",
            ),
            (
                "http://h.example:8080",
                "http://h.example:8080/",
                "http://h.example:8080/",
            ),
        ] {
            let channel = channel(url).unwrap();
            assert_eq!(channel.address().as_str(), address);
            assert_eq!(channel.shown(), shown);
        }
    }

    #[test]
    fn errors_say_what_to_write_instead() {
        for (url, hint) in [
            ("ntfy.sh/topic", "ntfy://ntfy.sh/my-topic"),
            ("xmpp://h/r", "xmpp:// is not known; use ntfy://"),
            ("matrixs://h.example/", "matrixs://homeserver/!room:server"),
            (
                "matrixs://h.example/@me:h.example",
                "make a room with that user",
            ),
            ("matrixs://h.example/!r:h.example", "set NOTAFTER_TOKEN"),
            (
                "matrixs://h.example/!r:h.example?access_token=s3cret",
                "token_file",
            ),
            (
                "https://matrix.to/#/!r:h.example",
                "matrix.to is no webhook",
            ),
            ("https://", "empty host"),
            ("https://me:s3cret@h.example/", "token_file"),
            ("ntfy://s3cret@ntfy.sh/t", "token_file"),
            ("ntfy://h.example/", "ntfy://h.example/my-topic"),
            ("ntfy://h.example/a/b", "one topic"),
            ("ntfy://h.example/t%20t", "one topic"),
            ("ntfy://h.example/t?auth=s3cret", "token_file"),
            ("https://ntfy.sh/t", "ntfy://ntfy.sh/"),
        ] {
            let error = channel(url).unwrap_err();
            let words = format!("{error} {error:?}");
            assert!(words.contains(hint), "{url}: {words}");
            assert!(!words.contains("s3cret"), "{words}");
        }
    }

    #[test]
    fn a_token_is_trimmed_checked_and_never_shown() {
        let token =
            |text| Channel::from_url("c", "https://h.example/s3cret", Some(Secret::new(text)));
        let channel = token(" s3cret\n").unwrap();
        assert_eq!(channel.token().unwrap().reveal(), "s3cret");
        let shown = format!("{channel:?} {channel:#?} {:?}", channel.token());
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("[secret]"), "{shown}");
        for broken in ["", "s3cret two", "s3cret\u{e9}", "s3\ncret"] {
            let error = token(broken).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3"), "{error:?}");
        }
    }
}
