"""DNS-01: Caddy proves a name by a record that it has a provider set, and that it first looks for itself."""

import faulty
from authority import start_pebble
from caddy import Site
from experiment import sites
from resolver import EVERYTHING, NXDOMAIN, SERVFAIL, SILENCE, Provider, Resolver
from scenario import MIDDLE, Scenario

ZONE = "example.test"
WILDCARD, ELSEWHERE = f"*.{ZONE}", "start.another.test"
# As Cloudflare words it; the token of whom, nobody knows.
FORBIDDEN = (403, "[{Code:10000 Message:Authentication error}]")
BROKEN = (500, "[{Code:10001 Message:Unable to process the request}]")


class _Dns01(Scenario):
    """Caddy's resolv.conf names a server of the lab, which is the zones' only server and the CA's resolver as well."""

    fault = refusal = None
    faulty_zone, hides = ZONE, False

    def __init__(self, version, binary, lab):
        super().__init__(version, binary, lab)
        self.resolver = Resolver(self.faulty_zone, self.fault, own_address=True)
        self.provider = Provider(self.resolver, self.refusal, self.hides)

    def authority(self):
        address = f"{self.resolver.address}:{self.resolver.port}"
        pebble = start_pebble(self.lab.pebble_binary, self.lab.authority, self.directory / "pebble", address)
        return faulty.Faulty(self.lab.authority, self.directory / "ca", pebble)

    def before(self):
        file = self.directory / "resolv.conf"
        file.write_text(f"nameserver {self.resolver.address}\n")
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, file]

    def issuers(self):
        return super().issuers()[:-1] + f"\tdns lab {self.provider.url}\n\t\t\tpropagation_timeout 5s\n\t\t}}"


class Dns01(_Dns01):
    """Nothing fails: two names are renewed, and all others are obtained."""

    name = "dns01"
    names = (*_Dns01.names, WILDCARD)


class Dns01Servfail(_Dns01):
    """Of one zone; the names of another are renewed."""

    name, cause, seen_by, fault = "dns01-servfail", "dns.servfail", "caddy", SERVFAIL
    names = (*_Dns01.names, ELSEWHERE)

    def stored(self):
        start, later = sites(self.zero, self.port, self.port)[:2]
        return [start, later, Site(ELSEWHERE, self.port, start.not_before, start.not_after)]


class Dns01Recovers(_Dns01):
    name, cause, seen_by, fault = "dns01-recovers", "dns.servfail", "caddy", SERVFAIL

    def moments(self):
        return [(MIDDLE, "the zone is served again", lambda: setattr(self.resolver, "fault", None))]


class Dns01Nxdomain(_Dns01):
    name, cause, seen_by, fault = "dns01-nxdomain", "dns.nxdomain", "caddy", NXDOMAIN


class Dns01Timeout(_Dns01):
    """The resolver hangs: twice 10 s for each label, one name after the other."""

    name, cause, seen_by, fault, faulty_zone, lasts = "dns01-timeout", "dns.timeout", "caddy", SILENCE, EVERYTHING, 180


class Dns01Refused(_Dns01):
    name, cause, seen_by, refusal = "dns01-refused", "dns-provider.auth", "provider", FORBIDDEN


class Dns01ProviderBroken(_Dns01):
    name, cause, seen_by, refusal = "dns01-provider-error", "dns-provider.error", "provider", BROKEN


class Dns01Propagation(_Dns01):
    """The provider takes the record, and nobody ever sees it."""

    name, cause, seen_by, hides = "dns01-propagation", "dns.propagation", "caddy", True


DNS01_STORIES = [
    *(Dns01, Dns01Servfail, Dns01Recovers, Dns01Nxdomain, Dns01Timeout),
    *(Dns01Refused, Dns01ProviderBroken, Dns01Propagation),
]
