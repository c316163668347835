#!/usr/bin/env python3
"""Records what real Caddys log when their certificate authority fails in ways that the experiment does not have.

Each scenario has two certificates, one due when Caddy starts and one that falls due while it runs, and runs for
95 s, all side by side. The log and the time line go to OUT/VERSION/SCENARIO; the time line says what the lab did.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import faulty
import install
import truth
from authority import Authority, not_after, start_pebble
from caddy import RENEW_INTERVAL, Caddy
from experiment import LATER, START, sites
from processes import LOOPBACK, Gate, Process, end_all, free_port, run

REPOSITORY = Path(__file__).resolve().parents[2]
PREPARATION, MIDDLE, LAST_MOMENT = 40, 30, 95
# Name: cause and who meets it, as the lab arranged them.
SCENARIOS = {
    "ca-down": ("ca.unreachable", "caddy"),
    "rate-limited": ("ca.rate-limited", "ca"),
    "challenge-closed": ("challenge.unreachable", "ca"),
    "nonsense": ("ca.server-error", "caddy"),
    "account-lost": ("ca.account", "ca"),
    "test-ca-refused": ("ca.caa", "ca"),
    "test-ca-recovers": ("ca.caa", "ca"),
    "fall-through": ("ca.caa", "ca"),
    "reload": ("ca.unreachable", "caddy"),
    "restart": ("ca.unreachable", "caddy"),
}


class Scenario:
    """One Caddy of one version in one scenario."""

    def __init__(self, name, version, binary, lab):
        self.name, self.version, self.binary, self.lab = name, version, binary, lab
        self.directory = lab.work / f"{version}-{name}"
        self.events = []
        self.zero = int(time.time()) + PREPARATION
        self.ca, self.port = self._authority()

    def _authority(self):
        """What stands at the CA's port, and the port."""
        if self.name in ("ca-down", "reload", "restart"):
            gate = Gate(self.lab.pebble)
            return gate, gate.port
        target = self.lab.strict if self.name == "challenge-closed" else self.lab.pebble
        proxy = faulty.Faulty(self.lab.authority, self.directory / "ca", target)
        modes = {"rate-limited": faulty.LIMIT, "nonsense": faulty.NONSENSE}
        caa = ("test-ca-refused", "test-ca-recovers", "fall-through")
        proxy.mode = faulty.CAA if self.name in caa else modes.get(self.name, faulty.PASS)
        return proxy, proxy.port

    def run(self):
        here = sites(self.zero, self.port, self.port)[:2]
        caddy = Caddy(self.binary, self.directory, self.lab.authority, here)
        self.admin = free_port()
        caddy.caddyfile.write_text(self._caddyfile(caddy, here))
        ends = {site.name: not_after(caddy.certificate_file(site)) for site in here}
        if time.time() > self.zero:
            raise RuntimeError(f"preparing took longer than {PREPARATION} s: the machine is too busy")
        self._at(0, "caddy started", caddy.start)
        self._middle(caddy)
        self._at(LAST_MOMENT, "the end", lambda: None)
        caddy.stop()
        self._keep(caddy, ends)

    def _middle(self, caddy):
        if self.name == "account-lost":
            self._at(10, "the authority forgets its accounts", lambda: setattr(self.ca, "target", self.lab.other))
        elif self.name == "test-ca-recovers":
            self._at(MIDDLE, "the authority issues again", lambda: setattr(self.ca, "mode", faulty.PASS))
        elif self.name == "reload":
            self._at(MIDDLE, "caddy reload --force", lambda: self._reload(caddy))
        elif self.name == "restart":
            self._at(MIDDLE, "caddy stopped and started", lambda: (caddy.stop(), caddy.start()))

    def _reload(self, caddy):
        command = [self.binary, "reload", "--force", "--config", caddy.caddyfile, "--adapter", "caddyfile"]
        code, _, err = run([*command, "--address", f"{LOOPBACK}:{self.admin}"], self.directory)
        if code != 0:
            raise RuntimeError(f"caddy reload exited {code}: {err[-500:]}")

    def _caddyfile(self, caddy, here):
        acme = f"issuer acme {{\n\t\t\tdir https://{LOOPBACK}:{self.port}/dir\n\t\t\ttrusted_roots {self.lab.authority.root}"
        if self.name.startswith("test-ca"):
            acme += f"\n\t\t\ttest_dir https://{LOOPBACK}:{self.lab.pebble}/dir"
        acme += "\n\t\t}"
        if self.name == "fall-through":
            acme += "\n\t\tissuer internal"
        blocks = "".join(f"\n{site.name} {{\n\ttls {{\n\t\t{acme}\n\t}}\n\trespond ok\n}}\n" for site in here)
        return f"""{{
	admin {LOOPBACK}:{self.admin}
	auto_https disable_redirects
	skip_install_trust
	default_bind {LOOPBACK}
	http_port {free_port()}
	https_port {free_port()}
	storage file_system {caddy.storage}
	email ops@example.test
	renew_interval {RENEW_INTERVAL}s
	log default {{
		output file {caddy.log} {{
			roll_disabled
		}}
		format json
		level INFO
	}}
}}
{blocks}"""

    def _at(self, moment, what, action):
        time.sleep(max(0, self.zero + moment - time.time()))
        self.events.append({"at": round(time.time() - self.zero, 3), "what": what})
        action()

    def _keep(self, caddy, ends):
        out = self.lab.out / self.version / self.name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        log = caddy.log.read_text().replace(str(self.directory), "/var/lib/caddy")
        log = log.replace(str(self.lab.authority.root), "/var/lib/caddy/ca.pem")
        if str(self.lab.work) in log:
            raise RuntimeError(f"{self.lab.work} is still named in the log of {self.version} {self.name}")
        (out / "caddy.log").write_text(log)
        names = {}
        for name, history in truth.read(caddy.log, (START, LATER)).items():
            names[name] = {"not_after": ends[name], **history.relative(self.zero)}
        cause, seen_by = SCENARIOS[self.name]
        told = {"caddy": self.version, "scenario": self.name, "zero": self.zero, "cause": cause, "seen_by": seen_by}
        line = {**told, "events": self.events, "names": names}
        (out / "timeline.json").write_text(json.dumps(line, indent=1) + "\n")
        print(f"  {self.version:7} {self.name:18} {len(log.splitlines())} lines", flush=True)


