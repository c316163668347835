#!/usr/bin/env python3
"""Runs real Caddys into an outage of their certificate authority, with notafter watching. See README.md."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import authority
import checks_caddy
import checks_notafter
import install
import log_mode
import ntfy
import unreadable
from experiment import Experiment
from processes import end_all, side_by_side
from report import Report
from synapse import Synapse

REPOSITORY = Path(__file__).resolve().parents[2]
UNREADABLE, MODE = "unreadable", "log-mode"


def part_of(version):
    return f"caddy-{version}"


PARTS = [*map(part_of, install.CADDYS), UNREADABLE, MODE]


@dataclass
class Lab:
    """What the parts share."""

    work: Path
    out: Path
    captures: Path | None
    authority: object
    pebble_port: int = 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notafter", type=Path, help="the binary to test")
    parser.add_argument("--caddy-only", action="store_true", help="no notafter: only prove that the experiment is true")
    parser.add_argument("--only", choices=PARTS, action="append", help="run only this part")
    parser.add_argument("--fewer", action="store_true", help="of the Caddys only the oldest and the newest")
    parser.add_argument("--keep", action="store_true", help="keep the working directory (storage, state, configs)")
    parser.add_argument("--captures", type=Path, help="where each log is recorded as a fixture, too")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "target/lab/out", help="where logs and time lines go")
    chosen = parser.parse_args()
    if chosen.caddy_only == bool(chosen.notafter):
        parser.error("give --notafter PATH_TO_BINARY, or --caddy-only")
    if chosen.notafter:
        chosen.notafter = chosen.notafter.resolve()
        if not chosen.notafter.is_file():
            parser.error(f"{chosen.notafter} is not a file; build it first: cargo build")
    chosen.only = chosen.only or PARTS
    chosen.caddys = (install.OLD_CADDY, install.NEW_CADDY) if chosen.fewer else install.CADDYS
    chosen.out = chosen.out.resolve()
    return chosen


def prepare(chosen, work):
    """Installs what is missing and starts the shared servers; returns the jobs."""
    cache = REPOSITORY / "target/lab/cache"
    cache.mkdir(parents=True, exist_ok=True)
    notafter = chosen.notafter
    lab = Lab(work, chosen.out, chosen.captures, authority.Authority(work / "authority"))
    debian, pebble = install.debian_packages()
    binaries = {install.OLD_CADDY: debian}
    for version in chosen.caddys[1:]:
        binaries[version] = install.caddy_of_upstream(version, cache)
    experiments = [version for version in chosen.caddys if part_of(version) in chosen.only]
    jobs = {}
    if experiments:
        lab.pebble_port = authority.start_pebble(pebble, lab.authority, work / "pebble")
    receivers = start_receivers(experiments, cache, work) if notafter else {}
    for version in experiments:
        told = receivers.get(version, [])
        jobs[part_of(version)] = Experiment(version, binaries[version], lab, notafter, told).run
    if MODE in chosen.only:
        jobs[MODE] = lambda: log_mode.measure(binaries, work / MODE)
    if UNREADABLE in chosen.only and notafter:
        jobs[UNREADABLE] = lambda: unreadable.watch_as_nobody(notafter, work / UNREADABLE)
    return jobs


def start_receivers(versions, cache, work):
    """One ntfy and one Matrix homeserver for all; {version: [topic, room]}, so that none reads another's."""
    if not versions:
        return {}
    port = ntfy.start(install.ntfy(cache), work / "ntfy")
    homeserver = Synapse(install.synapse(cache), work / "synapse")
    homeserver.start()
    receivers = {}
    for version in versions:
        topic = ntfy.Topic(port, f"lab-{version.replace('.', '-')}")
        receivers[version] = [topic, homeserver.room_of(f"reader-{version}", f"bot-{version}")]
    return receivers


def judge(report, chosen, results):
    for name, result in results.items():
        if isinstance(result, Exception):
            report.check(f"{name} runs to its end", False, "no exception", repr(result))
        elif name == MODE:
            log_mode.check(report, result)
        elif name == UNREADABLE:
            unreadable.check(report, result)
        else:
            checks_caddy.check(report, result)
            if chosen.notafter:
                checks_notafter.check(report, result)


def main():
    chosen = arguments()
    # So that `finally` below ends the processes also when this one is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o022)
    begun = time.monotonic()
    # Below /tmp and open to others, because one part runs as an unprivileged user.
    work = Path(tempfile.mkdtemp(prefix="notafter-lab-"))
    work.chmod(0o755)
    report = Report()
    try:
        jobs = prepare(chosen, work)
        print(f"{len(jobs)} parts side by side, about {30 if set(jobs) <= {MODE, UNREADABLE} else 210} s", flush=True)
        judge(report, chosen, side_by_side(jobs))
    except install.CannotInstall as problem:
        report.check("the servers of the lab are there", False, "installed", problem)
    except RuntimeError as problem:
        report.check("the servers of the lab start", False, "running", problem)
    finally:
        end_all()
        if chosen.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(f"{time.monotonic() - begun:.0f} s; logs and time lines: {chosen.out}")
    print(report.last_line())
    return 0 if report.failed == 0 and report.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
