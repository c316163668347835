"""One Caddy of one version while one thing goes wrong, and what is kept of it."""

import gzip
import json
import shutil
import time

import faulty
import truth
from authority import not_after
from caddy import RENEW_INTERVAL, Caddy
from experiment import LATER, START, sites
from processes import LOOPBACK, Gate, free_port, run

PREPARATION, MIDDLE = 40, 30


class Scenario:
    """Two certificates, one due when Caddy starts and one that falls due while it runs, and a CA at a port.

    `cause` and `seen_by` are what the lab arranged; both `None` where every attempt succeeds.
    """

    name = ""
    cause = seen_by = None
    lasts = 95
    mode = faulty.PASS
    names = (START, LATER)

    def __init__(self, version, binary, lab):
        self.version, self.binary, self.lab = version, binary, lab
        self.directory = lab.work / f"{version}-{self.name}"
        self.events = []
        self.zero = self.caddy = self.ca = self.port = None
        self.admin, self.http_port, self.https_port = free_port(), free_port(), free_port()

    def authority(self):
        """What stands at the CA's port: pebble behind a proxy that can be told to misbehave."""
        proxy = faulty.Faulty(self.lab.authority, self.directory / "ca", self.lab.pebble)
        proxy.mode = self.mode
        return proxy

    def stored(self):
        """The certificates that Caddy finds in its storage."""
        return sites(self.zero, self.port, self.port)[:2]

    def moments(self):
        """What the lab does: second, word, action."""
        return []

    def before(self):
        """What Caddy's command line begins with."""
        return []

    def issuers(self):
        return f"issuer acme {{\n\t\t\tdir {self.directory_url(self.port)}\n\t\t\ttrusted_roots {self.lab.authority.root}\n\t\t}}"

    def blocks(self):
        """The sites of the Caddyfile."""
        return "".join(f"\n{name} {{\n\ttls {{\n\t\t{self.issuers()}\n\t}}\n\trespond ok\n}}\n" for name in self.names)

    def options(self):
        """Further global options of the Caddyfile."""
        return ""

    def output(self):
        """How the log file is rolled."""
        return "roll_disabled"

    @staticmethod
    def directory_url(port):
        return f"https://{LOOPBACK}:{port}/dir"

    def run(self):
        self.ca = self.authority()
        self.port = self.ca.port
        self.zero = int(time.time()) + PREPARATION
        stored = self.stored()
        self.caddy = Caddy(self.binary, self.directory, self.lab.authority, stored, self.before())
        ports = self.admin, self.http_port, self.https_port
        self.caddy.caddyfile.write_text(self.caddyfile(self.caddy, *ports))
        ends = {site.name: not_after(self.caddy.certificate_file(site)) for site in stored}
        if time.time() > self.zero:
            raise RuntimeError(f"preparing took longer than {PREPARATION} s: the machine is too busy")
        for second, what, action in [(0, "caddy started", self.caddy.start), *self.moments(), (self.lasts, "the end", self.end)]:
            time.sleep(max(0, self.zero + second - time.time()))
            self.events.append({"at": round(time.time() - self.zero, 3), "what": what})
            action()
        self._keep(ends)

    def end(self):
        if not self.caddy.process.running():
            raise RuntimeError(f"caddy ended by itself:\n{self.caddy.process.said()}")
        self.caddy.stop()

    def reload(self):
        command = [self.binary, "reload", "--force", "--config", self.caddy.caddyfile, "--adapter", "caddyfile"]
        code, _, err = run([*command, "--address", f"{LOOPBACK}:{self.admin}"], self.directory)
        if code != 0:
            raise RuntimeError(f"caddy reload exited {code}: {err[-500:]}")

    def caddyfile(self, caddy, admin, http, https):
        return f"""{{
	admin {LOOPBACK}:{admin}
	auto_https disable_redirects
	skip_install_trust
	default_bind {LOOPBACK}
	http_port {http}
	https_port {https}
	storage file_system {self.caddy.storage}
	email ops@example.test
	renew_interval {RENEW_INTERVAL}s
	log default {{
		output file {caddy.log} {{
			{self.output()}
		}}
		format json
		level INFO
	}}
{self.options()}}}
{self.blocks()}"""

    def kept(self):
        """What becomes the recording: name and file."""
        return {"caddy.log": self.caddy.log}

    def _keep(self, ends):
        out = self.lab.out / self.version / self.name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        lines = 0
        for name, file in self.kept().items():
            log = self._neutral(file)
            lines += log.count("\n")
            if name.endswith(".gz"):
                # Without a time, so that recording the same text gives the same file.
                (out / name).write_bytes(gzip.compress(log.encode(), mtime=0))
            else:
                (out / name).write_text(log)
        told = {"caddy": self.version, "scenario": self.name, "zero": self.zero, "cause": self.cause, "seen_by": self.seen_by}
        line = {**told, "events": self.events, "names": self.histories(self.caddy.log, ends), **self.told(ends)}
        (out / "timeline.json").write_text(json.dumps(line, indent=1) + "\n")
        print(f"  {self.version:7} {self.name:18} {lines} lines", flush=True)

    def told(self, ends):
        """What else the time line has to say."""
        return {}

    def histories(self, log, ends, names=None):
        """What a log says of the names."""
        read = truth.read(log, names or self.names)
        return {name: {"not_after": ends.get(name), **history.relative(self.zero)} for name, history in read.items()}

    def _neutral(self, file):
        """A log without the lab's own directory."""
        neutral = text(file).replace(str(self.directory), "/var/lib/caddy")
        neutral = neutral.replace(str(self.lab.authority.root), "/var/lib/caddy/ca.pem")
        if str(self.lab.work) in neutral:
            raise RuntimeError(f"{self.lab.work} is still named in {file.name} of {self.version} {self.name}")
        return neutral


def text(file):
    """A log, compressed or not, as it was written."""
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8", newline="") as log:
        return log.read()


class Closed(Scenario):
    """Nobody listens at the CA's port, until the gate is opened."""

    cause, seen_by = "ca.unreachable", "caddy"

    def authority(self):
        return Gate(self.lab.pebble)
