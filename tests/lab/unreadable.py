"""Caddy's log is private by default: what does a watcher do that may not read it?"""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass

from processes import wait_until
from watcher import Watcher

NOBODY = 65534
NAME = "private.example.test"
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
HINTS = {
    "permission is denied": r"permission denied|denied permission|may not (be )?read|not permitted",
    "`mode 0640`": r"mode\s+0?640",
    "the group caddy": r"group\W+caddy|caddy\W+group|usermod.*\bcaddy\b|SupplementaryGroups\s*=\s*caddy",
    "the journal": r"journal",
}


@dataclass
class Result:
    log: str
    alive: bool
    said: str
    knows_after: bool
    exit: int
    said_at_end: str
    problems: list


def watch_as_nobody(binary, directory):
    """Starts on a log of mode 0600, opens it later, stops."""
    if os.geteuid() != 0:
        raise RuntimeError("this part needs root: it starts notafter as another user")
    logs = directory / "log"
    logs.mkdir(parents=True)
    os.chown(directory, NOBODY, NOBODY)
    # A copy, because the build directory may be closed to others. Another thread that forks while this
    # process holds it open for writing would make it busy, so another one writes it.
    program = directory / "notafter-copy"
    subprocess.run(["install", "-m", "755", str(binary), str(program)], check=True)
    log = logs / "caddy.log"
    log.write_text(_failing_renewal(time.time()))
    log.chmod(0o600)
    watcher = Watcher(program, directory, log, before=AS_NOBODY)
    os.chown(watcher.state, NOBODY, NOBODY)
    watcher.start()
    process = watcher.process
    wait_until(lambda: not process.running() or log.name in process.stderr.read_text(errors="replace"), 15)
    time.sleep(5)
    alive, said = process.running(), process.stderr.read_text(errors="replace")
    log.chmod(0o644)
    problems = []
    knows = alive and wait_until(lambda: _knows(watcher, problems), 45, pause=2)
    return Result(str(log), alive, said, knows, process.end(), process.said(), problems)


def _knows(watcher, problems):
    problems.clear()
    return any(NAME in json.dumps(row) for row in watcher.status(problems))


def check(report, result):
    title = "unreadable log: "
    report.check(title + "keeps running", result.alive, "running", f"exit {result.exit}", result.said_at_end)
    names_file = result.log in result.said
    report.check(title + "stderr names the file", names_file, result.log, result.said or "(nothing)")
    for what, pattern in HINTS.items():
        found = re.search(pattern, result.said, re.IGNORECASE)
        report.check(f"{title}stderr mentions {what}", bool(found), pattern, result.said or "(nothing)")
    context = result.said_at_end + "\n" + "\n".join(result.problems)
    expected = f"{NAME} in status --json"
    report.check(title + "is read after chmod 0644", result.knows_after, expected, "not there", context)
    report.check(title + "SIGTERM ends it in order", result.exit == 0, 0, result.exit, result.said_at_end)


def _failing_renewal(now):
    """The lines of one failed attempt, as Caddy 2.6.2 writes them; the certificate has 20 days left."""
    issuer = "acme-v02.api.letsencrypt.org-directory"
    refused = f"[{NAME}] Renew: provisioning client: performing request: dial tcp: connect: connection refused"
    lines = [
        ("info", "tls.cache.maintenance", "started background certificate maintenance", {"cache": "0xc000188000"}),
        ("info", "tls.renew", "acquiring lock", {"identifier": NAME}),
        ("info", "tls.renew", "lock acquired", {"identifier": NAME}),
        ("info", "tls.renew", "renewing certificate", {"identifier": NAME, "remaining": 1_728_000.5}),
        (
            "error",
            "tls.renew",
            "could not get certificate from issuer",
            {"identifier": NAME, "issuer": issuer, "error": refused.removeprefix(f"[{NAME}] Renew: ")},
        ),
        (
            "error",
            "tls.renew",
            "will retry",
            {"error": refused, "attempt": 1, "retrying_in": 60, "elapsed": 0.52, "max_duration": 2_592_000},
        ),
    ]
    text = ""
    for number, (level, logger, message, fields) in enumerate(lines):
        entry = {"level": level, "ts": now - 1 + number / 10, "logger": logger, "msg": message, **fields}
        text += json.dumps(entry, separators=(",", ":")) + "\n"
    return text