class Lab:
    """Three authorities that all scenarios share; `strict` really checks challenges, and finds every port closed."""

    def __init__(self, work, out, pebble):
        self.work, self.out = work, out
        self.authority = Authority(work / "authority")
        self.pebble = start_pebble(pebble, self.authority, work / "pebble")
        self.other = start_pebble(pebble, self.authority, work / "other")
        self.strict = start_pebble(pebble, self.authority, work / "strict", start_resolver(work))


def start_resolver(work):
    """Every name is this machine."""
    port = free_port()
    command = ["pebble-challtestsrv", "-defaultIPv4", LOOPBACK, "-defaultIPv6", "", "-dns01", f"{LOOPBACK}:{port}"]
    command += ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"{LOOPBACK}:{free_port()}"]
    Process("resolver", command, work)
    return port


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "target/lab/scenarios", help="where logs and time lines go")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="run only this scenario")
    parser.add_argument("--caddy", choices=install.CADDYS, action="append", help="versions; the oldest and the newest by default")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = REPOSITORY / "target/lab/cache"
    cache.mkdir(parents=True, exist_ok=True)
    debian, pebble = install.debian_packages()
    work = Path(tempfile.mkdtemp(prefix="notafter-scenarios-"))
    failed = []

    def call(scenario):
        try:
            scenario.run()
        except Exception as error:  # told below, and the exit code says it
            failed.append(f"{scenario.version} {scenario.name}: {error!r}")

    try:
        lab = Lab(work, chosen.out.resolve(), pebble)
        scenarios = []
        for version in chosen.caddy or (install.OLD_CADDY, install.NEW_CADDY):
            binary = debian if version == install.OLD_CADDY else install.caddy_of_upstream(version, cache)
            scenarios += [Scenario(name, version, binary, lab) for name in chosen.only or SCENARIOS]
        threads = [threading.Thread(target=call, args=[one], daemon=True) for one in scenarios]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        end_all()
        shutil.rmtree(work, ignore_errors=True)
    print("\n".join(failed) or f"{len(scenarios)} scenarios recorded in {chosen.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
