//! Every message of the list in `fixtures/messages` is known, with what its fields tell; and every
//! line of our recordings is known, or is none about certificates.

#[cfg(test)]
mod messages {
    use notafter::caddy::entry::Entry;
    use notafter::caddy::event::{Event, is_unknown};
    use notafter::caddy::name::Name;
    use notafter::caddy::vocabulary;
    use notafter::time::LogTime;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    const NAME: &str = "a.example.com";
    const NOW: f64 = 1_777_845_837.34;
    /// notAfter of the certificate in every line, in seconds.
    const NOT_AFTER: i64 = 1_777_851_479;

    /// One row of the list.
    struct Message {
        level: String,
        logger: Option<String>,
        text: String,
        tells: Vec<String>,
        fields: Vec<(String, String)>,
    }

    fn list() -> Vec<Message> {
        let text = fs::read_to_string(fixtures().join("messages/messages.tsv")).unwrap();
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        rows.map(|row| {
            let columns: Vec<&str> = row.split('\t').collect();
            let [_, _, level, logger, text, tells, fields] = columns[..] else {
                panic!("{row}");
            };
            let field = |field: &str| {
                let (name, kind) = field.split_once(':').unwrap();
                (name.to_owned(), kind.to_owned())
            };
            let some = |text: &&str| *text != "-";
            Message {
                level: level.to_owned(),
                logger: Some(logger).filter(some).map(str::to_owned),
                text: text.to_owned(),
                tells: tells.split(',').filter(some).map(str::to_owned).collect(),
                fields: fields.split(' ').filter(some).map(field).collect(),
            }
        })
        .collect()
    }

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
    }

    /// The value that Caddy would print for a field of this type.
    fn value(name: &str, kind: &str) -> Value {
        match (name, kind) {
            ("remaining", "Duration") => json!(5642.66),
            ("cert_expiry" | "not_after", "Time") => json!(NOT_AFTER),
            ("expiration" | "new_expiration", "Time") => json!(NOT_AFTER + 1),
            ("names", "Any") | (_, "Strings") => json!([NAME]),
            ("problem", _) => json!({"type": "urn:ietf:params:acme:error:dns", "detail": "x"}),
            (_, "Time" | "Timep") => json!(1_777_840_000),
            (_, "Duration" | "Float64") => json!(60),
            (_, "Int" | "Uint8") => json!(1),
            (_, "Bool") => json!(true),
            (_, "Uint16s" | "Uint8s") => json!([1]),
            ("identifier" | "subject" | "domain" | "server_name", "String") => json!(NAME),
            _ => json!("text"),
        }
    }

    fn line(message: &Message) -> Value {
        let mut line = json!({"level": message.level, "ts": NOW, "msg": message.text});
        if let Some(logger) = &message.logger {
            line["logger"] = json!(logger);
        }
        for (name, kind) in &message.fields {
            line[name] = value(name, kind);
        }
        // This one speaks of notAfter + 1 s under the name of notAfter.
        if message.text == "renewing certificate on-demand failed" {
            line["not_after"] = json!(NOT_AFTER + 1);
        }
        line
    }

    fn entry(line: &Value) -> Entry {
        Entry::decode(line.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_message_of_caddy_2_6_to_2_11_is_known_with_what_its_fields_tell() {
        let list = list();
        assert!(list.len() > 250, "{}", list.len());
        for message in &list {
            let line = line(message);
            let Some(event) = Event::of(&entry(&line)) else {
                panic!("not known: {line}");
            };
            let tells = |what: &str| message.tells.iter().any(|tell| tell == what);
            let named = event.names == [Name::parse(NAME).unwrap()];
            assert_eq!(named, tells("name"), "{line}");
            let not_after = event.not_after.map(LogTime::seconds);
            let expected = tells("not_after").then_some(NOT_AFTER);
            assert_eq!(not_after, expected, "{line}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_in_the_list() {
        let list = list();
        for row in vocabulary::rows() {
            let said = list.iter().any(|message| {
                let found = vocabulary::look_up(&message.text);
                found.is_some_and(|found| found.msg == row.msg)
            });
            assert!(said, "no message of the list is `{}`", row.msg);
        }
    }

    #[test]
    fn a_message_that_caddy_may_learn_is_noticed() {
        for (logger, level, unknown) in [
            ("tls", "error", true),
            ("tls.cache.maintenance", "info", true),
            ("tls.issuance.acme.acme_client", "warn", true),
            ("http.acme_client", "error", true),
            ("tls.handshake", "debug", false),
            ("http", "info", false),
            ("http.log.error", "error", false),
            ("tlsmith", "error", false),
        ] {
            let line = json!({"level": level, "ts": NOW, "logger": logger, "msg": "something new"});
            assert_eq!(is_unknown(&entry(&line)), unknown, "{line}");
        }
        let nameless =
            json!({"level": "error", "ts": NOW, "msg": "new", "challenge_type": "http-01"});
        assert!(is_unknown(&entry(&nameless)));
        let of_the_process = json!({"level": "info", "ts": NOW, "msg": "GOMEMLIMIT is updated"});
        assert!(!is_unknown(&entry(&of_the_process)));
    }

    /// How messages in our recordings begin that are not about certificates.
    const IGNORED: [&str; 19] = [
        "Caddyfile input is not formatted",
        "GOMEMLIMIT is updated",
        "HTTP/2 skipped because it requires TLS",
        "adapted config to JSON",
        "admin endpoint disabled",
        "admin endpoint started",
        "automatic HTTP->HTTPS redirects are disabled",
        "enabling HTTP/3 listener",
        "enabling automatic HTTP->HTTPS redirects",
        "exiting; byeee!!",
        "handled request",
        "maxprocs: ",
        "received request",
        "redirected default logger",
        "root certificate trust store installation disabled",
        "server is listening only on the HTTP",
        "server running",
        "servers shutting down with eternal grace period",
        "stopped previous server",
    ];

    #[test]
    fn every_line_of_the_recordings_is_known_or_ignored_on_purpose() {
        let mut strange = BTreeSet::new();
        let mut lines = 0;
        for log in captures() {
            for line in fs::read_to_string(&log).unwrap().lines() {
                let entry = Entry::decode(line.as_bytes()).unwrap();
                lines += 1;
                assert!(!is_unknown(&entry), "{}: {line}", log.display());
                let ignored =
                    entry.is_traffic() || IGNORED.iter().any(|start| entry.msg.starts_with(start));
                if Event::of(&entry).is_none() && !ignored {
                    strange.insert(entry.msg);
                }
            }
        }
        assert!(lines > 300, "{lines}");
        assert_eq!(strange, BTreeSet::new());
    }

    /// Every `captures/VERSION/EXPERIMENT/caddy.log`.
    fn captures() -> Vec<PathBuf> {
        let below = |path: PathBuf| {
            fs::read_dir(path)
                .unwrap()
                .map(|found| found.unwrap().path())
        };
        let versions = below(fixtures().join("captures")).filter(|path| path.is_dir());
        let experiments = versions.flat_map(below).filter(|path| path.is_dir());
        experiments
            .map(|path| path.join("caddy.log"))
            .filter(|log| log.exists())
            .collect()
    }
}
