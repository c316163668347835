//! What can be wrong with the engine or a container, and what to do about it.

use super::DockerSource;
use super::engine::Fault;
use crate::source::notice::{DOCKER_REMEDY, Notice, NoticeKind};
use hyper::StatusCode;
use std::io;
use std::sync::Arc;

const NO_LOG_REMEDY: &str = "Its log driver keeps nothing that can be read back. Make the container anew \
    with `--log-driver json-file --log-opt max-size=10m --log-opt max-file=3` (`logging:` in a compose \
    file), or `local` or `journald`.";

/// Why the engine is not read; each is said once until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing is at the address.
    Absent,
    /// We may not use the socket.
    NotAllowed,
    /// It takes no connection, or fails, for another reason.
    Failed,
    /// It does not answer.
    Silent,
    /// It has no container that fits.
    NoContainer,
}

/// What a fault means for the whole engine.
pub(super) fn of_engine(source: &DockerSource, fault: &Fault) -> (Trouble, Notice) {
    let address = &source.address;
    let (trouble, kind, text, remedy) = match fault {
        Fault::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => (
            Trouble::NotAllowed,
            NoticeKind::PermissionDenied,
            format!("{address} cannot be used: permission denied"),
            Some(DOCKER_REMEDY),
        ),
        Fault::Connect(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            (
                Trouble::Absent,
                NoticeKind::Waiting,
                format!("no Docker Engine listens at {address}; waiting for it"),
                Some(
                    "Start it (`systemctl start docker`). If it listens elsewhere, say so in DOCKER_HOST; Podman's socket is `unix:///run/podman/podman.sock` (`systemctl enable --now podman.socket`).",
                ),
            )
        }
        Fault::Silent => (
            Trouble::Silent,
            NoticeKind::Unreadable,
            format!("the Docker Engine at {address} does not answer; trying again"),
            None,
        ),
        Fault::Connect(error) => failed(source, &error.to_string()),
        Fault::Broken(error) => failed(source, error),
        Fault::Refused(status, said) => failed(source, &refusal(*status, said)),
    };
    (trouble, notice(source, kind, text, remedy))
}

type Said = (Trouble, NoticeKind, String, Option<&'static str>);

fn failed(source: &DockerSource, detail: &str) -> Said {
    let address = &source.address;
    let text = format!("the Docker Engine at {address} cannot be asked: {detail}; trying again");
    (Trouble::Failed, NoticeKind::Unreadable, text, None)
}

fn refusal(status: StatusCode, said: &str) -> String {
    format!("it says {} ({said})", status.as_u16())
}

pub(super) fn no_container(source: &DockerSource) -> Notice {
    let text = format!(
        "there is no {}; waiting for it",
        source.selector.in_words().trim_start_matches("the ")
    );
    let remedy = "`docker ps --all` shows how containers are called.";
    notice(source, NoticeKind::Waiting, text, Some(remedy))
}

pub(super) fn no_log(source: &DockerSource, name: &str) -> Notice {
    let text = format!(
        "the log of the container {name} cannot be read: it has a log driver that does not support reading"
    );
    notice(source, NoticeKind::Unreadable, text, Some(NO_LOG_REMEDY))
}

/// What a fault means for the log of one container.
pub(super) fn of_log(source: &DockerSource, name: &str, fault: &Fault) -> Notice {
    let detail = match fault {
        Fault::Refused(_, said) if said.contains("does not support reading") => {
            return no_log(source, name);
        }
        Fault::Refused(status, said) => refusal(*status, said),
        Fault::Silent => "the Docker Engine does not answer".to_owned(),
        Fault::Connect(error) => error.to_string(),
        Fault::Broken(error) => error.clone(),
    };
    let text = format!("the log of the container {name} cannot be read: {detail}; trying again");
    notice(source, NoticeKind::Unreadable, text, None)
}

/// What a fault of our own system means.
pub(super) fn of_system(source: &DockerSource, error: &io::Error) -> Notice {
    let text = format!("Docker cannot be asked: {error}");
    notice(source, NoticeKind::Unreadable, text, None)
}

pub(super) fn notice(
    source: &DockerSource,
    kind: NoticeKind,
    text: String,
    remedy: Option<&str>,
) -> Notice {
    Notice {
        source: Arc::clone(&source.name),
        kind,
        text,
        remedy: remedy.map(str::to_owned),
    }
}
