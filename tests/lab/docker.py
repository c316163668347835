#!/usr/bin/env python3
"""Has notafter read the logs of containers of a real Docker Engine: no line lost, none twice. See README.md."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import install
import ntfy
from caddy_container import NAME, CaddyContainer
from docker_faults import Killed, Relay, stall
from dockerd import Engine
from podman import Podman
from processes import LOOPBACK, end_all, side_by_side, wait_until
from report import Report
from watcher import Watcher

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = {"dockerd": "docker.io", "busybox": "busybox-static", "openssl": "openssl"}
KILLED = {"killed": [], "killed-terminal": ["--tty"]}
PODMAN = {"podman": "podman", "runc": "runc"}
# A failure of a certificate that no other line speaks of, so that `status` counts every line by itself. Its name
# is written down first; every 50th line is longer than what the engine takes at once.
WRITER = r"""
trap 'over=1' TERM
start=$(cat /out/starts 2>/dev/null || echo 0)
start=$((start + 1))
echo $start > /out/starts
long=$(head -c 40000 /dev/zero | tr '\0' x)
i=0
while [ -z "$over" ]; do
    i=$((i + 1))
    name=start-$start-line-$i.writer.test
    text=short
    [ $((i % 50)) = 7 ] && text=$long
    echo $name >> /out/written
    echo "{\"level\":\"error\",\"ts\":$(date +%s).5,\"logger\":\"tls.renew\",\"msg\":\"will retry\",\"error\":\"[$name] Renew: $text\",\"attempt\":1,\"retrying_in\":60,\"elapsed\":1.5,\"max_duration\":2592000}" >&2
    sleep 0.02
