//! `notafter init`: finds Caddy on this host and writes a configuration for it. What can be found out
//! is not asked.

mod admin;
mod caddy;
mod grant;
mod host;
mod saved;
mod settings;

use crate::command::arguments::InitArguments;
use crate::command::exit::{Exit, Failed, print, say};
use host::Reader;
use std::fs;
use std::path::Path;

/// Where the settings go, unless told otherwise.
const SETTINGS: &str = "/etc/notafter/notafter.toml";

/// Looks around, writes the configuration, and says what is left to do.
pub(super) fn run(arguments: &InitArguments) -> Result<Exit, Failed> {
    let path = arguments.config.as_deref().unwrap_or(Path::new(SETTINGS));
    if path.exists() && !arguments.force && !arguments.print {
        let message = format!(
            "error: {} is there already, and stays as it is\nhelp: look at it with `notafter check`; `notafter init --print` shows what would be written, `--force` writes it",
            path.display()
        );
        return Err(Failed::new(Exit::Config, message));
    }
    let found = host::look();
    for sentence in &found.sentences {
        say(sentence);
    }
    if found.logs.is_empty() {
        return Err(Failed::new(
            Exit::NoInput,
            "error: no Caddy was found: no unit, no admin API, no container, no log in /var/log/caddy\nhelp: name its log yourself, as in `notafter watch /path/to/caddy.log`, `notafter watch journal:UNIT` or `notafter watch docker:CONTAINER`; if its admin API or Docker are elsewhere, say so in CADDY_ADMIN or DOCKER_HOST",
        ));
    }
    let urls = if arguments.notify.is_empty() {
        vec![settings::fresh_topic()?]
    } else {
        arguments.notify.clone()
    };
    let reader = if found.has_unit && path == Path::new(SETTINGS) {
        Reader::Service
    } else {
        Reader::Whoever
    };
    let text = settings::text(&found.logs, &urls, reader);
    if arguments.print {
        print(&text)?;
    } else {
        write(path, &text)?;
        say(&format!("wrote {}", path.display()));
        if reader == Reader::Service {
            grant::give(&found.logs)?;
        }
    }
    let config = if path == Path::new(SETTINGS) || arguments.print {
        String::new()
    } else {
        format!(" --config {}", path.display())
    };
    for line in next_steps(&urls, &config, reader) {
        say(&line);
    }
    Ok(Exit::Fine)
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| Failed::io(directory.display(), &error))?;
    }
    fs::write(path, text).map_err(|error| Failed::io(path.display(), &error))
}

/// What is left for a person: the subscription, the token, the start.
fn next_steps(urls: &[String], config: &str, reader: Reader) -> Vec<String> {
    let mut steps = Vec::new();
    for url in urls {
        if let Some(topic) = url.strip_prefix("ntfy://") {
            steps.push(format!(
                "next: subscribe to https://{topic} in the ntfy app or a browser; whoever knows the topic sees your host names"
            ));
        }
    }
    if urls.iter().any(|url| is_matrix(url)) {
        steps.push(format!(
            "next: install -D -m 600 /dev/stdin {}    (paste the access token of a user who is in the room, then Enter and Ctrl-D)",
            reader.matrix_token()
        ));
    }
    steps.push(format!("next: notafter notify test{config}"));
    steps.push(if reader == Reader::Service {
        "next: systemctl restart notafter && systemctl status notafter".to_owned()
    } else {
        format!("next: notafter watch{config}")
    });
    steps
}

fn is_matrix(url: &str) -> bool {
    url.starts_with("matrix")
}
