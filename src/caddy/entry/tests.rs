//! Entries in every shape that Caddy prints them in, and what is refused.

use super::*;

#[test]
fn a_line_of_caddy_is_decoded() {
    let line = br#"{"level":"error","ts":1777845841.489,"logger":"tls.renew","msg":"will retry","error":"[a] Renew: x","attempt":29,"retrying_in":21600,"elapsed":151329.147}"#;
    let entry = Entry::decode(line).unwrap();
    assert_eq!(entry.at.map(LogTime::micros), Some(1_777_845_841_489_000));
    assert_eq!(
        (entry.level, entry.logger.as_str()),
        (Level::Error, "tls.renew")
    );
    assert_eq!(entry.count("attempt"), Some(29));
    assert_eq!(entry.length("retrying_in"), Some(TimeDelta::hours(6)));
    assert_eq!(
        entry.length("elapsed"),
        Some(TimeDelta::milliseconds(151_329_147))
    );
}

#[test]
fn of_duplicate_keys_the_first_counts() {
    let entry =
        Entry::decode(br#"{"msg":"a","logger":"tls","msg":"b","logger":"http.log.access"}"#);
    assert_eq!(
        entry.map(|entry| (entry.msg, entry.logger)),
        Ok(("a".into(), "tls".into()))
    );
}

#[test]
fn broken_lines_say_where_they_break() {
    assert_eq!(
        Entry::decode(b"not json"),
        Err(Unreadable::NotJson { column: 2 })
    );
    assert_eq!(
        Entry::decode(br#"{"level":"info"}"#),
        Err(Unreadable::NoMessage)
    );
    assert_eq!(Entry::decode(br#"{"msg":5}"#), Err(Unreadable::NoMessage));
    for broken in [
        &b""[..],
        b"[]",
        b"{",
        br#"{"msg":"a""#,
        b"{\"msg\":\"\xff\"}",
        br#"{"msg":"a"} {"#,
    ] {
        assert!(matches!(
            Entry::decode(broken),
            Err(Unreadable::NotJson { .. })
        ));
    }
}

#[test]
fn the_level_of_a_stdlib_line_is_in_its_text() {
    for (msg, level) in [
        ("[ERROR] key auth HTTP server: x", Level::Error),
        ("panic: certificate worker: x", Level::Error),
        ("[WARNING] x", Level::Warn),
        ("x [ERROR]", Level::Info),
    ] {
        let line = format!(r#"{{"level":"info","msg":"{msg}"}}"#);
        let entry = Entry::decode(line.as_bytes()).unwrap();
        assert_eq!((entry.level, entry.msg.as_str()), (level, msg));
    }
}

#[test]
fn keys_are_found_by_what_stands_under_them() {
    for line in [
        r#"{"L":"[31mERROR[0m","T":1777845841.5,"N":"tls.renew","M":"will retry","error":"x"}"#,
        r#"{"attempt":2,"error":"x","expiration":1777851479,"time":"2026-05-03T22:04:01.5Z","severity":"error","name":"tls.renew","message":"will retry"}"#,
    ] {
        let entry = Entry::decode(line.as_bytes()).unwrap();
        assert_eq!(
            entry.at.map(LogTime::micros),
            Some(1_777_845_841_500_000),
            "{line}"
        );
        assert_eq!(
            (entry.level, entry.logger.as_str(), entry.msg.as_str()),
            (Level::Error, "tls.renew", "will retry")
        );
    }
}

#[test]
fn what_strangers_send_is_never_the_message() {
    for line in [
        r#"{"L":"info","T":1,"N":"http.log.access","M":"handled request","ua":"will retry"}"#,
        r#"{"L":"info","T":1,"M":"handled request","ua":"will retry"}"#,
        r#"{"ua":"will retry","L":"error","T":1,"M":"some error","request":{"method":"GET","uri":"/"}}"#,
    ] {
        let entry = Entry::decode(line.as_bytes());
        assert!(
            entry
                .as_ref()
                .map_or(true, |entry| entry.msg != "will retry"),
            "{entry:?}"
        );
    }
}

#[test]
fn the_unit_of_lengths_is_proven_or_likely() {
    let remaining = |line: &str| Entry::decode(line.as_bytes()).unwrap().length("remaining");
    let hour = Some(TimeDelta::hours(1));
    for line in [
        r#"{"ts":1777845841.5,"msg":"x","remaining":3600.0}"#,
        r#"{"ts":1777845841,"msg":"x","remaining":3600}"#,
        r#"{"ts":1777845841.5,"msg":"x","remaining":3600000}"#,
        r#"{"ts":1777845841.5,"msg":"x","remaining":3600000000000}"#,
        r#"{"ts":1777845841,"msg":"x","remaining":3600000,"max_duration":2592000000}"#,
        r#"{"ts":1777845841,"msg":"x","remaining":3600000,"expiration":1777849441}"#,
        r#"{"ts":1777845841,"msg":"x","remaining":"1h0m0s"}"#,
    ] {
        assert_eq!(remaining(line), hour, "{line}");
    }
    let proven = Entry::decode(br#"{"msg":"x","max_duration":2592000000}"#).unwrap();
    let layout = Layout {
        unit: proven.proven_unit(),
        ..Layout::default()
    };
    let later = Entry::read(
        br#"{"ts":1777845841,"msg":"x","remaining":3600000}"#,
        &layout,
    );
    assert_eq!(later.unwrap().length("remaining"), hour);
}

/// A line is printed a moment after what remains was counted, and its time may be cut to a second.
#[test]
fn the_unit_is_proven_by_an_expiry_within_ten_seconds() {
    let unit = |remaining: f64, until: f64| {
        let line = format!(
            r#"{{"ts":1777845841.5,"msg":"x","remaining":{remaining},"expiration":{}}}"#,
            1_777_845_841.5 + until
        );
        Entry::decode(line.as_bytes()).unwrap().unit
    };
    for (remaining, until, proven) in [
        (3_600.0, 3_600.0, Some(Unit::Seconds)),
        (3_600.0, 3_609.0, Some(Unit::Seconds)),
        (3_600.0, 3_591.0, Some(Unit::Seconds)),
        (3_600.0, 3_611.0, None),
        (3_600.0, 3_589.0, None),
        (3_600_000.0, 3_609.0, Some(Unit::Millis)),
        (3_600_000.0, 3_611.0, None),
        (3_600_000_000_000.0, 3_609.0, Some(Unit::Nanos)),
        (3_600_000_000_000.0, 3_611.0, None),
        (-5_136.0, -5.0, Some(Unit::Millis)),
        (-5_136_000_000.0, -5.0, Some(Unit::Nanos)),
    ] {
        let found = match unit(remaining, until) {
            Units::Proven(unit) => Some(unit),
            Units::Each { .. } => None,
        };
        assert_eq!(found, proven, "{remaining} until {until}");
    }
}

#[test]
fn odd_types_are_survived() {
    let entry = Entry::decode(
        br#"{"msg":"x","ts":[1],"level":7,"attempt":-1,"elapsed":{},"previous":9223372036854775807}"#,
    )
    .unwrap();
    assert_eq!(
        (entry.at, entry.count("attempt"), entry.length("elapsed")),
        (None, None, None)
    );
}

#[test]
fn the_zero_time_of_go_is_no_moment() {
    let entry =
        Entry::decode(br#"{"msg":"x","next_start":-6795364578.8713455,"next_update":null}"#)
            .unwrap();
    assert_eq!(
        (entry.moment("next_start"), entry.moment("next_update")),
        (None, None)
    );
}

#[test]
fn an_error_may_be_a_problem_object() {
    let entry = Entry::decode(br#"{"msg":"x","error":{"type":"urn:ietf:params:acme:error:dns","detail":"SERVFAIL looking up CAA"}}"#).unwrap();
    assert_eq!(
        entry.error().as_deref(),
        Some("urn:ietf:params:acme:error:dns - SERVFAIL looking up CAA")
    );
}
