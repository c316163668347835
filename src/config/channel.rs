//! `[[channel]]`: where messages go, and where the secret for it is kept.

use super::name::{self, Places};
use super::spanned_path;
use crate::diagnostic::nearest;
use crate::document::{Spanned, Table};
use crate::matrix_room::MatrixRoom;
use crate::rules::Severity;
use std::path::PathBuf;
use url::{Host, Url};

/// The schemes of channel URLs.
pub(super) const SCHEMES: [&str; 6] = ["ntfy", "ntfy+http", "matrix", "matrixs", "https", "http"];

/// Those of them that send a token in the clear.
const SCHEMES_CLEAR: [&str; 3] = ["ntfy+http", "http", "matrix"];

/// Where the secret of a channel is read from, by `command` and never by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFrom {
    /// The channel needs none.
    None,
    /// A file that holds nothing else.
    File(PathBuf),
    /// A credential that systemd hands over by this name (`LoadCredential=`).
    Credential(String),
    /// An environment variable.
    Env(String),
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSettings {
    /// The channel's name in the outbox, in metrics and on the command line.
    pub name: String,
    /// Its address, without credentials; the scheme says what kind of channel it is.
    pub url: Spanned<Url>,
    /// Where its secret is read from.
    pub token: TokenFrom,
    /// The quietest severity it is sent.
    pub min_severity: Severity,
}

/// Reads one `[[channel]]`; `None` when something it cannot do without is missing or wrong.
pub(super) fn read(table: &Table<'_>, names: &mut Places) -> Option<ChannelSettings> {
    let name = table.required_text("name");
    let url = table.required_text("url");
    let url = url.and_then(|text| address(table, &text));
    let token = token(table);
    let words = Severity::ALL.map(Severity::word);
    let min_severity = table
        .one_of("min_severity", &words)
        .and_then(|word| Severity::from_word(word.value));
    if let Some(name) = &name
        && name::check(table, name)
    {
        names.claim(table, &name.value, &name.span);
    }
    let url = url?;
    if is_matrix(&url.value) {
        matrix(table, &url);
    }
    if token != TokenFrom::None && is_clear(&url.value) {
        table.note(
            table
                .warning("the token of this channel is sent without encryption")
                .at(url.span.clone(), "anyone on the way can read it"),
        );
    }
    Some(ChannelSettings {
        name: name?.value,
        url,
        token,
        min_severity: min_severity.unwrap_or(Severity::Warning),
    })
}

fn address(table: &Table<'_>, text: &Spanned<String>) -> Option<Spanned<Url>> {
    let scheme = text.value.split_once("://").map(|(scheme, _)| scheme);
    let wrong = match (scheme, Url::parse(&text.value)) {
        (None, _) => table
            .error("a channel's `url` has no scheme")
            .at(text.span.clone(), "expected `scheme://host/...`")
            .help(
                "write `ntfy://host/topic`, `matrixs://host/!room:server` or `https://host/path`",
            ),
        (Some(scheme), _) if !SCHEMES.contains(&scheme) => {
            let known = nearest(scheme, SCHEMES.into_iter());
            let unknown = table
                .error(format!("no channel is reached by `{scheme}://`"))
                .at(text.inner(0..scheme.len()), "not a known scheme");
            match known {
                Some(known) => unknown.help(format!("did you mean `{known}://`?")),
                None => unknown.help(format!("known are {}", listed(&SCHEMES))),
            }
        }
        (_, Err(error)) => table
            .error("a channel's `url` cannot be read")
            .at(text.span.clone(), error.to_string()),
        (_, Ok(url)) if url.password().is_some() || !url.username().is_empty() => table
            .error("a channel's `url` holds a credential")
            .at(text.span.clone(), "addresses are shown, secrets are not")
            .help("put the token into a file and name it with `token_file`"),
        (_, Ok(url)) if url.host_str().is_none_or(str::is_empty) => table
            .error("a channel's `url` has no host")
            .at(text.span.clone(), "expected `scheme://host/...`"),
        (_, Ok(url)) => return Some(text.clone().map(|_| url)),
    };
    table.note(wrong);
    None
}

fn is_matrix(url: &Url) -> bool {
    matches!(url.scheme(), "matrix" | "matrixs")
}

/// Whether a token would cross a network unencrypted.
fn is_clear(url: &Url) -> bool {
    let is_here = match url.host() {
        // A host is read as a name when the scheme is not one of the web's.
        Some(Host::Domain(name)) => name == "localhost" || name.starts_with("127."),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    SCHEMES_CLEAR.contains(&url.scheme()) && !is_here
}

/// Notes a URL without a room, and a room without a token.
fn matrix(table: &Table<'_>, url: &Spanned<Url>) {
    if let Err(error) = MatrixRoom::of_url(&url.value) {
        let wrong = table.error("a Matrix channel's `url` ends in one room");
        table.note(
            wrong
                .at(url.span.clone(), error.to_string())
                .help(error.help()),
        );
    }
    if !table
        .keys()
        .iter()
        .any(|key| key.value.starts_with("token"))
    {
        let wrong = table.error("a Matrix channel needs the access token of a user in the room");
        table.note(
            wrong
                .at(url.span.clone(), "nobody may write there without one")
                .help("put it into a file and add `token_file = \"/path/of/it\"`"),
        );
    }
}

fn token(table: &Table<'_>) -> TokenFrom {
    plain_token(table);
    let given: Vec<Spanned<String>> = table
        .keys()
        .into_iter()
        .filter(|key| key.value.starts_with("token_"))
        .filter(|key| {
            ["file", "credential", "env"]
                .iter()
                .any(|end| key.value.ends_with(end))
        })
        .collect();
    let file = spanned_path(table, "token_file").map(|path| TokenFrom::File(path.value));
    let credential = word(table, "token_credential").map(TokenFrom::Credential);
    let env = word(table, "token_env").map(TokenFrom::Env);
    if let [first, second, ..] = given.as_slice() {
        table.note(
            table
                .error(format!("{} has two tokens", table.title()))
                .at(second.span.clone(), "second here")
                .at(first.span.clone(), "first here")
                .help("keep one of them"),
        );
    }
    file.or(credential).or(env).unwrap_or(TokenFrom::None)
}

/// Notes a secret written down where everything else may be read by anyone.
fn plain_token(table: &Table<'_>) {
    let Some(key) = table.keys().into_iter().find(|key| key.value == "token") else {
        return;
    };
    table.settle("token");
    table.note(
        table
            .error("a token does not belong in the settings")
            .at(key.span, "a secret would stand here in the clear")
            .help("put it into a file and write `token_file = \"/path/of/it\"`"),
    );
}

/// The name of a credential or of an environment variable.
fn word(table: &Table<'_>, key: &str) -> Option<String> {
    let text = table.text(key)?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if text.value.is_empty() || !text.value.chars().all(plain) {
        let wrong = table
            .error(format!("`{key}` holds no name"))
            .at(text.span, "expected letters, digits, `_`, `-` and `.`");
        let bare = text.value.trim_matches(|letter: char| !plain(letter));
        table.note(if bare.is_empty() || !bare.chars().all(plain) {
            wrong
        } else {
            wrong.help(format!("write \"{bare}\""))
        });
        return None;
    }
    Some(text.value)
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}://`")).collect();
    quoted.join(", ")
}
