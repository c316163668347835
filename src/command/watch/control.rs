//! What the running watch does when it is asked through the control socket.

use crate::caddy::cause::Cause;
use crate::command::control::candidates;
use crate::command::exit::say;
use crate::control::{Asked, Reply, Request, Server};
use crate::diagnostic::nearest;
use crate::engine::{Engine, Matchers, Silence, SilenceError};
use crate::time::{LogTime, WallTime};
use std::collections::BTreeSet;
use std::future::pending;
use std::path::Path;

/// The socket, where one could be made. Without it watching goes on.
pub(super) struct Counter {
    server: Option<Server>,
}

impl Counter {
    /// Opens the socket of a watch with this state.
    pub(super) fn open(state: &Path) -> Self {
        let server = candidates(state).first().and_then(|path| {
            Server::bind(path)
                .inspect_err(|error| {
                    say(&format!(
                        "warning: no control socket at {}: {error}; `notafter silence` will not reach this watch",
                        path.display()
                    ));
                })
                .ok()
        });
        Self { server }
    }

    /// The next that is asked. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Asked {
        match &mut self.server {
            Some(server) => match server.next().await {
                Some(asked) => asked,
                None => pending().await,
            },
            None => pending().await,
        }
    }
}

/// A moment of our clock on that of the logs.
fn on_logs(moment: WallTime) -> LogTime {
    LogTime::from_micros(moment.micros())
}

/// Does what concerns silences; `None` for everything else.
pub(super) fn hush(
    engine: &mut Engine,
    instances: &[String],
    request: &Request,
    now: WallTime,
) -> Option<Reply> {
    let mut warning = None;
    let result = match request {
        Request::Status => return None,
        Request::Silences => {
            let silences = engine.silences().filter(|one| one.until > on_logs(now));
            Ok(silences.cloned().collect())
        }
        Request::Silence {
            matchers,
            until,
            comment,
        } => {
            let made = silence(engine, instances, (matchers, comment), (now, *until));
            warning = made
                .as_ref()
                .ok()
                .and_then(|one| nobody_called(engine, one));
            made.map(|one| vec![one])
        }
        Request::Expire { id } => engine.expire(id).map(|one| vec![one]).ok_or_else(|| {
            let ids = engine.silences().map(|one| one.id.as_str());
            unknown("silence", id, ids, "`notafter silence list` names them all")
        }),
    };
    Some(match result {
        Ok(silences) => Reply::Silences { silences, warning },
        Err(message) => Reply::Refused { message },
    })
}

fn silence(
    engine: &mut Engine,
    instances: &[String],
    (matchers, comment): (&Matchers, &str),
    (now, until): (WallTime, WallTime),
) -> Result<Silence, String> {
    let span = (on_logs(now), on_logs(until));
    let silence = Silence::new(matchers.clone(), span, comment).map_err(|why| match why {
        SilenceError::NoSuchCause => no_such_cause(matchers),
        SilenceError::Empty(word) => {
            format!("{why}\nhelp: leave `--{word}` out, or say which {word} is meant")
        }
        _ => why.to_string(),
    })?;
    if let Some(rule) = &matchers.rule {
        let mut rules = engine.rules();
        if !rules.any(|one| one == rule) {
            let all = "`notafter rules list` names them all";
            return Err(unknown("rule", rule, engine.rules(), all));
        }
    }
    if let Some(instance) = matchers
        .instance
        .as_ref()
        .filter(|one| !instances.contains(one))
    {
        return Err(unknown(
            "watched Caddy",
            instance,
            instances.iter().map(String::as_str),
            &format!("it watches {}", instances.join(", ")),
        ));
    }
    engine
        .silence(silence.clone())
        .map_err(|why| why.to_string())?;
    Ok(silence)
}

/// Says so where no name that is known is meant: it may be misspelt, or still to come.
fn nobody_called(engine: &Engine, silence: &Silence) -> Option<String> {
    let wanted = silence.matchers.certificate.as_deref()?;
    let names = || engine.certificates().map(|(.., one)| one.name.as_str());
    if names().any(|name| silence.matchers.is_of(name)) {
        return None;
    }
    let all = "it holds as soon as one is; `notafter status` lists them";
    Some(unknown("certificate so far", wanted, names(), all))
}

fn no_such_cause(matchers: &Matchers) -> String {
    let words = Cause::ALL.iter().map(|cause| cause.word());
    let class_of = |word: &'static str| word.split('.').next().unwrap_or(word);
    let classes: BTreeSet<&str> = words.clone().map(class_of).collect();
    let classes: Vec<&str> = classes.into_iter().collect();
    let cause = matchers.cause.as_deref().unwrap_or_default();
    let help = format!("a cause is, or begins with, {}", classes.join(", "));
    unknown("cause", cause, words.chain(classes), &help)
}

/// Says that nothing is called so, and what was probably meant, or else where all names are.
fn unknown<'n>(
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'n str>,
    all: &str,
) -> String {
    let near = nearest(wanted, known).map(|name| format!("did you mean `{name}`?"));
    let help = near.unwrap_or_else(|| all.to_owned());
    format!("no {what} is called `{wanted}`\nhelp: {help}")
}
