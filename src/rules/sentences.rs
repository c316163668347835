//! Sentences that the texts of many rules share: `{% include "expiry" %}`.

/// Every sentence by its name.
pub(super) const SENTENCES: [(&str, &str); 5] = [
    ("expiry", EXPIRY),
    ("streak", STREAK),
    ("cause", CAUSE),
    ("retry", RETRY),
    ("mend", MEND),
];

/// By when it hurts.
const EXPIRY: &str = "\
{% if cert.not_after and cert.not_after > at %}It expires at {{ cert.not_after|utc }}, in {{ cert.not_after|after(at)|span }}.\
{% elif cert.not_after %}It expired at {{ cert.not_after|utc }}, {{ at|after(cert.not_after)|span }} ago.\
{% else %}When it expires is not known yet.{% endif %}";

/// Since when it fails, and how often it did.
const STREAK: &str = "\
{% if cert.failing_since %}{% if cert.job == \"renew\" %}The renewal{% else %}Issuance{% endif %} \
has been failing since {{ cert.failing_since|utc }}, for {{ at|after(cert.failing_since)|span }}\
{% if cert.attempts_total %}: {{ cert.attempts_total }} failed attempt\
{% if cert.attempts_total != 1 %}s{% endif %}{% endif %}.{% endif %}";

/// Why.
const CAUSE: &str = "\
{% if cause.name %}Cause: {{ cause.explanation }} ({{ cause.name }}\
{% if cert.seen_by %}, seen by {{ cert.seen_by }}{% endif %}).{% endif %}";

/// When Caddy tries again, and how often it still can.
const RETRY: &str = "\
{% if cert.next_retry %}Caddy tries again at {{ cert.next_retry|utc }}, in {{ cert.next_retry|after(at)|span }} \
({{ cert.next_retry_source }})\
{% if cert.tries_left is not none and cert.not_after %}; tries left before it expires: {{ cert.tries_left }}{% endif %}.\
{% endif %}";

/// What to do: the cause first, its proof, then what makes Caddy try again.
const MEND: &str = "\
{% if cause.remedy %}{{ cause.remedy }}.\
{% else %}Find the last error about {{ name }} in Caddy's log and remove its cause.{% endif %}
{% if cause.check %}To prove the cause: {{ cause.check }}{% endif %}
{% if advice %}After that: {{ advice }}.{% endif %}";
