//! An error text of any kind: its failure has a cause, and what is advised can be pasted into a shell.

use notafter::caddy::failure::{Failure, Job, ZEROSSL_API};
use notafter::caddy::name::Name;
use notafter::caddy::remedy::advise;

const NAME: &str = "a.example.com";

pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    advice_is_safe(&Failure::read(&text));
    // Whatever follows, whose attempt failed stands first.
    for (verb, job) in [("Renew", Job::Renew), ("Obtain", Job::Obtain)] {
        let failure = Failure::read(&format!("[{NAME}] {verb}: {text}"));
        assert_eq!(failure.name, Name::parse(NAME), "{text:?}");
        assert_eq!(failure.job, Some(job), "{text:?}");
        advice_is_safe(&failure);
    }
}

fn advice_is_safe(failure: &Failure) {
    if let Some(end) = failure.retry_after {
        assert!(end.is_plausible(), "{end:?}");
    }
    let name = failure.name.clone().or_else(|| Name::parse(NAME)).unwrap();
    assert_eq!(Name::parse(name.as_str()), Some(name.clone()));
    let url = failure.ca_url.as_deref();
    let advice = advise(failure.cause, failure.seen_by, &name, url);
    // This one has advice of its own; any other only fills a place.
    let known = url.filter(|url| *url == ZEROSSL_API);
    let plain = advise(failure.cause, failure.seen_by, &name, known);
    for text in [&advice.check, &advice.remedy] {
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(!text.is_empty());
    }
    // What a stranger may choose brings no character that a shell would act on.
    let acts = |text: &str| {
        text.matches(['$', '`', ';', '|', '&', '<', '>', '\\', '!', '"', '\''])
            .count()
    };
    assert_eq!(acts(&advice.check), acts(&plain.check), "{}", advice.check);
}
