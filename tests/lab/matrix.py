#!/usr/bin/env python3
"""Has notafter write into the rooms of a real Matrix homeserver, and reads back what arrived. See README.md."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import install
from lossy import Lossy
from processes import LOOPBACK, Process, end_all, run, wait_until
from report import Report
from synapse import Synapse

REPOSITORY = Path(__file__).resolve().parents[2]
HOSTILE = "<script>alert('1')</script> @room `x`"
ENCRYPTED = "is encrypted and notafter does not encrypt; use an unencrypted room"
BURST = [f"host.burst-{number:02}.test" for number in range(14)]


class Lab:
    """The homeserver with its rooms, and the watcher with its log."""

    def __init__(self, binary, python, work):
        self.binary = binary
        self.directory = work / "notafter"
        self.directory.mkdir()
        self.log = self.directory / "caddy.log"
        self.log.touch()
        self.synapse = Synapse(python, work / "synapse")
        self.watcher = None
        self.lossy = None

    def prepare(self):
        synapse = self.synapse
        synapse.start()
        self.reader, self.bot = synapse.register("reader"), synapse.register("bot")
        self.plain = synapse.create_room(self.reader, invite=["bot"])
        self.aliased = synapse.create_room(self.reader, alias="ops", invite=["bot"])
        self.encrypted = synapse.create_room(self.reader, encrypted=True, invite=["bot"])
        self.closed = synapse.create_room(self.reader)
        for room in (self.plain, self.aliased, self.encrypted):
            synapse.join(self.bot, room)
        (self.directory / "matrix.token").write_text(self.bot + "\n")
        self.lossy = Lossy(synapse.port)
        # Each name is told of on its own, so that messages can be counted.
        settings, token = '[alerts]\ngroup = "name"\n', self.directory / "matrix.token"
        for name, port, room in [
            ("plain", self.lossy.port, self.plain),
            ("alias", synapse.port, "#ops:localhost"),
            ("secret", synapse.port, self.encrypted),
        ]:
            url = f"matrix://{LOOPBACK}:{port}/{room}"
            settings += f'[[channel]]\nname = "{name}"\nurl = "{url}"\ntoken_file = "{token}"\n'
        (self.directory / "notafter.toml").write_text(settings)

    def start(self):
        command = [self.binary, "watch", self.log, "--config", "notafter.toml", "--state", self.directory / "state"]
        self.watcher = Process("notafter", command, self.directory, self._environment())

    def said(self):
        return self.watcher.stderr.read_text(errors="replace")

    def test(self, *arguments, token=None):
        """`notafter notify test`; returns the exit code and what it printed."""
        environment = {**self._environment(), "NOTAFTER_TOKEN": token or ""}
        command = [self.binary, "notify", "test", *arguments]
        code, out, err = run(command, self.directory, environment)
        return code, out + err

    def arrived(self, room):
        """The contents of the bot's messages."""
        events = self.synapse.messages(self.reader, room)
        return [event["content"] for event in events if event["sender"] == "@bot:localhost"]

    def about(self, room, name):
        return [content for content in self.arrived(room) if name in content["body"].splitlines()[0]]

    def fails(self, *names):
        """Each name's attempt 29 fails with an hour of life left; the announced wait is six."""
        now, text = time.time(), ""
        for name in names:
            error = f"[{name}] Renew: [{name}] solving challenges: presenting for challenge: could not determine zone"
            error += f' for domain "_acme-challenge.{name}": unexpected response code \'SERVFAIL\' for'
            error += f" _acme-challenge.{name}. {HOSTILE} (order=https://acme-v02.api.letsencrypt.org/acme/order/1/2)"
            error += " (ca=https://acme-v02.api.letsencrypt.org/directory)"
            retry = {"error": error, "attempt": 29, "retrying_in": 21600, "elapsed": 151329.06, "max_duration": 2592000}
            text += _line("info", now, "renewing certificate", {"identifier": name, "remaining": 3600.5})
            text += _line("error", now + 0.001, "will retry", retry)
        self._append(text)

    def recovers(self, name):
        now = time.time()
        issuer = {"identifier": name, "issuer": "acme-v02.api.letsencrypt.org-directory"}
        installed = {"subjects": [name], "new_expiration": int(now) + 7_776_001}
        text = _line("info", now, "renewing certificate", {"identifier": name, "remaining": 3500.5})
        text += _line("info", now + 0.001, "certificate renewed successfully", issuer)
        text += _line("info", now + 0.002, "replaced certificate in cache", installed, "tls.cache")
        self._append(text)

    def _append(self, text):
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(text)

    def _environment(self):
        directory = str(self.directory)
        return {"HOME": directory, "XDG_RUNTIME_DIR": directory, "NO_PROXY": LOOPBACK}


