//! Of several rules that open at once, the replay tells the one that says most.

use crate::program::run_on;

const GIVEN_UP: &str = r#"{"level":"info","ts":1780000000,"logger":"tls.cache.maintenance","msg":"started background certificate maintenance","cache":"0xc000123456"}
{"level":"info","ts":1780000000.5,"logger":"http","msg":"enabling automatic TLS certificate management","domains":["a.example.com"]}
{"level":"info","ts":1780000001.5,"logger":"tls.renew","msg":"renewing certificate","identifier":"a.example.com","remaining":5000.5}
{"level":"error","ts":1780000005.5,"logger":"tls.renew","msg":"final attempt; giving up","error":"[a.example.com] Renew: connection refused (ca=https://acme-v02.api.letsencrypt.org/directory)","attempt":147,"elapsed":2592000.5,"max_duration":2592000}
"#;

#[test]
fn who_has_given_up_is_told_before_what_fails() {
    let ran = run_on(&["replay", "-"], GIVEN_UP.as_bytes().to_vec());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for rule in ["critical: gave-up", "critical: renewal-failing"] {
        assert!(ran.stdout.contains(rule), "{}", ran.stdout);
    }
    assert!(
        ran.stdout
            .contains("a.example.com: Caddy has given up on the certificate"),
        "{}",
        ran.stdout
    );
}
