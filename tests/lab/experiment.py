"""The experiment: a certificate authority that is away while certificates run out.

Times are seconds after Caddy's start. Two authorities, behind one port each, refuse connections until a moment:

    name                      origin       first attempt   expires   authority is back   next attempts
    start.example.test        start         0              +45       +75                 +61 (fails), +181
    later.example.test        maintenance   +20            +65       +75                 +81 (2.6.2), +90 (2.11.7)
    blip.example.test         start         0              +7.5 h    +45                 +61
    blip-later.example.test   maintenance   +20            +8 h      +45                 +81 (2.6.2), +90 (2.11.7)

"maintenance" means that the certificate became due while Caddy ran: then 2.11.7 announces no retry in its log.
"""

import json
import shutil
import signal
import time
from dataclasses import dataclass, field

import truth
from authority import not_after
from caddy import Caddy, Site
from message import shown
from processes import Gate, wait_until
from watcher import Watcher

START, LATER = "start.example.test", "later.example.test"
BLIP, BLIP_LATER = "blip.example.test", "blip-later.example.test"
DOOMED = (START, LATER)
BLIPS = (BLIP, BLIP_LATER)
NAMES = DOOMED + BLIPS

PREPARATION = 12  # certificates and the watcher are ready by then
DUE_LATER = 15
START_EXPIRES, LATER_EXPIRES = 45, 65
KILL, RESTART = 30, 33
BLIP_OVER, OUTAGE_OVER = 45, 75
LAST_MOMENT = 230
DAY, HOUR = 86_400, 3_600


@dataclass
class Outcome:
    """What one experiment left behind."""

    version: str
    zero: float
    log: object
    histories: dict
    not_after: dict
    renewed_not_after: dict
    caddy_exit: int
    rows: list = field(default_factory=list)
    replayed: list = field(default_factory=list)
    status: list = field(default_factory=list)
    messages: dict = field(default_factory=dict)
    watcher_exit: int | None = None
    watcher_died: bool = False
    watcher_said: str = ""
    watcher_stdout: str = ""
    problems: list = field(default_factory=list)