def _line(level, stamp, message, fields, logger="tls.renew"):
    entry = {"level": level, "ts": stamp, "logger": logger, "msg": message, **fields}
    return json.dumps(entry, separators=(",", ":")) + "\n"


def check_test_verb(report, lab):
    synapse, token = lab.synapse, lab.bot
    for title, room, token, code, words in [
        ("into a room by its id", lab.plain, token, 0, ": delivered"),
        ("into a room by its alias", "#ops:localhost", token, 0, ": delivered"),
        ("into an encrypted room", lab.encrypted, token, 69, ENCRYPTED),
        ("into a room it is not in", lab.closed, token, 69, "is not in the room"),
        ("into a room that is not there", "#nope:localhost", token, 69, "knows no room #nope:localhost"),
        ("with a token nobody knows", lab.plain, "syt_nobody", 69, "does not know the access token (401)"),
        ("without a token", lab.plain, None, 2, "set NOTAFTER_TOKEN"),
    ]:
        seen, said = lab.test("--notify", synapse.channel(room), token=token)
        report.check(f"notify test {title} exits {code}", seen == code, code, seen, said)
        report.check(f"notify test {title} says so", words in said, words, said)
    for room in (lab.plain, lab.aliased):
        kinds = [(content["msgtype"], content["body"].splitlines()[0]) for content in lab.arrived(room)]
        expected = [("m.notice", "INFO: notafter: this is a test")]
        report.check("the test is one notice", kinds == expected, expected, kinds)
    code, said = lab.test("plain", "--config", "notafter.toml")
    report.check("notify test of a configured channel exits 0", code == 0, 0, code, said)


def check_alert(report, lab):
    name = "first.alert-1.test"
    lab.start()
    report.check("the log is read", wait_until(lambda: "read to the end" in lab.said(), 20), seen=lab.said())
    lab.fails(name)
    for room in (lab.plain, lab.aliased):
        wait_until(lambda room=room: lab.about(room, name), 20)
        found = lab.about(room, name)
        report.check("an alert arrives once", len(found) == 1, 1, found, lab.said())
        if not found:
            continue
        _check_content(report, found[0], name)
    wait_until(lambda: ENCRYPTED in lab.said(), 10)
    words = f"error: secret: the room {lab.encrypted} {ENCRYPTED}"
    report.check("the encrypted room is refused in words", words in lab.said(), words, lab.said())
    report.check("nothing is written into it", not lab.arrived(lab.encrypted), "nothing", lab.arrived(lab.encrypted))


def _check_content(report, content, name):
    body, html = content["body"], content.get("formatted_body", "")
    report.check("its type is m.text", content["msgtype"] == "m.text", "m.text", content["msgtype"])
    report.check("its body begins with the severity", body.startswith(f"CRITICAL: {name}: "), "CRITICAL: ...", body)
    report.check("its body is plain text", HOSTILE in body and "&lt;" not in body, HOSTILE, body)
    report.check("its format is HTML", content.get("format") == "org.matrix.custom.html", seen=content.get("format"))
    bold = f"<p><strong>CRITICAL: {name}: "
    report.check("the title is bold", html.startswith(bold), bold, html)
    code = html.partition("<pre><code>")[2].partition("</code></pre>")[0]
    report.check("the line is quoted as code", "will retry" in code and "&lt;script&gt;" in code, "a log line", html)
    report.check("no strange HTML is left", "<script" not in html, "none", html)
    report.check("nobody is mentioned", content.get("m.mentions") == {}, {}, content.get("m.mentions"))


