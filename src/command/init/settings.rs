//! The configuration that is written: as short as it can be.

use super::caddy::Log;
use super::host::Reader;
use super::is_matrix;
use crate::command::exit::Failed;
use crate::config::is_name;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

/// A topic at ntfy.sh that nobody guesses.
pub(super) fn fresh_topic() -> Result<String, Failed> {
    let mut random = [0_u8; 10];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|error| Failed::io("/dev/urandom", &error))?;
    let topic: Vec<String> = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("ntfy://ntfy.sh/caddy-{}", topic.concat()))
}

/// The configuration's text.
pub(super) fn text(logs: &BTreeSet<Log>, urls: &[String], reader: Reader) -> String {
    let mut text = String::from(
        "# Written by `notafter init`. All that can stand here: /usr/share/doc/notafter/examples/notafter.toml\n",
    );
    let mut used = BTreeSet::new();
    for log in logs {
        let line = match log {
            Log::File(path) => format!("file = {}", quoted(&path.display().to_string())),
            Log::Journal(unit) => format!("journal = {}", quoted(unit)),
            Log::Docker(name) => format!("docker = {}", quoted(name)),
        };
        text.push_str(&format!("\n[[source]]\n{line}\n"));
        let stem = stem(log);
        let name = name(&stem, &used);
        if name != stem {
            text.push_str(&format!("name = {}\n", quoted(&name)));
        }
        used.insert(name);
    }
    for (number, url) in (1..).zip(urls) {
        let name = if urls.len() == 1 {
            "alerts".to_owned()
        } else {
            format!("alerts-{number}")
        };
        text.push_str(&format!(
            "\n[[channel]]\nname = {}\nurl = {}\n",
            quoted(&name),
            quoted(url)
        ));
        if is_matrix(url) {
            let token = match reader {
                Reader::Service => "token_credential = \"matrix-token\"".to_owned(),
                Reader::Whoever => format!("token_file = {}", quoted(reader.matrix_token())),
            };
            text.push_str(&format!(
                "# {} is one line: the access token of a user who is in the room.\n{token}\n",
                reader.matrix_token()
            ));
        }
    }
    text
}

/// What the configuration calls a source that has no `name`.
fn stem(log: &Log) -> String {
    match log {
        Log::File(path) => path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        Log::Docker(name) => name.clone(),
        Log::Journal(unit) => unit.strip_suffix(".service").unwrap_or(unit).to_owned(),
    }
}

/// The stem, if it may name a source and no other has it; else the nearest that does.
fn name(stem: &str, used: &BTreeSet<String>) -> String {
    let plain = |letter: char| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() || "._-".contains(letter) => letter,
        _ => '-',
    };
    let text: String = stem.chars().map(plain).collect();
    let text = if is_name(&text) {
        text
    } else {
        format!("caddy{text}")
    };
    let numbered = (2..).map(|number| format!("{text}-{number}"));
    let mut names = std::iter::once(text.clone()).chain(numbered);
    names.find(|name| !used.contains(name)).unwrap_or(text)
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn what_is_written_can_be_read_and_is_short() {
        let logs = BTreeSet::from([
            Log::File("/var/log/caddy/cad\"dy.log".into()),
            Log::Journal("caddy.service".into()),
        ]);
        let urls = ["matrixs://matrix.example.org/!room:example.org".to_owned()];
        for reader in [Reader::Service, Reader::Whoever] {
            let text = text(&logs, &urls, reader);
            let settings = Settings::parse("notafter.toml", &text);
            let settings = settings.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
            assert_eq!((settings.sources.len(), settings.channels.len()), (2, 1));
            let lines = text
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            assert!(lines.count() <= 10, "{text}");
        }
    }

    #[test]
    fn sources_that_would_share_a_name_get_their_own() {
        let logs = BTreeSet::from([
            Log::File("/var/log/caddy/caddy.log".into()),
            Log::File("/var/log/caddy/-x.log".into()),
            Log::Journal("caddy.service".into()),
        ]);
        let text = text(&logs, &["ntfy://ntfy.sh/topic".to_owned()], Reader::Whoever);
        let settings = Settings::parse("notafter.toml", &text);
        let settings = settings.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let names: Vec<_> = settings
            .sources
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["caddy-x", "caddy", "caddy-2"]);
    }

    #[test]
    fn a_topic_is_long_and_new() {
        let (first, second) = (fresh_topic().unwrap(), fresh_topic().unwrap());
        assert_ne!(first, second);
        assert!(first.len() > "ntfy://ntfy.sh/caddy-".len() + 16, "{first}");
    }
}
