//! `notafter init`: finds Caddy on this host and writes a configuration for it. What can be found out
//! is not asked.

mod admin;
mod caddy;
mod host;
mod settings;

use crate::command::arguments::InitArguments;
use crate::command::exit::{Exit, Failed, print, say};
use host::{Found, Reader};
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
    let text = settings::text(&found.logs, &urls);
    if arguments.print {
        print(&text)?;
    } else {
        write(path, &text)?;
        say(&format!("wrote {}", path.display()));
    }
    let config = if path == Path::new(SETTINGS) || arguments.print {
        String::new()
    } else {
        format!(" --config {}", path.display())
    };
    for line in next_steps(&found, &urls, &config) {
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

/// What is left for a person: the subscription, the permission, the start.
fn next_steps(found: &Found, urls: &[String], config: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for url in urls {
        if let Some(topic) = url.strip_prefix("ntfy://") {
            steps.push(format!(
                "next: subscribe to https://{topic} in the ntfy app or a browser; whoever knows the topic sees your host names"
            ));
        }
    }
    let reader = if found.has_unit {
        Reader::Service
    } else {
        Reader::Whoever
    };
    let grants: Vec<&'static str> = found
        .logs
        .iter()
        .filter_map(|log| host::grant(log, reader))
        .collect();
    if !grants.is_empty() {
        steps.push("next: let notafter read the log:".to_owned());
        steps.push("    mkdir -p /etc/systemd/system/notafter.service.d".to_owned());
        for grant in grants {
            steps.push(format!("    cp /usr/share/doc/notafter/examples/{grant} /etc/systemd/system/notafter.service.d/"));
        }
        steps.push("    systemctl daemon-reload".to_owned());
    }
    steps.push(format!("next: notafter notify test{config}"));
    steps.push(if found.has_unit {
        "next: systemctl restart notafter && systemctl status notafter".to_owned()
    } else {
        format!("next: notafter watch{config}")
    });
    steps
}
