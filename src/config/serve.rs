//! `[serve]`: where metrics and health are served.

use crate::diagnostic::Diagnostic;
use crate::document::{Spanned, Table};
// The addresses alone, without the sockets that `std` keeps beside them.
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The port that help suggests where a file names none.
const PORT: u16 = 9119;

/// Where metrics and health are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeSettings {
    /// The address to listen at.
    pub listen: SocketAddr,
}

/// Reads `[serve]`; `None` when the address is missing or wrong.
pub(super) fn read(table: &Table<'_>) -> Option<ServeSettings> {
    let text = table.required_text("listen")?;
    let Ok(listen) = text.value.parse::<SocketAddr>() else {
        let wrong = table
            .error(format!("`{}` is not an address to listen at", text.value))
            .at(
                text.span.clone(),
                "expected an IP address and a port, such as `127.0.0.1:9119`",
            );
        table.note(match meant(&text.value) {
            Some(meant) => wrong.help(format!("write \"{meant}\"")),
            None => wrong,
        });
        return None;
    };
    if !listen.ip().to_canonical().is_loopback() {
        table.note(exposed(table, &text, listen));
    }
    Some(ServeSettings { listen })
}

fn exposed(table: &Table<'_>, text: &Spanned<String>, listen: SocketAddr) -> Diagnostic {
    table
        .warning("metrics are served to other machines, without encryption or password")
        .at(
            text.span.clone(),
            "whoever reaches it reads the name, expiry and failures of every certificate",
        )
        .help(format!(
            "write \"{}\" unless a Prometheus elsewhere has to come in, and then let a firewall admit only that one",
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port())
        ))
}

/// The address that was most likely meant: a port alone, a host without a port, a URL.
fn meant(text: &str) -> Option<SocketAddr> {
    let text = text.strip_prefix("http://").unwrap_or(text);
    let text = text.split_once('/').map_or(text, |(host, _)| host);
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let host = |host: &str| match host {
        "" | "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        other => other.trim_matches(['[', ']']).parse::<IpAddr>().ok(),
    };
    if let Ok(port) = text.parse() {
        return Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    if let Some(ip) = host(text) {
        return Some(SocketAddr::new(ip, PORT));
    }
    let (name, port) = text.rsplit_once(':')?;
    Some(SocketAddr::new(host(name)?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_guessed() {
        for (text, expected) in [
            (":9000", Some("127.0.0.1:9000")),
            ("9000", Some("127.0.0.1:9000")),
            ("localhost:9000", Some("127.0.0.1:9000")),
            ("http://localhost:9000/metrics", Some("127.0.0.1:9000")),
            ("localhost", Some("127.0.0.1:9119")),
            ("::1", Some("[::1]:9119")),
            ("10.0.0.1", Some("10.0.0.1:9119")),
            ("example.org:9000", None),
            ("127.0.0.1:99999", None),
        ] {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(meant(text), expected, "{text}");
        }
    }
}
