#!/usr/bin/env python3
"""Records what real Caddys log in the scenarios of stories.py.

As many side by side as the machine bears. Logs and the time line go to OUT/VERSION/SCENARIO; the time line says what
the lab did, and what Caddy then tried by a reader of the lab's own.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import install
import provider
import resolver
from authority import Authority, start_pebble
from dns01 import DNS01_STORIES
from processes import LOOPBACK, Process, end_all, free_port
from stories import STORIES

REPOSITORY = Path(__file__).resolve().parents[2]
FAULTS = (resolver.SERVFAIL, resolver.NXDOMAIN, resolver.SILENCE)


class Lab:
    """Authorities that scenarios share.

    `strict` really checks challenges, and finds every port closed; those in `looking_up` ask a name server with a fault.
    """

    def __init__(self, work, out, pebble):
        self.work, self.out, self.pebble_binary = work, out, pebble
        self.authority = Authority(work / "authority")
        self.pebble = start_pebble(pebble, self.authority, work / "pebble")
        self.other = start_pebble(pebble, self.authority, work / "other")
        self.strict = start_pebble(pebble, self.authority, work / "strict", start_resolver(work))
        self.looking_up = {}
        for fault in FAULTS:
            address = f"{LOOPBACK}:{resolver.Resolver('example.test', fault).port}"
            self.looking_up[fault] = start_pebble(pebble, self.authority, work / fault, address)


def start_resolver(work):
    """Every name is this machine."""
    port = free_port()
    command = ["pebble-challtestsrv", "-defaultIPv4", LOOPBACK, "-defaultIPv6", "", "-dns01", f"{LOOPBACK}:{port}"]
    command += ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"{LOOPBACK}:{free_port()}"]
    Process("resolver", command, work)
    return f"{LOOPBACK}:{port}"


def arguments():
    names = [story.name for story in STORIES + DNS01_STORIES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "target/lab/scenarios", help="where logs and time lines go")
    parser.add_argument("--only", choices=names, action="append", help="run only this scenario")
    parser.add_argument("--caddy", choices=install.CADDYS, action="append", help="run only this version")
    parser.add_argument("--at-once", type=int, default=40, help="scenarios side by side; 40 by default")
    parser.add_argument("--keep", action="store_true", help="keep the working directory (storage, configuration, output)")
    return parser.parse_args()


def wanted_of(chosen, cache):
    """Version, binary and story of all that is to be run, and pebble; DNS-01 only where a Caddy for it can be built."""
    debian, pebble = install.debian_packages()
    wanted = []
    for version in chosen.caddy or install.CADDYS:
        is_debian = version == install.OLD_CADDY
        binary = debian if is_debian else install.caddy_of_upstream(version, cache)
        wanted += [(version, binary, story) for story in STORIES]
        if is_debian:
            wanted += [(version, None, story) for story in DNS01_STORIES]
    if chosen.only:
        wanted = [one for one in wanted if one[2].name in chosen.only]
    if all(binary for _, binary, _ in wanted):
        return wanted, pebble
    try:
        built = provider.caddy(cache)
    except install.CannotInstall as problem:
        print(f"  left out: DNS-01, because no Caddy with a provider can be built here\n{problem}", flush=True)
        return [one for one in wanted if one[1]], pebble
    return [(version, binary or built, story) for version, binary, story in wanted], pebble


def record(chosen, work):
    """Runs the scenarios; returns what went wrong, and how many there were."""
    cache = REPOSITORY / "target/lab/cache"
    cache.mkdir(parents=True, exist_ok=True)
    wanted, pebble = wanted_of(chosen, cache)
    lab = Lab(work, chosen.out.resolve(), pebble)
    scenarios = [story(version, binary, lab) for version, binary, story in wanted]
    # The longest first, so that none is left alone at the end.
    scenarios.sort(key=lambda scenario: -scenario.lasts)
    failed = []

    def call(scenario):
        try:
            scenario.run()
        except Exception as error:  # told below, and the exit code says it
            failed.append(f"{scenario.version} {scenario.name}: {error!r}")

    with ThreadPoolExecutor(chosen.at_once) as pool:
        list(pool.map(call, scenarios))
    return failed, len(scenarios)


def main():
    chosen = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="notafter-scenarios-"))
    try:
        failed, count = record(chosen, work)
    finally:
        end_all()
        if chosen.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print("\n".join(failed) or f"{count} scenarios in {time.monotonic() - begun:.0f} s, recorded in {chosen.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
