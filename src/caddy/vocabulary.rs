//! What Caddy says about certificates, as one table: the message, what it means, and which field
//! tells the expiry. Matching is on the message, never on the logger alone, because the logger's
//! name depends on version and configuration.
//!
//! Sources: certmagic v0.17.2 to v0.25.6, acmez v1.0.4 to v3.1.6, Caddy v2.6.2 to v2.11.7; the file
//! is named with each group.

/// What a message means for the state of a certificate or of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A maintenance loop began: a new process, or (Caddy up to 2.6.4) a loaded configuration.
    MaintenanceStarted,
    /// The maintenance loop or the process is ending.
    Stopping,
    /// The list of names under automatic management.
    Managing,
    /// A tick found the certificate due. It does not mean that an attempt was scheduled.
    Queued,
    /// Why the certificate is due; printed at ticks, and also when a configuration is loaded.
    Due,
    /// Why the certificate is due, by ARI's selected time.
    DueByAri,
    /// The maintenance loop really starts a job.
    MaintenanceJob,
    /// A job waits for its lock.
    LockWanted,
    /// A job has its lock.
    LockAcquired,
    /// A job has ended, well or badly.
    LockReleased,
    /// An attempt began.
    Began,
    /// An attempt of a renewal goes on as a first issuance.
    ObtainInstead,
    /// One issuer of the attempt failed.
    IssuerFailed,
    /// The attempt failed; the next one is announced.
    WillRetry,
    /// The job ended after thirty days of failures.
    GaveUp,
    /// A job ended with an error, or was cancelled.
    JobFailed,
    /// The CA issued and the certificate is stored.
    Succeeded,
    /// Another instance has renewed it.
    RenewedElsewhere,
    /// Another certificate is served from now on.
    Replaced,
    /// The CA in use is named.
    TalksTo,
    /// A challenge or an authorization failed, within an attempt.
    ChallengeFailed,
    /// The CA asks for an earlier or later renewal.
    AriChanged,
    /// Known, and only its facts (a name, an expiry) matter.
    Noted,
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

const fn row(msg: &'static str, means: Means, expiry: Expiry) -> Row {
    Row {
        msg,
        prefix: false,
        means,
        expiry,
    }
}

const fn noted(msg: &'static str) -> Row {
    row(msg, Means::Noted, Expiry::No)
}

const EXPIRATION: Expiry = Expiry::PlusOne("expiration");
const CERT_EXPIRY: Expiry = Expiry::Exact("cert_expiry");

