"""The scenarios, most of them in a few words."""

import signal

import faulty
import resolver
from caddy import Caddy
from encoders import Encoders
from on_demand import OnDemand
from processes import free_port
from rolling import Rolling
from scenario import MIDDLE, Closed, Scenario


class Renew(Scenario):
    """All is well."""

    name = "renew"


class CaDown(Closed):
    name = "ca-down"


class RateLimited(Scenario):
    name, cause, seen_by, mode = "rate-limited", "ca.rate-limited", "ca", faulty.LIMIT


class Nonsense(Scenario):
    """A captive portal answers in the CA's place."""

    name, cause, seen_by, mode = "nonsense", "ca.server-error", "caddy", faulty.NONSENSE


class ChallengeClosed(Scenario):
    """The CA checks, and finds the challenge's ports closed."""

    name, cause, seen_by = "challenge-closed", "challenge.unreachable", "ca"

    def authority(self):
        return faulty.Faulty(self.lab.authority, self.directory / "ca", self.lab.strict)


class _DnsOfCa(Scenario):
    """The zone of the names is broken where the CA looks them up."""

    seen_by = "ca"

    fault = None

    def authority(self):
        proxy = faulty.Faulty(self.lab.authority, self.directory / "ca", self.lab.looking_up[self.fault])
        proxy.mode = self.mode
        return proxy


class DnsServfail(_DnsOfCa):
    """The look-up does get SERVFAIL; how a CA says so, pebble does not know."""

    name, cause, fault, mode = "dns-servfail", "dns.servfail", resolver.SERVFAIL, faulty.SERVFAIL


class DnsNxdomain(_DnsOfCa):
    name, cause, fault = "dns-nxdomain", "dns.nxdomain", resolver.NXDOMAIN


class DnsTimeout(_DnsOfCa):
    name, cause, fault, lasts = "dns-timeout", "dns.timeout", resolver.SILENCE, 150


class AccountLost(Scenario):
    """The authority forgets its accounts while Caddy runs."""

    name, cause, seen_by = "account-lost", "ca.account", "ca"

    def moments(self):
        return [(10, "the authority forgets its accounts", lambda: setattr(self.ca, "target", self.lab.other))]


class _Refused(Scenario):
    cause, seen_by, mode = "ca.caa", "ca", faulty.CAA


class TestCaRefused(_Refused):
    """A test authority issues, and production refuses for good."""

    name = "test-ca-refused"

    def issuers(self):
        return super().issuers()[:-1] + f"\ttest_dir {self.directory_url(self.lab.pebble)}\n\t\t}}"


class TestCaRecovers(TestCaRefused):
    name = "test-ca-recovers"

    def moments(self):
        return [(MIDDLE, "the authority issues again", lambda: setattr(self.ca, "mode", faulty.PASS))]


class FallThrough(_Refused):
    """Caddy's own CA takes over."""

    name = "fall-through"

    def issuers(self):
        return super().issuers() + "\n\t\tissuer internal"


class Reload(Closed):
    name = "reload"

    def moments(self):
        return [(MIDDLE, "caddy reload --force", self.reload)]


class Restart(Closed):
    name = "restart"

    def moments(self):
        return [(MIDDLE, "caddy stopped and started", lambda: (self.caddy.stop(), self.caddy.start()))]


class Kill(Closed):
    name = "kill"

    def moments(self):
        return [(MIDDLE, "caddy killed with SIGKILL and started", self._kill)]

    def _kill(self):
        self.caddy.process.end(signal.SIGKILL)
        self.caddy.start()


class Obtain(Closed):
    """Nothing is in the storage, and the authority comes back."""

    name = "obtain"

    def stored(self):
        return []

    def moments(self):
        return [(MIDDLE, "the authority answers", self.ca.open)]


class ObtainDead(TestCaRefused):
    """A first issuance that Caddy gives up for ever."""

    name = "obtain-dead"

    def stored(self):
        return []


class TwoInstances(Closed):
    """Two Caddys share a storage; the one that is heard waits, or tries in vain, until the other has renewed."""

    name, lasts = "two-instances", 130

    def run(self):
        self.other = None
        super().run()

    def moments(self):
        return [
            (1, "the other caddy started", self._start_other),
            (MIDDLE, "the authority answers", self.ca.open),
        ]

    def _start_other(self):
        directory = self.directory / "other"
        self.other = Caddy(self.binary, directory, self.lab.authority, [])
        self.other.caddyfile.write_text(self.caddyfile(self.other, free_port(), free_port(), free_port()))
        self.other.start()

    def end(self):
        self.other.stop()
        super().end()

    def kept(self):
        return {**super().kept(), "other.log": self.other.log}

    def told(self, ends):
        return {"other": self.histories(self.other.log, ends)}


class Internal(Scenario):
    """Caddy's own CA where it always was: nothing fails."""

    name, lasts = "internal", 150

    def stored(self):
        return []

    def issuers(self):
        return "issuer internal {\n\t\t\tlifetime 90s\n\t\t}"


STORIES = [
    *(CaDown, RateLimited, ChallengeClosed, Nonsense, AccountLost, TestCaRefused, TestCaRecovers, FallThrough),
    *(Reload, Restart, Kill, Obtain, ObtainDead, TwoInstances, Internal, DnsServfail, DnsNxdomain),
    *(Renew, DnsTimeout, Encoders, Rolling, OnDemand),
]