def sites(zero, outage_port, blip_port):
    """A third of the life before the end is when Caddy finds a certificate due."""

    def due_at(name, port, due, end):
        window = end - due
        return Site(name, port, zero + end - 3 * window, zero + end)

    return [
        due_at(START, outage_port, -30, START_EXPIRES),
        due_at(LATER, outage_port, DUE_LATER, LATER_EXPIRES),
        due_at(BLIP, blip_port, -HOUR // 2, DAY // 3 - HOUR // 2),
        due_at(BLIP_LATER, blip_port, DUE_LATER, DUE_LATER + DAY // 3),
    ]


class Experiment:
    """One Caddy, and unless `notafter` is None one watcher that tells receivers of its own."""

    def __init__(self, version, binary, lab, notafter, receivers):
        self.version = version
        self.binary = binary
        self.lab = lab
        self.notafter = notafter
        self.receivers = receivers
        self.directory = lab.work / f"caddy-{version}"
        self.events = []
        self.zero = None
        self.watcher_died = False

    def run(self):
        gates = {"outage": Gate(self.lab.pebble_port), "blip": Gate(self.lab.pebble_port)}
        try:
            outcome = self._story(gates)
        finally:
            for gate in gates.values():
                gate.close()
        self._keep(outcome)
        return outcome

    def _story(self, gates):
        # A whole second: certificates have no finer times.
        self.zero = int(time.time()) + PREPARATION
        here = sites(self.zero, gates["outage"].port, gates["blip"].port)
        caddy = Caddy(self.binary, self.directory, self.lab.authority, here)
        ends = {site.name: not_after(caddy.certificate_file(site)) for site in here}
        # The log is there before Caddy, as after a restart: the watcher sees all of it live.
        caddy.log.touch(mode=0o600)
        watcher = self._watch(caddy.log)
        if time.time() > self.zero:
            raise RuntimeError(f"preparing took longer than {PREPARATION} s: the machine is too busy")
        self._at(0, "caddy started", caddy.start)
        if watcher:
            self._at(KILL, "watcher killed with SIGKILL", lambda: self._kill(watcher))
            self._at(RESTART, "watcher started again", watcher.start)
        self._at(BLIP_OVER, "authority of the blips answers", gates["blip"].open)
        self._at(OUTAGE_OVER, "authority of the outage answers", gates["outage"].open)
        self._wait_for_recovery(caddy.log)
        self._note("recovered" if self._recovered(caddy.log) else f"not recovered by +{LAST_MOMENT} s")
        # Time for the last messages; the log clock of a watcher runs some seconds behind the wall.
        time.sleep(8 if watcher else 0)
        caddy_exit = caddy.stop()
        outcome = Outcome(
            version=self.version,
            zero=self.zero,
            log=caddy.log,
            histories=truth.read(caddy.log, NAMES),
            not_after=ends,
            renewed_not_after={site.name: not_after(caddy.certificate_file(site)) for site in here},
            caddy_exit=caddy_exit,
        )
        if watcher:
            time.sleep(2)
            self._question(watcher, outcome)
        return outcome

    def _watch(self, log):
        if self.notafter is None:
            return None
        watcher = Watcher(self.notafter, self.directory, log, self.receivers)
        watcher.start()
        return watcher

    def _kill(self, watcher):
        self.watcher_died = not watcher.process.running()
        watcher.process.end(signal.SIGKILL)

    def _wait_for_recovery(self, log):
        wait_until(lambda: self._recovered(log), self.zero + LAST_MOMENT - time.time(), pause=1)

    def _recovered(self, log):
        return all(history.done() for history in truth.read(log, NAMES).values())

    def _question(self, watcher, outcome):
        """Everything the watcher has to say, before and after it is stopped."""
        outcome.watcher_died = self.watcher_died or not watcher.process.running()
        outcome.status = watcher.status(outcome.problems)
        outcome.watcher_exit = watcher.process.end()
        self._note(f"watcher stopped, exit {outcome.watcher_exit}")
        outcome.watcher_said = watcher.process.said()
        outcome.watcher_stdout = watcher.process.stdout.read_text(errors="replace")
        outcome.rows = watcher.recorded(outcome.problems)
        outcome.replayed = watcher.replay(outcome.problems)
        outcome.messages = {one.receiver: one.messages() for one in self.receivers}

    def _at(self, moment, what, action):
        pause = self.zero + moment - time.time()
        if pause > 0:
            time.sleep(pause)
        self._note(what)
        action()

    def _note(self, what):
        moment = round(time.time() - self.zero, 3)
        self.events.append({"at": moment, "what": what})
        print(f"  {self.version:7} {moment:+8.1f} s  {what}", flush=True)

    def _keep(self, outcome):
        """A copy of the log and the time line for whoever reads the result."""
        out = self.lab.out / self.version
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        shutil.copy(outcome.log, out / "caddy.log")
        names = {}
        for name, history in outcome.histories.items():
            names[name] = {
                "not_after": outcome.not_after[name],
                "expires": outcome.not_after[name] - self.zero,
                "renewed_not_after": outcome.renewed_not_after[name],
                **history.relative(self.zero),
            }
        line = {"caddy": self.version, "zero": self.zero, "events": self.events, "names": names}
        (out / "timeline.json").write_text(json.dumps(line, indent=1) + "\n")
        if self.lab.captures:
            self._record(out)
        if self.notafter is None:
            return
        said = {"alerts": outcome.rows, "status": outcome.status}
        said |= {one.receiver: one.arrived() for one in self.receivers}
        for label, rows in said.items():
            (out / f"{label}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for receiver, messages in outcome.messages.items():
            (out / f"{receiver}.txt").write_text(shown(messages, self.zero) + "\n")
        shutil.copy(self.directory / "notafter.stderr", out / "notafter.stderr")

    def _record(self, out):
        """Log and time line as a fixture: without the lab's own directory, everything else as it was."""
        capture = self.lab.captures / self.version / "expiry"
        capture.mkdir(parents=True, exist_ok=True)
        log = (out / "caddy.log").read_text().replace(str(self.directory), "/var/lib/caddy")
        if str(self.lab.work) in log:
            raise RuntimeError(f"{self.lab.work} is still named in the log of {self.version}")
        (capture / "caddy.log").write_text(log)
        shutil.copy(out / "timeline.json", capture)
