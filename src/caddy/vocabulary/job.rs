//! What a job says while it obtains or renews: certmagic `config.go`, `async.go`, `storage.go`.

use super::Expiry::Remaining;
use super::Means::{
    Began, GaveUp, IssuerFailed, JobFailed, LockAcquired, LockReleased, LockWanted, ObtainInstead,
    RenewedElsewhere, Succeeded, WillRetry, WorkerPanicked,
};
use super::{Row, says};

/// The rows.
pub(super) const ROWS: &[Row] = &[
    // Attempts.
    says("acquiring lock").means(LockWanted),
    says("lock acquired").means(LockAcquired),
    says("releasing lock").means(LockReleased),
    says("obtaining certificate").means(Began),
    says("renewing certificate").means(Began).expiry(Remaining),
    says("could not get certificate from issuer").means(IssuerFailed),
    says("will retry").means(WillRetry),
    says("final attempt; giving up").means(GaveUp).prefix(),
    says("job failed").means(JobFailed),
    says("certificate obtained successfully").means(Succeeded),
    says("certificate renewed successfully").means(Succeeded),
    says("certificate appears to have been renewed already")
        .means(RenewedElsewhere)
        .expiry(Remaining),
    says("certificate resources not found in storage for any configured issuer")
        .prefix()
        .means(ObtainInstead),
    says("certificate does not need to be renewed, but renewal is being forced").expiry(Remaining),
    says("certificate already exists in storage"),
    // Beside them.
    says("unable to unlock"),
    says("unable to encode certificate metadata"),
    says("renewing lock lease"),
    says("trying issuer ").prefix(),
    says("initiating certificate management"),
    says("deleting test key from storage"),
    says("transformed subject name"),
    says("created CSR"),
    says("updating ARI upon managing"),
    says("certificate assets from local cache are unusable; reloading from storage"),
    says("loading from local cache; falling back to storage"),
    says("storing in local cache"),
    says("unable to clean up lock in storage backend"),
    // Printed by Go's own log package, or by certmagic's console logger (filestorage.go, solvers.go).
    says("panic: certificate worker")
        .prefix()
        .means(WorkerPanicked),
    says("[INFO][").prefix(),
    says("[ERROR] Keeping lock file fresh: ").prefix(),
    says("[ERROR] key auth HTTP server: ").prefix(),
    says("[ERROR] TLS-ALPN challenge server: ").prefix(),
    says("[WARNING] Unable to delete invalid OCSP staple file: ").prefix(),
    says("[PANIC] ").prefix(),
    says("[INFO] Certificate ").prefix(),
    says("[INFO] Deleting ").prefix(),
    says("[ERROR] Deleting ").prefix(),
    says("[ERROR] While deleting old OCSP staples").prefix(),
    says("[ERROR] Purging ").prefix(),
    says("[ERROR] Listing contents of ").prefix(),
    says("[ERROR] Cleaning up asset related to expired certificate").prefix(),
];
