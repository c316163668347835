//! Settings and `--notify` URLs into channels, with the secrets that they need.

use crate::command::exit::{Exit, Failed, say};
use crate::config::{ChannelSettings, Settings, TokenFrom};
use crate::engine::alert::stable_id;
use crate::notify::{Channel, Kind, Secret};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The access token of Matrix rooms on the command line, where everybody on the machine would see
/// it.
const TOKEN: &str = "NOTAFTER_TOKEN";

/// Where systemd takes credentials from that its unit names without a path (systemd.exec(5)). Root's own
/// commands, which are handed none, find them there.
const STORE: &str = "/etc/credstore";

/// The channels of the configuration.
pub(super) fn configured(settings: &Settings) -> Result<Vec<Channel>, Failed> {
    settings.channels.iter().map(configured_one).collect()
}

/// One of them with its secret.
pub(super) fn configured_one(configured: &ChannelSettings) -> Result<Channel, Failed> {
    let name = &configured.name;
    let secret = read_secret(&configured.token).map_err(|why| {
        Failed::new(
            Exit::Config,
            format!("error: the token of channel `{name}` cannot be read: {why}"),
        )
    })?;
    Channel::from_url(name, configured.url.value.as_str(), secret)
        .map(|channel| channel.with_min_severity(configured.min_severity))
        .map_err(|error| Failed::new(Exit::Config, format!("error: {error}")))
}

fn read_secret(token: &TokenFrom) -> Result<Option<Secret>, String> {
    let of_file = |path: &Path| {
        fs::read_to_string(path)
            .map(|text| Some(Secret::new(text.trim())))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    match token {
        TokenFrom::None => Ok(None),
        TokenFrom::File(path) => of_file(path),
        TokenFrom::Credential(name) => {
            let handed_over = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
            let path = handed_over.unwrap_or_else(|| STORE.into()).join(name);
            of_file(&path).map_err(|why| {
                format!("{why}\nhelp: it belongs into {STORE}/{name}, which only root need be able to read, and which the service gets when it starts")
            })
        }
        TokenFrom::Env(name) => env::var(name)
            .map(|text| Some(Secret::new(text.trim())))
            .map_err(|_| format!("the environment variable {name} is not set")),
    }
}

/// The channels of the command line.
pub(super) fn of_urls(urls: &[String]) -> Result<Vec<Channel>, Failed> {
    let channels: Vec<Channel> = urls
        .iter()
        .map(|url| of_url(url))
        .collect::<Result<_, _>>()?;
    let mut homeservers = channels.iter().filter_map(Channel::homeserver);
    let first = homeservers.next();
    if homeservers.any(|other| Some(other) != first) {
        let message = format!(
            "error: --notify: two homeservers would be sent the one token of {TOKEN}\nhelp: put the rooms into the configuration, each with a token of its own"
        );
        return Err(Failed::new(Exit::Usage, message));
    }
    Ok(channels)
}

/// A channel's name keys the outbox, so it depends on the URL alone, and shows nothing of it that
/// may be secret.
fn of_url(url: &str) -> Result<Channel, Failed> {
    let scheme = url.split_once(':').map_or("channel", |(scheme, _)| scheme);
    let name = format!("{scheme}-{}", stable_id(&[url]));
    let is_matrix = ["matrix", "matrixs"]
        .iter()
        .any(|known| scheme.trim().eq_ignore_ascii_case(known));
    // Any other kind of server must not get it.
    let token = if is_matrix {
        env::var(TOKEN).ok()
    } else {
        None
    };
    let token = token.filter(|token| !token.trim().is_empty());
    let channel = Channel::from_url(&name, url, token.as_deref().map(Secret::new))
        .map_err(|error| Failed::new(Exit::Usage, format!("error: --notify: {error}")))?;
    if matches!(channel.kind(), Kind::Matrix { .. }) && channel.is_clear() {
        say(&format!(
            "warning: the token of {} is sent without encryption\nhelp: write matrixs:// instead of matrix://",
            channel.shown()
        ));
    }
    Ok(channel)
}
