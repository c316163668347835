//! What Caddy says about certificates, as one table: the message, what it means, and which field
//! tells the expiry. Matching is on the message, never on the logger alone, because the logger's
//! name depends on version and configuration.
//!
//! Sources: certmagic v0.17.2 to v0.25.6, acmez v1.0.4 to v3.1.6, Caddy v2.6.2 to v2.11.7. The rows
//! are grouped by the files that print them.

mod handshake;
mod issuer;
mod job;
mod maintenance;
mod process;

macro_rules! meanings {
    ($($means:ident $explanation:literal,)*) => {
        /// What a message means for the state of a certificate or of the instance.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Means { $(#[doc = $explanation] $means,)* }

        impl Means {
            /// The same for a person, without a full stop.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$means => $explanation,)* }
            }
        }
    };
}

meanings! {
    MaintenanceStarted "a maintenance loop began: a new process, or (Caddy up to 2.6.4) a loaded configuration",
    Stopping "the maintenance loop or the process is ending",
    Managing "the list of names under automatic management",
    Queued "a tick found the certificate due; that does not mean that an attempt was scheduled",
    Due "why the certificate is due; printed at ticks, and also when a configuration is loaded",
    DueByAri "why the certificate is due: the time that the CA advises (ARI) has come",
    MaintenanceJob "the maintenance loop really starts a job",
    LockWanted "a job waits for its lock",
    LockAcquired "a job has its lock",
    LockReleased "a job has ended, well or badly",
    Began "an attempt began",
    ObtainInstead "an attempt of a renewal goes on as a first issuance",
    IssuerFailed "one issuer of the attempt failed",
    WillRetry "the attempt failed; the next one is announced",
    GaveUp "the job ended after thirty days of failures",
    JobFailed "a job ended with an error, or was cancelled",
    Succeeded "the CA issued and the certificate is stored; the new expiry is still to be seen",
    RenewedElsewhere "another instance has renewed it",
    Replaced "another certificate is served from now on",
    TalksTo "the CA in use is named",
    ChallengeFailed "a challenge or an authorization failed, within an attempt",
    AccountLost "the CA does not know the ACME account any more, within an attempt",
    AriChanged "the CA asks for an earlier or later renewal, or its advice could not be fetched",
    OnDemandObtain "a handshake makes a job for a name; the job lives three minutes at most",
    OnDemandFailed "a renewal that a handshake began has failed",
    Unmanaged "a certificate that Caddy was given, and that nobody renews, is about to expire or has",
    WorkerPanicked "the worker that ran a job has panicked: Caddy takes the job for running, and never tries again before a restart",
    Cleaned "the storage was cleaned, or was found to have been; daily, unless configured otherwise",
    LoopPanicked "the maintenance loop panicked; it begins anew ten times, and then never again",
    Revoked "the CA has revoked the certificate",
    Noted "known, and only its facts (a name, an expiry) matter",
}

/// Which field tells the expiry, and how. `remaining` and the `expiration` fields count to
/// notAfter + 1 s, because a certificate is valid through its last second (certmagic v0.25.3
/// `certificates.go`, `expiresAt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// None.
    No,
    /// `remaining`: ts + remaining, rounded to a second, is notAfter + 1 s.
    Remaining,
    /// The named field is notAfter + 1 s.
    PlusOne(&'static str),
    /// The named field is notAfter.
    Exact(&'static str),
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The message, whole, or its beginning where `prefix`.
    pub msg: &'static str,
    /// Whether only the beginning is fixed.
    pub prefix: bool,
    /// What it means.
    pub means: Means,
    /// Where the expiry stands.
    pub expiry: Expiry,
}

const fn says(msg: &'static str) -> Row {
    Row {
        msg,
        prefix: false,
        means: Means::Noted,
        expiry: Expiry::No,
    }
}

impl Row {
    const fn prefix(mut self) -> Self {
        self.prefix = true;
        self
    }

    const fn means(mut self, means: Means) -> Self {
        self.means = means;
        self
    }

    const fn expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }

    fn is_said_by(&self, msg: &str) -> bool {
        if self.prefix {
            msg.starts_with(self.msg)
        } else {
            self.msg == msg
        }
    }
}

const EXPIRATION: Expiry = Expiry::PlusOne("expiration");
const CERT_EXPIRY: Expiry = Expiry::Exact("cert_expiry");

/// The table.
const TABLE: [&[Row]; 5] = [
    job::ROWS,
    maintenance::ROWS,
    issuer::ROWS,
    handshake::ROWS,
    process::ROWS,
];

/// Every row of the table.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.into_iter().flatten()
}

/// The row for a message, if it is known.
pub fn look_up(msg: &str) -> Option<&'static Row> {
    rows().find(|row| row.is_said_by(msg))
}

/// Whether more has to follow for this to be a message that is known.
pub fn is_beginning(text: &str) -> bool {
    !text.is_empty() && look_up(text).is_none() && rows().any(|row| row.msg.starts_with(text))
}

/// The message that was clipped to this beginning, where all that begin so mean the same.
pub fn completed(clipped: &str) -> Option<&'static str> {
    const BYTES_MIN: usize = 6;
    let end = clipped.find(['\u{2026}']).or_else(|| clipped.find("..."));
    let beginning = clipped.get(..end.unwrap_or(clipped.len()))?.trim_end();
    if beginning.len() < BYTES_MIN || look_up(beginning).is_some() {
        return None;
    }
    let mut rows = rows().filter(|row| row.msg.starts_with(beginning));
    let first = rows.next()?;
    rows.all(|row| (row.means, row.expiry) == (first.means, first.expiry))
        .then_some(first.msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_hides_another() {
        for (index, row) in rows().enumerate() {
            let first = rows().position(|other| other.is_said_by(row.msg));
            assert_eq!(first, Some(index), "{}", row.msg);
        }
    }

    #[test]
    fn a_clipped_message_is_known_where_it_can_be_only_one() {
        for (clipped, whole) in [
            ("will re", Some("will retry")),
            (
                "could not get certif",
                Some("could not get certificate from issuer"),
            ),
            (
                "certificate obtained suc\u{2026}6}",
                Some("certificate obtained successfully"),
            ),
            (
                "certificate renewed ...",
                Some("certificate renewed successfully"),
            ),
            ("certificate expires soon", None),
            ("will", None),
            ("will retry", None),
            ("will retry later", None),
            ("hello, world", None),
        ] {
            assert_eq!(completed(clipped), whole, "{clipped}");
        }
    }

    #[test]
    fn a_message_is_known_by_its_whole_text() {
        assert_eq!(
            look_up("will retry").map(|row| row.means),
            Some(Means::WillRetry)
        );
        assert!(look_up("will retry later").is_none());
        let final_text = "final attempt; giving up until next scheduled renewal check finds the certificate still needs renewal";
        assert_eq!(
            look_up(final_text).map(|row| row.means),
            Some(Means::GaveUp)
        );
    }
}
