"""Containers that are killed in the middle of a line, and a log stream that stalls without an end."""

import os
import socket
import threading
import time

from processes import wait_until
from watcher import Watcher

# At each start a failure of a certificate that no other line speaks of, and half of another.
HALVES = r"""
start=$(cat /out/starts 2>/dev/null || echo 0)
start=$((start + 1))
echo $start > /out/starts
line() { printf '{"level":"error","ts":%s.5,"logger":"tls.renew","msg":"will retry","error":"[%s] Renew: x","attempt":1,"retrying_in":60,"elapsed":1.5,"max_duration":2592000}' $(date +%s) $1; }
line start-$start.killed.test >&2
echo >&2
half=$(line half-$start.killed.test)
printf '%s' "${half%,\"elapsed*}" >&2
echo $start > /out/written
exec sleep 1000
"""
STARTS = 3


class Killed:
    """A container that is killed thrice; one watcher is there meanwhile, and one comes afterwards."""

    def __init__(self, engine, binary, work, name, options):
        self.engine, self.name, self.work, self.binary = engine, name, work, binary
        self.out = work / name
        self.out.mkdir()
        (self.out / "writer.sh").write_text(HALVES)
        mount = ["-v", f"{self.out}:/out"]
        self.command = ["-d", "--network", "none", "--name", name, *options, *mount, "lab", "/bin/sh", "/out/writer.sh"]

    def run(self):
        watchers = [self._watcher("there")]
        for start in range(1, STARTS + 1):
            if start == 1:
                self.engine.docker("run", *self.command)
            else:
                self.engine.docker("start", self.name)
            if not wait_until(lambda start=start: self._written() == str(start), 15):
                raise RuntimeError(f"{self.name} did not write")
            time.sleep(1)
            self.engine.docker("kill", self.name)
        watchers.append(self._watcher("late"))
        time.sleep(4)
        return [(watcher, watcher.process.end()) for watcher in watchers]

    def check(self, report, watchers):
        for watcher, code in watchers:
            what = f"{watcher.directory.name}: killed in the middle of lines"
            said = watcher.process.stderr.read_text(errors="replace")
            report.check(f"{what}, SIGTERM ends notafter in order", code == 0, 0, code, said)
            counted = {row["name"]: row["attempts_total"] for row in watcher.status([])}
            whole = {f"start-{start}.killed.test": 1 for start in range(1, STARTS + 1)}
            ours = {name: count for name, count in counted.items() if name in whole}
            report.check(f"{what}, whole lines are read once", ours == whole, whole, counted, said)
            others = {name: count for name, count in counted.items() if not name.startswith(("start-", "half-"))}
            twice = {name: count for name, count in counted.items() if count != 1}
            report.check(f"{what}, nothing is made of two of them", not others and not twice, "nothing", counted)

    def _watcher(self, when):
        directory = self.work / f"{self.name}-{when}"
        directory.mkdir()
        watcher = Watcher(self.binary, directory, f"docker:{self.name}")
        watcher.start()
        return watcher

    def _written(self):
        try:
            return (self.out / "written").read_text().strip()
        except OSError:
            return ""


class Relay:
    """A socket before the engine's. What is open when it stalls stays open, and nothing comes any more."""

    def __init__(self, engine, path):
        self.engine, self.path = engine, path
        self.open, self.stalled = [], set()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(os.fspath(path))
        self.socket.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self):
        self.stalled.update(self.open)

    def _accept(self):
        while True:
            near, _ = self.socket.accept()
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(os.fspath(self.engine.socket))
            except OSError:
                near.close()
                continue
            self.open.append(near)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, near), daemon=True).start()

    def _pump(self, source, sink, near):
        try:
            while data := source.recv(65536):
                if near not in self.stalled:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# notafter looks after a minute of silence, and gives the stream five seconds more.
PATIENCE = 75


def stall(relay, writing):
    """Whether a line is read that was written long after the stream stalled."""
    writing.watcher.start()
    writing.create()
    time.sleep(3)
    relay.stall()
    time.sleep(PATIENCE)
    last = (writing.out / "written").read_text().split()[-1]
    return wait_until(lambda: last in {row["name"] for row in writing.watcher.status([])}, 10, pause=1)
