//! Where the engine listens, as `DOCKER_HOST` says it.

use std::fmt;
use std::path::PathBuf;
use url::Url;

/// Where Docker listens unless told otherwise.
const USUAL: &str = "/var/run/docker.sock";
const PORT: u16 = 2375;

/// Where the engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// Host and port, in the clear.
    Tcp(String, u16),
}

/// An address that cannot be used, and what can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAddress {
    /// The address.
    pub text: String,
}

impl Address {
    /// Reads `DOCKER_HOST`; without it, or when it is empty, Docker's usual socket.
    pub fn of_host(host: Option<&str>) -> Result<Self, BadAddress> {
        let Some(text) = host.filter(|host| !host.is_empty()) else {
            return Ok(Self::Unix(USUAL.into()));
        };
        let bad = || BadAddress {
            text: text.to_owned(),
        };
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(bad())
            };
        }
        let url = Url::parse(text).map_err(|_| bad())?;
        match (url.scheme(), url.host_str()) {
            ("tcp" | "http", Some(host)) if url.username().is_empty() => {
                let port = url.port().unwrap_or(match url.scheme() {
                    "http" => 80,
                    _ => PORT,
                });
                let host = host.trim_start_matches('[').trim_end_matches(']');
                Ok(Self::Tcp(host.to_owned(), port))
            }
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(to, "{}", path.display()),
            Self::Tcp(host, port) if host.contains(':') => write!(to, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(to, "{host}:{port}"),
        }
    }
}

impl fmt::Display for BadAddress {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "`{}` in DOCKER_HOST is not where this version can reach Docker\nhelp: it takes `unix:///run/docker.sock` and, in the clear, `tcp://127.0.0.1:2375`; neither TLS nor ssh",
            self.text
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_ports_are_understood_and_the_rest_is_refused() {
        let shown = |text| Address::of_host(Some(text)).map(|address| address.to_string());
        let usual = Address::of_host(None).unwrap();
        assert_eq!(usual.to_string(), "/var/run/docker.sock");
        assert_eq!(shown(""), Ok("/var/run/docker.sock".to_owned()));
        assert_eq!(
            shown("unix:///run/podman/podman.sock").as_deref(),
            Ok("/run/podman/podman.sock")
        );
        assert_eq!(shown("tcp://127.0.0.1").as_deref(), Ok("127.0.0.1:2375"));
        assert_eq!(shown("tcp://[::1]:80/").as_deref(), Ok("[::1]:80"));
        assert_eq!(shown("http://proxy:2375").as_deref(), Ok("proxy:2375"));
        for bad in [
            "ssh://root@host",
            "https://host",
            "unix://relative",
            "/run/docker.sock",
            "tcp://",
        ] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }
}
