#!/usr/bin/env python3
"""The Debian package on machines with systemd: installed, by the README, through a certificate's end. See README.md."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import caddy_unit
import checks_package as checks
import install
import ntfy
from authority import Authority
from caddy import Site
from machine import Machine, base
from newcomer import Newcomer
from newcomer_docker import DockerNewcomer
from processes import end_all, free_port, side_by_side, wait_until
from receiver import NAME, Hook, Names, greet_at
from report import Report

REPOSITORY = Path(__file__).resolve().parents[2]
STORIES = ("package", "newcomer", "docker")
SITE, TOPIC, TOKEN = "fed.example.test", "package", "s3cret-of-the-lab"
LOG, CONFIG = "/var/log/caddy/caddy.log", "/etc/notafter/notafter.toml"
DROP_INS = "/etc/systemd/system/notafter.service.d"
EXAMPLES = "/usr/share/doc/notafter/examples"
# Seconds after Caddy's start. The end comes while the watch is stopped.
EXPIRES, STOPPED = 26, 23

SETTINGS = f"""[[source]]
file = "{LOG}"

[[channel]]
name = "phone"
url = "{{phone}}"

[[channel]]
name = "hook"
url = "{{hook}}"
token_credential = "ntfy-token"
"""

# Run by systemd as a command of the unit itself, so in its sandbox, as its user, with its groups.
PROBE = f"""#!/bin/sh
cd "$RUNTIME_DIRECTORY" || exit 1
journalctl -q -n 1 -o json -u caddy >journal 2>&1
timeout 2 journalctl -q -f --merge -n 1 -o json -u caddy >following 2>&1
perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new("/run/docker.sock")->getline' >docker 2>&1
getent ahostsv4 {NAME} >names 2>&1
cat {LOG} >log 2>&1
for place in /etc /usr /var/log /var/log/caddy /root /home; do touch $place/x 2>/dev/null && echo $place; done >written
cat /etc/notafter/ntfy.token /etc/shadow >secrets 2>/dev/null
ls /root /home/* >homes 2>/dev/null
exit 0
"""


class Story:
    """The parts in order; each looks at what it did with checks of its own."""

    def __init__(self, report, machine, deb, work):
        self.report = report
        self.machine = machine
        self.deb = deb
        self.work = work
        self.hook = None
        self.phone = None
        self.zero = 0

    def run(self, ntfy_binary):
        seconds = self.machine.boot()
        print(f"booted in {seconds:.1f} s", flush=True)
        self.machine.enter_network()
        self.hook, names = Hook(), Names()
        self.phone = ntfy.Topic(ntfy.start(ntfy_binary, self.work / "ntfy"), TOPIC)
        self.install()
        self.configure()
        self.expire()
        self.reload()
        self.probe()
        self.report.check("the webhook's name was asked of a name server", NAME in names.asked, NAME, names.asked)
        self.upgrade()
        self.remove()
        self.report.check("the machine shuts down in order", self.machine.off(), "gone within 30 s", "ended")

    def install(self):
        shutil.copy(self.deb, self.machine.root / "root/notafter.deb")
        done = self.machine.run("dpkg", "-i", "/root/notafter.deb")
        checks.installed(self.report, self.machine, done)

    def configure(self):
        """First without the group: it must start, and say what is missing."""
        machine, uid_gid = self.machine, self.machine.owner("caddy")
        (machine.root / "var/log/caddy").mkdir(exist_ok=True)
        (machine.root / "var/log/caddy").chmod(0o750)
        log = machine.root / LOG.lstrip("/")
        log.touch(mode=0o640)
        for path in (log.parent, log):
            os.chown(path, *uid_gid)
        self.write_settings()
        (machine.root / "etc/notafter/ntfy.token").write_text(TOKEN + "\n")
        (machine.root / "etc/notafter/ntfy.token").chmod(0o600)
        self.drop_in("10-token.conf")
        self.drop_in("20-lab.conf", "[Service]\nWatchdogSec=5\nRestartSec=1\n")
        done = machine.run("systemctl", "start", "notafter")
        checks.started_unreadable(self.report, machine, done)
        self.drop_in("10-caddy-group.conf")
        done = machine.run("systemctl", "restart", "notafter")
        checks.started(self.report, machine, done)

    def write_settings(self, more=""):
        text = SETTINGS.format(phone=self.phone.channel, hook=self.hook.url) + more
        settings = self.machine.root / CONFIG.lstrip("/")
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(text)

    def drop_in(self, name, text=None):
        """One of the package's examples, or a text."""
        directory = self.machine.root / DROP_INS.lstrip("/")
        directory.mkdir(exist_ok=True)
        text = text or (self.machine.root / EXAMPLES.lstrip("/") / name).read_text()
        (directory / name).write_text(text)
        self.machine.run("systemctl", "daemon-reload")

    def expire(self):
        """A real Caddy, whose authority refuses connections, with a certificate that ends in seconds."""
        self.zero = int(time.time()) + 2
        authority = Authority(self.work / "authority")
        end = self.zero + EXPIRES
        caddy_unit.prepare(self.machine, authority, [Site(SITE, free_port(), end - 300, end)], LOG)
        time.sleep(max(0, self.zero - time.time()))
        code, out, err = self.machine.run("systemctl", "restart", "caddy")
        self.report.check("Caddy starts", code == 0, 0, f"{code}: {out}{err}")
        warned = wait_until(lambda: "retry-after-expiry" in checks.opened(self.hook), 15)
        checks.warned(self.report, self, warned)
        before = self.machine.show("notafter", "MainPID", "NRestarts")
        time.sleep(max(0, self.zero + STOPPED - time.time()))
        self.machine.run("systemctl", "kill", "-s", "STOP", "--kill-who=main", "notafter")
        again = wait_until(lambda: self.machine.restarted("notafter", before), 20)
        told = wait_until(lambda: "expired" in checks.opened(self.hook), 25)
        time.sleep(2)
        checks.survived(self.report, self, before, again, told)

    def reload(self):
        machine, report = self.machine, self.report
        before = machine.show("notafter", "MainPID")["MainPID"]
        self.write_settings("\n[[chanel]]\n")
        done = machine.run("systemctl", "reload", "notafter")
        checks.refused(report, machine, before, done)
        machine.run("systemctl", "kill", "-s", "HUP", "--kill-who=main", "notafter")
        checks.kept(report, machine, before)
        self.write_settings()
        done = machine.run("systemctl", "reload", "notafter")
        checks.reloaded(report, machine, before, done)

    def probe(self):
        machine = self.machine
        machine.run("groupadd", "--system", "docker")
        self.drop_in("10-journal.conf")
        self.drop_in("10-docker.conf")
        machine.file("/usr/local/bin/probe").write_text(PROBE)
        machine.file("/usr/local/bin/probe").chmod(0o755)
        self.drop_in("30-probe.conf", "[Service]\nExecReload=\nExecReload=/usr/local/bin/probe\n")
        greet_at(machine.file("/run/docker.sock"))
        machine.run("chgrp", "docker", "/run/docker.sock")
        machine.run("chmod", "0660", "/run/docker.sock")
        done = machine.run("systemctl", "reload", "notafter")
        checks.probed(self.report, machine, done)

    def upgrade(self):
        before = self.machine.show("notafter", "MainPID")["MainPID"]
        done = self.machine.run("dpkg", "-i", "/root/notafter.deb")
        time.sleep(1)
        checks.upgraded(self.report, self, before, done)

    def remove(self):
        removed = self.machine.run("dpkg", "-r", "notafter")
        checks.removed(self.report, self.machine, removed)
        purged = self.machine.run("dpkg", "-P", "notafter")
        checks.purged(self.report, self.machine, purged)

    def alerts_of_replay(self):
        """Rule of every alert that a replay of the same log opens at a severity that is sent."""
        out = self.machine.run("notafter", "replay", "--format", "json", LOG)[1]
        return checks.loud_rules(out)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deb", type=Path, required=True, help="the package to test")
    parser.add_argument("--only", choices=STORIES, action="append", help="run only this story")
    parser.add_argument("--keep", action="store_true", help="keep the machine's directory and say where it is")
    chosen = parser.parse_args()
    chosen.only = chosen.only or STORIES
    chosen.deb = chosen.deb.resolve()
    if not chosen.deb.is_file():
        parser.error(f"{chosen.deb} is not a file; make it first: packaging/dist deb")
    return chosen


def judge(report, stories, work):
    """Each on a machine of its own, side by side."""

    def on_a_machine(name, story):
        place = work / name
        place.mkdir()
        story(place)

    jobs = {name: lambda name=name, story=story: on_a_machine(name, story) for name, story in stories.items()}
    for name, result in side_by_side(jobs).items():
        fine = not isinstance(result, Exception)
        report.check(f"the story of the {name} comes to its end", fine, "no exception", repr(result))


def main():
    chosen = arguments()
    # So that `finally` below ends the processes also when this one is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o022)
    begun = time.monotonic()
    cache = REPOSITORY / "target/lab/cache"
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="package-", dir=cache.parent))
    report = Report()
    try:
        _, pebble = install.debian_packages()
        template, server = base(cache), install.ntfy(cache)
        python = install.synapse(cache)
        install.tools({"dockerd": "docker.io", "busybox": "busybox-static"})
        caddy = install.caddy_of_upstream(install.NEW_CADDY, cache)

        def newcomer(kind, binary):
            return lambda place: kind(report, Machine(template, place), chosen.deb, place).run((binary, server, python))

        stories = {
            "package": lambda place: Story(report, Machine(template, place), chosen.deb, place).run(server),
            "newcomer": newcomer(Newcomer, pebble),
            "docker": newcomer(DockerNewcomer, caddy),
        }
        judge(report, {name: story for name, story in stories.items() if name in chosen.only}, work)
    except (install.CannotInstall, RuntimeError, OSError) as problem:
        report.check("the machine and the servers run", False, "running", problem)
    finally:
        end_all()
        if chosen.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(f"{time.monotonic() - begun:.0f} s")
    print(report.last_line())
    return 0 if report.failed == 0 and report.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
