"""A new user on a machine whose Caddy logs to the journal: the README's own lines, timed; then an outage."""

import re
import shutil
import time
from pathlib import Path

import caddy_unit
import checks_newcomer as checks
import ntfy
import truth
from authority import Authority, start_pebble
from caddy import Site
from processes import Gate, wait_until
from synapse import Synapse

README = Path(__file__).resolve().parents[2] / "README.md"
CHAPTER = "## Install it as a service"
RECORD = "/var/lib/notafter/record.jsonl"
DROP_IN = "/etc/systemd/system/notafter.service.d/20-lab.conf"
WATCHED = f"""[Service]
WatchdogSec=5
RestartSec=1
ExecStart=
ExecStart=/usr/bin/notafter watch --record {RECORD}
"""

DOOMED = "fed.example.test"
# Three names fall due before each of Caddy's ticks, every 10 s, so that lines come at each of them.
TICKS = (10, 20, 30, 40, 50)
QUIET = {f"at-{tick}-{number}.example.test": tick for tick in TICKS for number in range(3)}
NAMES = (DOOMED, *QUIET)
# Seconds after Caddy's start. The lines of a tick come within three seconds of it.
FIRST_CUT, STOPPED, SECOND_CUT, EXPIRES, AUTHORITY_BACK, LAST_MOMENT = 21, 29, 41, 47, 55, 150
HOURS_8 = 28_800


def lines_of_the_readme():
    """The commands of the first block of the chapter."""
    chapter = README.read_text().split(CHAPTER + "\n")[1]
    return re.search(r"```sh\n(.*?)```", chapter, re.S).group(1).splitlines()


class Newcomer:
    """Everything in order on one machine."""

    story = "newcomer"

    def __init__(self, report, machine, deb, work):
        self.report = report
        self.machine = machine
        self.deb = deb
        self.work = work
        self.receivers = []
        self.zero = 0

    def run(self, binaries):
        """`binaries` are pebble, the ntfy server and a Python that has Synapse."""
        pebble, ntfy_server, python = binaries
        self.machine.boot()
        self.machine.enter_network()
        self.start_receivers(ntfy_server, python)
        authority = Authority(self.work / "authority")
        gate = Gate(start_pebble(pebble, authority, self.work / "pebble"))
        self.follow_the_readme()
        self.live_through_an_outage(authority, gate)

    def start_receivers(self, ntfy_server, python):
        topic = ntfy.Topic(ntfy.start(ntfy_server, self.work / "ntfy"), "newcomer")
        homeserver = Synapse(python, self.work / "synapse")
        homeserver.start()
        self.receivers = [topic, homeserver.room_of("reader", "bot")]

    def follow_the_readme(self):
        """With the package's real name, and the addresses and the token of one's own; no line more, no line less."""
        topic, room = self.receivers
        shutil.copy(self.deb, self.machine.root / "root/notafter.deb")
        begun, done = time.monotonic(), []
        for line in lines_of_the_readme():
            line = re.sub(r"\S+\.deb", "/root/notafter.deb", line)
            line = re.sub(r"ntfys?://\S+", topic.channel, line)
            line = re.sub(r"'matrixs?://[^']*'", f"'{room.channel}'", line)
            done.append((line, self.machine.run("sh", "-c", line, given=room.token + "\n")))
            if "notafter init" in line:
                done += self.heed(done[-1][1])
            if "notify test" in line:
                tested = time.monotonic() - begun
                arrived = {one.receiver: one.messages() for one in self.receivers}
        checks.tested(self.report, self.story, done, tested, arrived)
        checks.watching(self.report, self.story, self.machine, time.monotonic() - begun)

    def heed(self, _said):
        """What has to be done beside the README's lines, because init says so: nothing here."""
        return []

    def live_through_an_outage(self, authority, gate):
        machine = self.machine
        machine.file(DROP_IN).write_text(WATCHED)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", "notafter")
        self.zero = int(time.time()) + 8
        caddy_unit.prepare(machine, authority, self.sites(gate.port))
        self.at(0, "systemctl", "restart", "caddy")
        self.at(FIRST_CUT, "journalctl", "--rotate")
        self.at(FIRST_CUT, "journalctl", "--vacuum-files=1")
        before = machine.show("notafter", "MainPID", "NRestarts")
        self.at(STOPPED, "systemctl", "kill", "-s", "STOP", "--kill-who=main", "notafter")
        # What was not read yet must stay in the journal: no vacuum here.
        self.at(STOPPED + 2, "journalctl", "--rotate")
        again = wait_until(lambda: machine.restarted("notafter", before), 20)
        checks.restarted(self.report, machine, again)
        self.at(SECOND_CUT, "journalctl", "--rotate")
        self.at(SECOND_CUT, "journalctl", "--vacuum-files=1")
        time.sleep(max(0, self.zero + AUTHORITY_BACK - time.time()))
        gate.open()
        copy = machine.root / caddy_unit.COPY.lstrip("/")
        everything = lambda: all(history.done() for history in truth.read(copy, NAMES).values())
        wait_until(everything, self.zero + LAST_MOMENT - time.time(), pause=1)
        time.sleep(8)
        checks.lost_nothing(self.report, self, truth.read(copy, NAMES))
        for one in self.receivers:
            checks.told(self.report, self, one.receiver, one.messages())
        self.report.check("newcomer: the machine shuts down in order", machine.off(), "gone within 30 s", "ended")

    def sites(self, port):
        """A third of the life before the end is when Caddy finds a certificate due."""
        end = self.zero + EXPIRES
        sites = [Site(DOOMED, port, end - 300, end)]
        for name, tick in QUIET.items():
            due = self.zero + tick - 5
            sites.append(Site(name, port, due - 2 * HOURS_8, due + HOURS_8))
        return sites

    def at(self, moment, *command):
        time.sleep(max(0, self.zero + moment - time.time()))
        code, out, err = self.machine.run(*command)
        title = f"newcomer: {' '.join(command[:4])} at {moment:+} s"
        said = "" if code == 0 else self.machine.run("journalctl", "-q", "-o", "cat", "-n", "30")[1]
        self.report.check(title, code == 0, "exit 0", f"exit {code}\n{out}{err}{said}")

    def recorded(self):
        """The alert rows that the service wrote over all its lives."""
        return truth.rows(self.machine.file("/var/lib/private/notafter/record.jsonl").read_text())

    def replayed(self):
        """The alert rows of a replay of the copy of the log."""
        return truth.rows(self.machine.run("notafter", "replay", "--format", "json", caddy_unit.COPY)[1])
