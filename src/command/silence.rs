//! `notafter silence`: alerts that nobody is told of for a while, kept by the running watch.

use crate::command::arguments::{SilenceAddArguments, SilenceArguments, SilenceVerb};
use crate::command::control::ask_watch;
use crate::command::exit::{Exit, Failed, print, say};
use crate::command::state;
use crate::control::{Reply, Request};
use crate::document::parse_length;
use crate::engine::{Matchers, Silence};
use crate::report::json::silence;
use crate::time::WallTime;
use chrono::Utc;

/// Runs one of the verbs.
pub(super) fn run(arguments: &SilenceArguments) -> Result<Exit, Failed> {
    let (request, place) = match &arguments.verb {
        SilenceVerb::Add(add) => (request(add)?, &add.place),
        SilenceVerb::List { place, .. } => (Request::Silences, place),
        SilenceVerb::Expire { id, place } => (Request::Expire { id: id.clone() }, place),
    };
    let directory = state::directory(place.state.as_deref(), None)?;
    let Reply::Silences { silences, warning } = ask_watch(&directory, &request)? else {
        let message = "error: the running watch replied to something else\nhelp: restart it, so that both are of the same version";
        return Err(Failed::new(Exit::Unavailable, message));
    };
    let lines: Vec<String> = match &arguments.verb {
        SilenceVerb::Expire { .. } => silences.iter().map(ended).collect(),
        SilenceVerb::List { json: true, .. } => silences
            .iter()
            .map(|one| silence(one).to_string())
            .collect(),
        SilenceVerb::List { .. } if silences.is_empty() => vec!["Nothing is silenced.".to_owned()],
        SilenceVerb::Add(_) | SilenceVerb::List { .. } => silences.iter().map(words).collect(),
    };
    let told: String = lines.into_iter().map(|line| line + "\n").collect();
    print(&told)?;
    if let Some(warning) = warning {
        say(&format!("warning: {warning}"));
    }
    Ok(Exit::Fine)
}

fn request(add: &SilenceAddArguments) -> Result<Request, Failed> {
    Ok(Request::Silence {
        matchers: Matchers {
            rule: add.rule.clone(),
            certificate: add.certificate.clone(),
            instance: add.instance.clone(),
            cause: add.cause.clone(),
        },
        until: until(add)?,
        comment: add.comment.clone(),
    })
}

fn until(add: &SilenceAddArguments) -> Result<WallTime, Failed> {
    let wrong = |flag: &str, text: &str, like: &str| {
        let message = format!("error: {flag}: `{text}` is not a {like}");
        Failed::new(Exit::Usage, message)
    };
    if let Some(text) = &add.length {
        let length = parse_length(text).ok_or_else(|| {
            wrong(
                "--for",
                text,
                "length of time\nhelp: write it like `2h` or `1d 12h`",
            )
        })?;
        return Ok(WallTime::from_micros(Utc::now().timestamp_micros()) + length);
    }
    let text = add.until.as_deref().unwrap_or_default();
    WallTime::parse_rfc3339(text).ok_or_else(|| {
        wrong(
            "--until",
            text,
            "time\nhelp: write it like 2026-05-03T22:04:01Z",
        )
    })
}

/// One silence in one line.
fn words(silence: &Silence) -> String {
    let given = silence.matchers.by_word().into_iter();
    let about: Vec<String> = given
        .filter_map(|(word, value)| Some(format!("{word} {}", value?)))
        .collect();
    format!(
        "{}  until {}  {}  ({})",
        silence.id,
        silence.until.utc(),
        about.join(", "),
        silence.comment
    )
}

/// What is open may be told at once, after the pause between messages, or not at all; the usual rules say.
fn ended(silence: &Silence) -> String {
    format!(
        "{} has ended; of what it kept quiet, alerts that are still open are told as usual again",
        silence.id
    )
}