/// The table.
pub const TABLE: &[Row] = &[
    // Jobs: certmagic config.go, async.go.
    row("acquiring lock", Means::LockWanted, Expiry::No),
    row("lock acquired", Means::LockAcquired, Expiry::No),
    row("releasing lock", Means::LockReleased, Expiry::No),
    row("obtaining certificate", Means::Began, Expiry::No),
    row("renewing certificate", Means::Began, Expiry::Remaining),
    row(
        "could not get certificate from issuer",
        Means::IssuerFailed,
        Expiry::No,
    ),
    row("will retry", Means::WillRetry, Expiry::No),
    Row {
        msg: "final attempt; giving up",
        prefix: true,
        means: Means::GaveUp,
        expiry: Expiry::No,
    },
    row("job failed", Means::JobFailed, Expiry::No),
    row(
        "certificate obtained successfully",
        Means::Succeeded,
        Expiry::No,
    ),
    row(
        "certificate renewed successfully",
        Means::Succeeded,
        Expiry::No,
    ),
    row(
        "certificate appears to have been renewed already",
        Means::RenewedElsewhere,
        Expiry::Remaining,
    ),
    Row {
        msg: "certificate resources not found in storage for any configured issuer",
        prefix: true,
        means: Means::ObtainInstead,
        expiry: Expiry::No,
    },
    row(
        "certificate does not need to be renewed, but renewal is being forced",
        Means::Noted,
        Expiry::Remaining,
    ),
    noted("certificate already exists in storage"),
    noted("unable to unlock"),
    noted("unable to encode certificate metadata"),
    noted("renewing lock lease"),
    Row {
        msg: "trying issuer ",
        prefix: true,
        means: Means::Noted,
        expiry: Expiry::No,
    },
    noted("initiating certificate management"),
    noted("deleting test key from storage"),
    // The maintenance loop: certmagic maintain.go.
    row(
        "started background certificate maintenance",
        Means::MaintenanceStarted,
        Expiry::No,
    ),
    row(
        "stopped background certificate maintenance",
        Means::Stopping,
        Expiry::No,
    ),
    row(
        "certificate expires soon; queuing for renewal",
        Means::Queued,
        Expiry::Remaining,
    ),
    row(
        "attempting certificate renewal",
        Means::MaintenanceJob,
        Expiry::Remaining,
    ),
    row(
        "certificate expires soon, but is already renewed in storage; reloading stored certificate",
        Means::RenewedElsewhere,
        Expiry::No,
    ),
    row(
        "certificate expires soon, but renewal already failed recently; waiting for backoff before retrying",
        Means::Noted,
        Expiry::No,
    ),
    noted("error while checking if stored certificate is also expiring soon"),
    noted("unable to get configuration to manage certificate; unable to renew"),
    noted("loading renewed certificate"),
    noted("queueing renewal task"),
    noted("certificate has no names; removing from cache"),
    noted("panic"),
    noted("renewing managed certificates"),
    // Whether a renewal is due: certmagic certificates.go, since v0.21.0.
    row(
        "certificate is in configured renewal window based on expiration date",
        Means::Due,
        EXPIRATION,
    ),
    row(
        "certificate needs renewal based on ARI window",
        Means::DueByAri,
        EXPIRATION,
    ),
    row(
        "certificate is in emergency renewal window; superceding ARI",
        Means::Due,
        EXPIRATION,
    ),
    row(
        "certificate is in emergency renewal window; superseding ARI",
        Means::Due,
        EXPIRATION,
    ),
    row(
        "certificate is in emergency renewal window; expiration imminent",
        Means::Due,
        EXPIRATION,
    ),
    row(
        "no renewal time had been selected with ARI; chose an ephemeral one for now",
        Means::Noted,
        EXPIRATION,
    ),
    noted("reloading managed certificate"),
    row(
        "replaced certificate in cache",
        Means::Replaced,
        Expiry::PlusOne("new_expiration"),
    ),
    row("added certificate to cache", Means::Noted, EXPIRATION),
    noted("removed certificate from cache"),
    noted("certificate already cached; unable to determine if it is managed"),
    row("loading managed certificate", Means::Noted, Expiry::No),
    noted("cache full; evicting random certificate"),
    row(
        "unmanaged certificate has expired",
        Means::Noted,
        Expiry::Exact("not_after"),
    ),
    row(
        "unmanaged certificate expires within 1 day",
        Means::Noted,
        Expiry::Exact("not_after"),
    ),
    // ACME renewal information: certmagic maintain.go, acmez ari.go.
    row(
        "updated ACME renewal information",
        Means::Noted,
        CERT_EXPIRY,
    ),
    row(
        "updated and stored ACME renewal information",
        Means::Noted,
        CERT_EXPIRY,
    ),
    row(
        "reloaded ARI with newer one in storage",
        Means::Noted,
        CERT_EXPIRY,
    ),
    row(
        "ARI window or selected renewal time changed",
        Means::AriChanged,
        CERT_EXPIRY,
    ),
    row(
        "failed updating renewal info from ACME CA",
        Means::Noted,
        CERT_EXPIRY,
    ),
    row(
        "error while checking storage for updated ARI; updating ARI now",
        Means::Noted,
        CERT_EXPIRY,
    ),
    row(
        "attempted to obtain ARI lock but it was already taken",
        Means::Noted,
        CERT_EXPIRY,
    ),
    row("unable to release ARI lock", Means::Noted, CERT_EXPIRY),
    Row {
        msg: "loaded newer ARI from storage, but certificate is no longer in cache",
        prefix: true,
        means: Means::Noted,
        expiry: CERT_EXPIRY,
    },
    Row {
        msg: "obtained ARI update, but certificate no longer in cache",
        prefix: true,
        means: Means::Noted,
        expiry: CERT_EXPIRY,
    },
    noted("updating ARI"),
    noted("updating ARI upon managing"),
    noted("renewing certificate based on updated ARI"),
    noted("got renewal info"),
    noted("error getting ARI response"),
    noted("failed getting renewal information"),
    noted("invalid Retry-After value"),
    // The issuer: certmagic acmeissuer.go, acmeclient.go, account.go, zerosslissuer.go.
    row(
        "waiting on internal rate limiter",
        Means::TalksTo,
        Expiry::No,
    ),
    row(
        "done waiting on internal rate limiter",
        Means::TalksTo,
        Expiry::No,
    ),
    noted("using ACME account"),
    noted("using configured ACME account"),
    noted("ACME account does not exist on server; attempting to recreate"),
    noted("creating new account because no account for configured email is known to us"),
    noted("ACME account has empty status; registering account with ACME server"),
    noted("new ACME account registered"),
    noted("account has already been registered; reloaded"),
    noted("served key authentication"),
    noted("served key authentication certificate"),
    noted("looking up info for HTTP challenge"),
    noted("tls-alpn challenge"),
    noted("solving http-01 challenge blindly"),
    noted("unable to parse PEM certificate chain"),
    noted("did not find chain matching preferences; using first"),
    noted("generated EAB credentials"),
    noted("missing email address for ZeroSSL; it is strongly recommended to set one for next time"),
    noted("creating certificate"),
    noted("created certificate"),
    noted("canceled certificate"),
    noted("validating identifiers"),
    noted("validations initiated; waiting for certificate to be issued"),
    noted("validations succeeded; waiting for certificate to be issued"),
    noted("validations succeeded; downloading certificate bundle"),
    noted("successfully downloaded issued certificate"),
    noted("unable to cancel certificate"),
    noted("cleaning up temporary validation record failed"),
    noted("failed CNAME record propagation check"),
    noted("served HTTP validation credential"),
    noted("looking up info for HTTP validation"),
    noted("got invalid URL from CA"),
    // The ACME client: acmez client.go, acme/http.go.
    row("trying to solve challenge", Means::TalksTo, Expiry::No),
    noted("authorization already valid"),
    noted("authorization finalized"),
    row(
        "validations succeeded; finalizing order",
        Means::TalksTo,
        Expiry::No,
    ),
    noted("successfully downloaded available certificate chains"),
    noted("no certificate chains offered by server"),
    row("challenge failed", Means::ChallengeFailed, Expiry::No),
    row(
        "validating authorization",
        Means::ChallengeFailed,
        Expiry::No,
    ),
    noted("cleaning up solver"),
    noted("deactivating authorization"),
    noted("HTTP request failed; retrying"),
    // OCSP, on-demand, storage: certmagic maintain.go, handshake.go; Caddy automation.go, tls.go.
    noted("stapling OCSP"),
    noted("advancing OCSP staple"),
    row(
        "OCSP status for managed certificate is REVOKED; attempting to replace with new certificate",
        Means::Noted,
        EXPIRATION,
    ),
    row(
        "OCSP status for managed certificate is REVOKED; forcefully renewing certificate",
        Means::Noted,
        EXPIRATION,
    ),
    noted("unable to obtain new to certificate after OCSP status of REVOKED; removing from cache"),
    noted("could not remove compromised private key from use"),
    noted("removed certificate's compromised private key from use"),
    noted("forcefully renewing certificate due to REVOKED status"),
    noted("obtaining new certificate"),
    noted("loading newly-obtained certificate from storage"),
    row(
        "renewing and reloading certificate",
        Means::Noted,
        EXPIRATION,
    ),
    row(
        "renewing certificate on-demand failed",
        Means::Noted,
        Expiry::PlusOne("not_after"),
    ),
    row(
        "certificate should not be obtained",
        Means::Noted,
        EXPIRATION,
    ),
    noted("on-demand certificate's OCSP status is REVOKED; will try to forcefully renew"),
    noted("external certificate manager"),
    noted("getting certificate from external certificate manager"),
    noted("failed to get permission for on-demand certificate"),
    noted("request to 'ask' endpoint failed"),
    noted("cleaning storage unit"),
    noted("storage cleaning happened too recently; skipping for now"),
    noted("certificate expired beyond grace period; cleaning up"),
    noted("deleting asset because resource expired"),
    noted("deleting site folder because key is empty"),
    noted("finished cleaning storage units"),
    noted("could not clean default/global storage"),
    noted("could not clean storage in automation policy"),
    noted("could not clean up asset related to expired certificate"),
    noted("unable to clean up lock in storage backend"),
    // The process: Caddy autohttps.go, caddy.go, sigtrap.go, caddypki.
    row(
        "enabling automatic TLS certificate management",
        Means::Managing,
        Expiry::No,
    ),
    noted(
        "skipping automatic certificate management because one or more matching certificates are already loaded",
    ),
    noted("serving initial configuration"),
    noted("load complete"),
    noted("config is unchanged"),
    row(
        "shutting down apps, then terminating",
        Means::Stopping,
        Expiry::No,
    ),
    row("shutdown complete", Means::Stopping, Expiry::No),
    noted("intermediate expires soon; renewing"),
    noted("renewed intermediate"),
    noted("root certificate expiring soon (FIXME: ROOT RENEWAL NOT YET IMPLEMENTED)"),
    noted("cert lifetime would exceed issuer NotAfter, clamping lifetime"),
];

/// The row for a message, if it is known.
pub fn look_up(msg: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| {
        if row.prefix {
            msg.starts_with(row.msg)
        } else {
            row.msg == msg
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_hides_another() {
        for (index, row) in TABLE.iter().enumerate() {
            let first = TABLE.iter().position(|other| {
                if other.prefix {
                    row.msg.starts_with(other.msg)
                } else {
                    other.msg == row.msg
                }
            });
            assert_eq!(first, Some(index), "{}", row.msg);
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
