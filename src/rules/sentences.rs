//! Sentences that the texts of many rules share: `{% include "expiry" %}`.

/// Every sentence by its name.
pub const SENTENCES: [(&str, &str); 8] = [
    ("expiry", EXPIRY),
    ("first_expiry", FIRST_EXPIRY),
    ("streak", STREAK),
    ("cause", CAUSE),
    ("retry", RETRY),
    ("mend", MEND),
    ("restart", RESTART),
    ("issued", ISSUED),
];

/// By when it hurts.
const EXPIRY: &str = "\
{% if cert.not_after and cert.not_after > at %}It expires at {{ cert.not_after|utc }}, in {{ cert.not_after|after(at)|span }}.\
{% elif cert.not_after and read_to and read_to < cert.not_after %}Unless it was renewed since {{ read_to|utc }}, up to \
when the log could be read, it expired at {{ cert.not_after|utc }}, {{ at|after(cert.not_after)|span }} ago.\
{% elif cert.not_after %}It expired at {{ cert.not_after|utc }}, {{ at|after(cert.not_after)|span }} ago.\
{% elif cert.job == \"obtain\" %}No certificate has been issued for it yet, as far as the log tells.\
{% else %}When it expires is not known yet.{% endif %}";

/// By when it hurts, of a whole Caddy.
const FIRST_EXPIRY: &str = "\
{% if first_expiry %}The first of its certificates to expire, as far as the log tells, is that of \
{{ first_to_expire }}, at {{ first_expiry|utc }}, in {{ first_expiry|after(at)|span }}.{% endif %}";

/// Since when it fails, and how often it did; what Caddy counted before we looked is told as Caddy's. A success
/// that nothing proves ends the failures, but not the trouble.
const STREAK: &str = "\
{% if cert.failing_since %}\
{% set what = \"The renewal\" if cert.job == \"renew\" else \"Issuance\" %}\
{% if at == cert.failing_since %}{{ what }} failed at {{ at|utc }}\
{% else %}{% set is_over = cert.recovering and cert.succeeded %}{% set end = cert.succeeded if is_over else at %}\
{{ what }} {% if is_over %}had{% else %}has{% endif %} been failing since {{ cert.failing_since|utc }}, for \
{{ end|after(cert.failing_since)|span }}{% if cert.attempts_total %}: {{ cert.attempts_total }} failed attempt\
{% if cert.attempts_total != 1 %}s{% endif %}{% endif %}{% endif %}\
{% if cert.attempt and cert.attempts_total and cert.attempt > cert.attempts_total %} \
(attempt {{ cert.attempt }} by Caddy's count\
{% if cert.failing_for and cert.failing_for > at|after(cert.failing_since) %}, {{ cert.failing_for|span }} after the \
job began{% endif %}){% endif %}.{% endif %}\
{% if cert.recovering and cert.succeeded %} A success was logged{% include \"issued\" %}, and no line since tells a \
later expiry.{% endif %}";

/// Why.
const CAUSE: &str = "\
{% if cause.name %}Cause: {{ cause.explanation }} ({{ cause.name }}\
{% if cert.seen_by %}, seen by {{ cert.seen_by }}{% endif %}).{% endif %}";

/// When Caddy tries again, and how often it still can.
const RETRY: &str = "\
{% if cert.next_retry and cert.next_retry <= at %}The attempt {{ cert.next_retry_source }} for \
{{ cert.next_retry|utc }}, {{ at|after(cert.next_retry)|span }} ago, \
{% if read_to and read_to < cert.next_retry %}may have begun: the log could be read only up to {{ read_to|utc }}.\
{% else %}has not begun.{% endif %}\
{% elif cert.next_retry %}Caddy tries again at {{ cert.next_retry|utc }}, in {{ cert.next_retry|after(at)|span }} \
({{ cert.next_retry_source }})\
{% if cert.not_after and cert.not_after > at %}\
{% if cert.next_retry >= cert.not_after %}, too late: it expires before that\
{% elif cert.tries_left is not none %}; tries left before it expires: {{ cert.tries_left }}{% endif %}{% endif %}.\
{% endif %}";

/// What to do: the cause first, its proof, then what makes Caddy try again.
const MEND: &str = "\
{% if cert.rate_limited_until and cert.not_after and cert.rate_limited_until > cert.not_after %}\
Configure another CA (`acme_ca`, or a second `issuer`) and restart Caddy: this one's limit ends only after the \
certificate has expired.\
{% elif cause.remedy %}{{ cause.remedy }}.\
{% else %}No attempt for {{ name }} has been seen to fail: see that Caddy runs and still manages it.{% endif %}
{% if cause.check %}To prove the cause: {{ cause.check }}{% endif %}
{% if advice and cause.name != \"ca.rate-limited\" %}After that: {{ advice }}.{% endif %}";

/// To restart Caddy, with its `effect` in words, unless a restart would cost what the CA still allows; after
/// what no restart cures.
const RESTART: &str = "\
{% if cause.name == \"ca.rate-limited\" %}See that Caddy runs. {{ cause.remedy }}.\
{% else %}{% if cert.incurable and cause.remedy and cause.remedy is not startingwith(\"Restart\") %}\
{{ cause.remedy }}. Then restart{% else %}Restart{% endif %} \
Caddy (`systemctl restart caddy` or `docker restart NAME`), which {{ effect }}.{% endif %}";

/// When the certificate was issued, at the end of a clause.
const ISSUED: &str = "\
{% if cert.succeeded %} at {{ cert.succeeded|utc }}\
{% if at > cert.succeeded %}, {{ at|after(cert.succeeded)|span }} ago{% endif %}{% endif %}";