def check_lost_replies(report, lab):
    """What the homeserver took without our hearing of it is sent again, and seen once."""
    name = "host.lost-1.test"
    lab.lossy.lose = 2
    lab.fails(name)
    wait_until(lambda: lab.lossy.lost == 2, 40)
    # The third try comes 10 to 12 seconds after the second.
    time.sleep(14)
    retried = lab.said().count("plain: the request failed")
    report.check("two replies were lost and tried again", retried == 2, 2, retried, lab.said())
    found = lab.about(lab.plain, name)
    report.check("three deliveries are one message", len(found) == 1, 1, len(found), lab.said())


def check_kills(report, lab):
    """Killed at different moments after a line: each alert is there once, also after the restart."""
    for number, pause in enumerate((0.02, 0.1, 0.25, 1.0)):
        name = f"host.killed-{number}.test"
        lab.fails(name)
        time.sleep(pause)
        lab.watcher.end(signal.SIGKILL)
        lab.start()
        for room in (lab.plain, lab.aliased):
            wait_until(lambda room=room, name=name: lab.about(room, name), 30)
    lab.recovers("first.alert-1.test")
    closing = "RESOLVED: first.alert-1.test"
    wait_until(lambda: any(c["body"].startswith(closing) for c in lab.arrived(lab.plain)), 30)
    time.sleep(3)
    for room in (lab.plain, lab.aliased):
        titles = [content["body"].splitlines()[0] for content in lab.arrived(room)]
        for number in range(4):
            count = sum(f"killed-{number}" in title for title in titles)
            report.check(f"alert {number} is there once after kill -9", count == 1, 1, titles, lab.said())
        resolved = [content for content in lab.arrived(room) if content["body"].startswith(closing)]
        report.check("the recovery is told once", len(resolved) == 1, 1, titles, lab.said())
        kinds = {content["msgtype"] for content in resolved}
        report.check("the recovery is m.text", kinds == {"m.text"}, "m.text", kinds)


def check_burst(report, lab):
    lab.fails(*BURST)
    for room in (lab.plain, lab.aliased):
        wait_until(lambda room=room: len(_burst(lab, room)) >= len(BURST), 120, pause=1)
    time.sleep(2)
    for room in (lab.plain, lab.aliased):
        seen = _burst(lab, room)
        report.check("a burst arrives in order, each once", seen == BURST, BURST, seen, lab.watcher.said(30))
    limited = lab.said().count("asks us to slow down (429)")
    report.check("the homeserver did ask to slow down", limited > 0, "429", "never", lab.watcher.said(30))


def _burst(lab, room):
    titles = [content["body"].splitlines()[0] for content in lab.arrived(room)]
    return [title.split(": ")[1] for title in titles if ".burst-" in title]


def check_end(report, lab):
    code = lab.watcher.end()
    report.check("SIGTERM ends it in order", code == 0, 0, code, lab.watcher.said())
    leaks = []
    for path in lab.directory.rglob("*"):
        if path.is_file() and path.name != "matrix.token" and lab.bot.encode() in path.read_bytes():
            leaks.append(path.name)
    report.check("the token is in no file but its own", not leaks, "none", leaks)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notafter", type=Path, required=True, help="the binary to test")
    parser.add_argument("--keep", action="store_true", help="keep the working directory and say where it is")
    chosen = parser.parse_args()
    # So that `finally` below ends the processes also when this one is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o022)
    work = Path(tempfile.mkdtemp(prefix="notafter-matrix-"))
    report, lab = Report(), None
    try:
        cache = REPOSITORY / "target/lab/cache"
        cache.mkdir(parents=True, exist_ok=True)
        lab = Lab(chosen.notafter.resolve(), install.synapse(cache), work)
        lab.prepare()
        for check in (check_test_verb, check_alert, check_lost_replies, check_kills, check_burst, check_end):
            check(report, lab)
    except install.CannotInstall as problem:
        report.check("the homeserver is there", False, "installed", problem)
    except RuntimeError as problem:
        report.check("the homeserver does its part", False, "no error", problem)
    finally:
        end_all()
        if lab and lab.lossy:
            lab.lossy.close()
        if chosen.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(report.last_line())
    return 0 if report.failed == 0 and report.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
