//! Rejecting the access-log ocean by its head, before any JSON is parsed.
//!
//! zap's JSON encoder always writes level, time and logger first, in this order and without spaces,
//! and escapes every quote a client may send (zap v1.27.0, `zapcore/json_encoder.go`). So a line
//! whose first bytes spell an access or proxy logger *is* such a line, whatever follows. A line that
//! differs in any detail is not rejected; the worst a surprise can do is cost time.

/// Loggers that never speak about certificates, each alone or followed by a dot and more.
const BORING: [&[u8]; 3] = [
    b"http.log.access",
    b"http.log.error",
    b"http.handlers.reverse_proxy",
];

/// The raw `ts` of a whole line that is proven to be an access or proxy line; `None` when it is not. A
/// line that does not end as an object does may go on in the next one, and is not rejected.
pub fn reject(line: &[u8]) -> Option<&[u8]> {
    let stamp = prove(line)?;
    let whole = line.strip_suffix(b"\r").unwrap_or(line);
    (whole.last() == Some(&b'}')).then_some(stamp)
}

/// The raw `ts` of what is proven by its head to be an access or proxy line, whole or cut.
pub fn prove(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"level\":\"")?;
    let level = word_length(rest)?;
    let rest = rest.get(level..)?.strip_prefix(b"\",\"ts\":")?;
    let stamp_length = value_length(rest)?;
    let (stamp, rest) = rest.split_at_checked(stamp_length)?;
    let rest = rest.strip_prefix(b",\"logger\":\"")?;
    let logger = BORING
        .iter()
        .find_map(|logger| rest.strip_prefix(*logger))?;
    matches!(logger.first(), Some(b'"' | b'.')).then_some(stamp)
}

/// Whether a logger's name is one of those that never speak about certificates.
pub fn is_traffic(logger: &[u8]) -> bool {
    BORING.iter().any(|boring| {
        logger
            .strip_prefix(*boring)
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'.')))
    })
}

fn word_length(bytes: &[u8]) -> Option<usize> {
    let length = bytes
        .iter()
        .take(8)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    (length > 0).then_some(length)
}

/// The length of a JSON number, or of a string without escapes, at the start of `bytes`.
fn value_length(bytes: &[u8]) -> Option<usize> {
    const LONGEST: usize = 48;
    let head = bytes.get(..LONGEST.min(bytes.len()))?;
    if let Some(text) = head.strip_prefix(b"\"") {
        let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        return (text.get(end) == Some(&b'"')).then_some(end + 2);
    }
    let length = head
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e'))
        .count();
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_and_proxy_lines_are_rejected_with_their_stamp() {
        let access = br#"{"level":"info","ts":1777845841.5,"logger":"http.log.access.log0","msg":"handled request"}"#;
        assert_eq!(reject(access), Some(&b"1777845841.5"[..]));
        let proxy = br#"{"level":"error","ts":"2026/05/03 22:04:01","logger":"http.handlers.reverse_proxy","msg":"aborting"}"#;
        assert_eq!(reject(proxy), Some(&b"\"2026/05/03 22:04:01\""[..]));
    }

    #[test]
    fn whatever_may_concern_a_certificate_is_kept() {
        for kept in [
            r#"{"level":"info","ts":1,"logger":"http","msg":"waiting on internal rate limiter"}"#,
            r#"{"level":"info","ts":1,"logger":"http.acme_client","msg":"trying to solve challenge"}"#,
            r#"{"level":"info","ts":1,"logger":"http.handlers.acme_server","msg":"x"}"#,
            r#"{"level":"info","ts":1,"logger":"http.log.accessory","msg":"x"}"#,
            r#"{"level":"info","ts":1,"msg":"trying to solve challenge"}"#,
            r#"{"level":"error","ts":1,"logger":"tls.renew","msg":"will retry"}"#,
            r#"{"ts":1,"level":"info","logger":"http.log.access","msg":"x"}"#,
            r#"{"level": "info","ts":1,"logger":"http.log.access","msg":"x"}"#,
            r#"{"level":"info","ts":"a\"b","logger":"http.log.access","msg":"x"}"#,
            r#"{"level":"info","ts":1,"logger":"http.log.access","msg":"x","uri":"/wra"#,
            "",
            "{",
            r#"{"level":"info","ts":"#,
        ] {
            assert_eq!(reject(kept.as_bytes()), None, "{kept}");
        }
    }
}
