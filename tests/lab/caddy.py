"""One real Caddy: its Caddyfile, the certificates found in its storage, its process."""

import json
from dataclasses import dataclass

from processes import LOOPBACK, Process, free_port, run

RENEW_INTERVAL = 10


@dataclass(frozen=True)
class Site:
    """A name, the port of its CA, and when its first certificate begins and ends (epoch seconds)."""

    name: str
    ca_port: int
    not_before: int
    not_after: int


class Caddy:
    """Runs below `directory`; the log is `caddy.log` there."""

    def __init__(self, binary, directory, authority, sites, before=()):
        self.binary = binary
        self.before = before
        self.directory = directory
        self.log = directory / "caddy.log"
        self.storage = directory / "storage"
        self.process = None
        directory.mkdir(parents=True, exist_ok=True)
        for site in sites:
            _put_into_storage(self.certificate_file(site).parent, site, authority)
        self.caddyfile = directory / "Caddyfile"
        self.caddyfile.write_text(_caddyfile(self.storage, self.log, authority.root, sites))

    def certificate_file(self, site):
        return self.storage / "certificates" / f"{LOOPBACK}-{site.ca_port}-dir" / site.name / f"{site.name}.crt"

    def start(self):
        self.process = start_caddy(self.binary, self.caddyfile, self.directory, self.before)

    def stop(self):
        return self.process.end()


def start_caddy(binary, caddyfile, directory, before=()):
    """HOME and the XDG directories point into the lab: nothing is written elsewhere."""
    home = {"HOME": str(directory), "XDG_DATA_HOME": f"{directory}/data", "XDG_CONFIG_HOME": f"{directory}/config"}
    command = [*before, binary, "run", "--config", caddyfile, "--adapter", "caddyfile"]
    return Process("caddy", command, directory, home)


def modules(binary):
    """The names of all modules that a Caddy was built with."""
    code, out, err = run([binary, "list-modules"])
    if code != 0:
        raise RuntimeError(f"{binary} list-modules exited {code}: {err}")
    return set(out.split())


def _caddyfile(storage, log, root, sites):
    text = f"""{{
	admin off
	auto_https disable_redirects
	default_bind {LOOPBACK}
	http_port {free_port()}
	https_port {free_port()}
	storage file_system {storage}
	email ops@example.test
	renew_interval {RENEW_INTERVAL}s
	log default {{
		output file {log} {{
			roll_disabled
		}}
		format json
		level INFO
	}}
}}
"""
    for site in sites:
        text += f"""
{site.name} {{
	tls {{
		issuer acme {{
			dir {directory_url(site)}
			trusted_roots {root}
			disable_http_challenge
		}}
	}}
	respond ok
}}
"""
    return text


def directory_url(site):
    return f"https://{LOOPBACK}:{site.ca_port}/dir"


def _put_into_storage(directory, site, authority):
    """What certmagic expects of a stored certificate: chain, key, and metadata naming the names."""
    directory.mkdir(parents=True)
    authority.issue([site.name], site.not_before, site.not_after, directory)
    url = f"https://{LOOPBACK}:{site.ca_port}/certZ/{site.name}"
    metadata = {"sans": [site.name], "issuer_data": {"url": url, "ca": directory_url(site)}}
    (directory / f"{site.name}.json").write_text(json.dumps(metadata))
