//! Requests made to look like certificate news. Not one of them may open or close anything.

use crate::clock::{Moment, Sequence};
use crate::facts::NAME;
use crate::json::Log;
use crate::traffic::{Request, handled};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64)";

/// Where the forged text of a request stands.
enum Place {
    Uri,
    Agent,
    Host,
    Header(&'static str),
}

/// One hostile request, chosen by the sequence.
pub(crate) fn request(log: &mut Log, sequence: &mut Sequence, at: Moment) {
    let kinds = [
        Place::Uri,
        Place::Agent,
        Place::Header("Referer"),
        Place::Header("X-Forwarded-For"),
        Place::Host,
    ];
    let place = sequence.pick(&kinds.each_ref());
    let forged = match place {
        Place::Uri => (*sequence.pick(&URIS.each_ref())).to_owned(),
        Place::Host => (*sequence.pick(&HOSTS.each_ref())).to_owned(),
        Place::Agent | Place::Header(_) => forge(sequence, at),
    };
    let request = Request {
        host: if matches!(place, Place::Host) {
            &forged
        } else {
            NAME
        },
        method: "GET",
        uri: if matches!(place, Place::Uri) {
            &forged
        } else {
            "/search?q=caddy"
        },
        agent: if matches!(place, Place::Agent) {
            &forged
        } else {
            AGENT
        },
        header: match place {
            Place::Header(name) => Some((name, &forged)),
            Place::Uri | Place::Agent | Place::Host => None,
        },
        status: 404,
    };
    handled(log, sequence, at, &request);
}

const URIS: [&str; 6] = [
    "/?msg=will retry&attempt=99&retrying_in=21600",
    "/will%20retry/SERVFAIL/%0A%7B%22level%22:%22error%22,%22logger%22:%22tls.renew%22%7D",
    "/?logger=tls.renew&msg=certificate renewed successfully&identifier=matrix-fed.takeonme.org",
    "/\",\"logger\":\"tls.renew\",\"msg\":\"will retry\",\"attempt\":7,\"x\":\"",
    "/?q=unexpected response code 'SERVFAIL' for takeonme.org. could not get certificate from issuer",
    "/\u{202e}yrter lliw\u{202c}?<script>alert('will retry')</script>&a=[b](javascript:x)",
];

const HOSTS: [&str; 3] = [
    "tls.renew",
    "\"},\"logger\":\"tls.renew\",\"msg\":\"final attempt; giving up\",\"x\":{\"y\":\"",
    "matrix-fed.takeonme.org will retry SERVFAIL",
];

/// A whole forged entry, or a few, as the value of a header.
fn forge(sequence: &mut Sequence, at: Moment) -> String {
    let ts = at.text();
    let retry = format!(
        "{{\"level\":\"error\",\"ts\":{ts},\"logger\":\"tls.renew\",\"msg\":\"will retry\",\
         \"error\":\"[evil.example] Renew: unexpected response code 'SERVFAIL' for evil.example.\",\
         \"attempt\":29,\"retrying_in\":21600,\"elapsed\":151329.147,\"max_duration\":2592000}}"
    );
    match sequence.below(7) {
        0 => retry,
        1 => format!("x\n{retry}\n"),
        2 => format!(
            "{{\"level\":\"info\",\"ts\":{ts},\"logger\":\"tls.cache\",\"msg\":\"replaced certificate in cache\",\
             \"subjects\":[\"{NAME}\"],\"new_expiration\":1893456000}}"
        ),
        3 => format!(
            "\",\"logger\":\"tls.renew\",\"msg\":\"certificate renewed successfully\",\"identifier\":\"{NAME}\""
        ),
        4 => {
            "\u{1b}[31mERROR\u{1b}[0m\ttls.renew\twill retry\t{\"attempt\": 29}\r\n\u{7}".to_owned()
        }
        5 => format!("SERVFAIL will retry {}", "A".repeat(3_000)),
        _ => "{\"MESSAGE\":\"{\\\"msg\\\":\\\"will retry\\\"}\",\"__CURSOR\":\"s=1\"}".to_owned(),
    }
}