done
"""


class Writing:
    """A container that writes, and the watcher that reads it."""

    def __init__(self, engine, binary, work, name, options, environment=None):
        self.engine, self.name = engine, name
        self.options = ["--network", "none", "--name", name, *options]
        self.out = work / name
        self.out.mkdir()
        (self.out / "writer.sh").write_text(WRITER)
        directory = work / f"{name}-notafter"
        directory.mkdir()
        self.watcher = Watcher(binary, directory, f"docker:{name}", environment=environment)

    def create(self):
        self.engine.docker("run", "-d", *self.options, "-v", f"{self.out}:/out", "lab", "/bin/sh", "/out/writer.sh")

    def said(self):
        return self.watcher.process.stderr.read_text(errors="replace")

    def kill_watcher(self):
        self.watcher.process.end(signal.SIGKILL)
        time.sleep(0.7)
        self.watcher.start()

    def judge(self, report, starts):
        """Every name that was written has failed once, by what notafter knows."""
        time.sleep(3)
        code = self.watcher.process.end()
        report.check(f"{self.name}: SIGTERM ends notafter in order", code == 0, 0, code, self.said())
        problems = []
        rows = self.watcher.status(problems)
        seen = {row["name"]: row["attempts_total"] for row in rows}
        written = (self.out / "written").read_text().split()
        report.check(f"{self.name}: the writer was started {starts} times", f"start-{starts}-" in written[-1], seen=written[-1])
        lost = [name for name in written if name not in seen]
        report.check(f"{self.name}: of {len(written)} lines none is lost", not lost, "none", lost[:9], self.said())
        twice = [name for name, count in seen.items() if count != 1]
        report.check(f"{self.name}: none is read twice", not twice, "none", twice[:9], self.said())
        report.check(f"{self.name}: nothing else is read", len(seen) == len(set(written)), seen=problems)
        for words in ("unreadable", "may be missing", "whatever it wrote"):
            bad = [line for line in self.said().splitlines() if words in line and "0 unreadable" not in line]
            report.check(f"{self.name}: notafter does not say `{words}`", not bad, "nothing", bad)


def check_writers(report, engine, binary, work):
    """Restarts, kills, a container made anew, rotation, and the end and start of the engine itself."""
    writings = [
        Writing(engine, binary, work, "plain", engine.ROTATED),
        Writing(engine, binary, work, "terminal", ["--tty"]),
    ]
    for writing in writings:
        # notafter is there first, and waits.
        writing.watcher.start()
        waits = wait_until(lambda writing=writing: "there is no container" in writing.said(), 10)
        report.check(f"{writing.name}: a container that is not there is waited for", waits, seen=writing.said())
        writing.create()
    time.sleep(3)
    for writing in writings:
        engine.docker("restart", writing.name)
        writing.kill_watcher()
    time.sleep(2)
    for writing in writings:
        engine.docker("stop", writing.name)
        time.sleep(1)
        engine.docker("rm", writing.name)
        writing.create()
        time.sleep(2)
        writing.kill_watcher()
        writing.kill_watcher()
    engine.stop()
    time.sleep(2)
    engine.start()
    if engine.ENDS_CONTAINERS:
        for writing in writings:
            engine.docker("start", writing.name)
    time.sleep(4)
    for writing in writings:
        engine.docker("stop", writing.name)
        writing.judge(report, starts=4 if engine.ENDS_CONTAINERS else 3)


def check_caddy(report, work, port, binary):
    topic = ntfy.Topic(port, "host")
    watcher = Watcher(binary, work / "host", "docker:caddy", [topic])
    watcher.start()
    _check_alert(report, "notafter on the host", topic)
    watcher.process.end()


def check_tcp(report, engine, work, binary):
    """The same engine, by TCP."""
    host = {"DOCKER_HOST": f"tcp://{LOOPBACK}:{engine.port}"}
    watcher = Watcher(binary, work / "tcp", "docker:caddy", environment=host)
    watcher.start()
    said = lambda: watcher.process.stderr.read_text(errors="replace")
    read = wait_until(lambda: "1 certificates known" in said() or "1 certificate known" in said(), 20)
    report.check("DOCKER_HOST=tcp://... reads the same container", read, "1 certificate known", said())
    watcher.process.end()


def check_killed(report, engine, binary, work):
    stories = {name: Killed(engine, binary, work, name, how) for name, how in KILLED.items()}
    for name, watchers in side_by_side({name: story.run for name, story in stories.items()}).items():
        if isinstance(watchers, Exception):
            report.check(f"{name} runs to its end", False, "no exception", repr(watchers))
        else:
            stories[name].check(report, watchers)


class Stalled:
    """An engine of its own behind a relay, so that it goes on while the others are stopped and started."""

    def __init__(self, binary, work):
        self.engine = Engine(work / "stalled-engine")
        self.engine.start()
        self.engine.import_image("lab", [])
        relay = Relay(self.engine, work / "relay.sock")
        host = {"DOCKER_HOST": f"unix://{relay.path}"}
        self.writing = Writing(self.engine, binary, work, "stalled", [], host)
        self.pool = ThreadPoolExecutor(1)
        self.is_read = self.pool.submit(stall, relay, self.writing)

    def check(self, report):
        read = self.is_read.result()
        report.check("a log stream that stalls is left for another", read, "the last line that was written", self.writing.said())
        self.engine.docker("stop", "stalled")
        self.writing.judge(report, starts=1)

    def close(self):
        self.pool.shutdown()
        self.engine.close()


def check_image(report, engine, port, image):
    """notafter in a container of its own, from the image that users build."""
    topic = ntfy.Topic(port, "container")
    engine.docker("build", "-t", "notafter", "-f", REPOSITORY / "Containerfile", image, patience=120)
    group = str(os.stat(engine.socket).st_gid)
    mounts = ["-v", f"{engine.socket}:/var/run/docker.sock:ro", "-v", "notafter:/var/lib/notafter"]
    options = ["--name", "notafter", "--network", "host", "--group-add", group, *mounts]
    engine.docker("run", "-d", *options, "notafter", "watch", "docker:caddy", "--notify", topic.channel)
    _check_alert(report, "notafter in a container", topic)
    user = engine.docker("inspect", "--format", "{{.Config.User}}", "notafter")
    report.check("notafter in a container is not root", user == "65532:65532", "65532:65532", user)
    engine.docker("restart", "notafter")
    time.sleep(3)
    titles = [message.title for message in topic.messages()]
    report.check("started again it tells nothing twice", len(titles) == len(set(titles)), seen=titles)


def _check_alert(report, who, topic):
    def found():
        return [message for message in topic.messages() if message.loud and NAME in message.text]

    arrived = wait_until(lambda: bool(found()), 30)
    report.check(f"{who} warns of a real Caddy in a container", arrived, "a loud message", topic.messages())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notafter", type=Path, required=True, help="the binary to test")
    parser.add_argument("--image", type=Path, help="what the Containerfile takes, to be built and run: target/dist/image")
    parser.add_argument("--podman", action="store_true", help="Podman's service instead of the Docker Engine")
    parser.add_argument("--keep", action="store_true", help="keep the working directory and say where it is")
    chosen = parser.parse_args()
    # So that `finally` below ends the processes also when this one is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o022)
    work = Path(tempfile.mkdtemp(prefix="notafter-docker-"))
    report, engine = Report(), (Podman if chosen.podman else Engine)(work / "engine")
    os.environ["DOCKER_HOST"] = f"unix://{engine.socket}"
    binary = chosen.notafter.resolve()
    stalled = None
    try:
        cache = REPOSITORY / "target/lab/cache"
        cache.mkdir(parents=True, exist_ok=True)
        install.tools(PACKAGES | (PODMAN if chosen.podman else {}))
        caddy, server = install.caddy_of_upstream(install.NEW_CADDY, cache), install.ntfy(cache)
        engine.start()
        engine.import_image("lab", [caddy])
        stalled = None if chosen.podman else Stalled(binary, work)
        check_writers(report, engine, binary, work)
        check_killed(report, engine, binary, work)
        port = ntfy.start(server, work / "ntfy")
        CaddyContainer(engine, work / "site", lives=50).start("lab")
        check_caddy(report, work, port, binary)
        if not chosen.podman:
            check_tcp(report, engine, work, binary)
        if chosen.image:
            check_image(report, engine, port, chosen.image.resolve())
        if stalled:
            stalled.check(report)
    except install.CannotInstall as problem:
        report.check("the engine is there", False, "installed", problem)
    except RuntimeError as problem:
        report.check("the engine does its part", False, "no error", problem)
    finally:
        if stalled:
            stalled.close()
        engine.close()
        end_all()
        if chosen.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(report.last_line())
    return 0 if report.failed == 0 and report.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
