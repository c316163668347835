"""What must be true of a new user's first minutes, and of a watch of the journal through an outage."""

import re
import time
from collections import Counter

from checks_notafter import keys_of, seconds
from message import shown
from processes import wait_until

MOST_SECONDS = 120
TOLD_WITHIN = 15
TEST = "notafter: this is a test"


def tested(report, story, done, took, arrived):
    """Every line of the README worked, and the test message is on both servers."""
    for line, (code, out, err) in done:
        shown_line = re.sub(r"\s+", " ", line)
        report.check(f"{story}: `{shown_line}`", code == 0, "exit 0", f"exit {code}\n{out}{err}")
    for receiver, messages in arrived.items():
        titles = [message.title for message in messages]
        there = len(titles) == 1 and titles[0].endswith(TEST)
        report.check(f"{story}: {receiver} has the test message", there, TEST, titles)
    print(f"{story}: {took:.1f} s from `apt install` to the test message in ntfy and in a Matrix room")
    report.check(f"{story}: in less than two minutes", took < MOST_SECONDS, f"< {MOST_SECONDS} s", f"{took:.1f} s")


def watching(report, story, machine, took):
    """The service runs, has its groups and tokens, and reads the journal."""
    said = lambda: machine.run("journalctl", "-q", "-o", "cat", "-u", "notafter")[1]
    text = lambda: machine.show("notafter", "StatusText", "ActiveState")
    up = wait_until(lambda: "certificate" in text().get("StatusText", ""), 20)
    active = up and text()["ActiveState"] == "active"
    report.check(f"{story}: the service watches", active, "active", f"{text()}\n{said()}")
    # What follows the journal has then waited for a line, too.
    time.sleep(3)
    complaints = [line for line in said().splitlines() if re.search(r"error|warning|denied|journalctl ended", line)]
    report.check(f"{story}: and complains of nothing", not complaints, "nothing", "\n".join(complaints))
    print(f"{story}: {took:.1f} s from `apt install` to the running service")


def restarted(report, machine, again):
    said = machine.run("journalctl", "-q", "-o", "cat", "-u", "notafter")[1]
    report.check("journal: the watchdog ends a watch that hangs, and it is started again", again, "NRestarts + 1", said)
    report.check("journal: it was the watchdog", "Watchdog timeout" in said, "Watchdog timeout", said)


def lost_nothing(report, story, histories):
    """Each failed attempt of each name was counted once: a lost line or one read twice would change a number."""
    logged = {name: sum(not attempt.succeeded for attempt in one.attempts) for name, one in histories.items()}
    rows = story.recorded()
    closed = [row for row in rows if row["rule"] == "renewal-failing" and row["reason"] == "closed"]
    counted = {row["certificate"]: row["attempts_total"] for row in closed}
    report.check("journal: every failure is counted, none twice", counted == logged, logged, counted)
    recovered = all(history.done() for history in histories.values())
    report.check("journal: all names recover", recovered, "all", {name: one.done() for name, one in histories.items()})
    live, replayed = keys_of(rows), keys_of(story.replayed())
    difference = {"only live": live - replayed, "only replay": replayed - live}
    same = bool(live) and live == replayed
    report.check("journal: a replay of the log as a file gives the same alerts", same, "the same", difference)
    twice = [key for key, count in live.items() if count > 1]
    report.check("journal: no alert is recorded twice", not twice, "each once", twice)


def told(report, story, receiver, messages):
    """Three moments of one name, once each; nothing loud of the names that had hours left."""
    zero = story.zero
    messages = [message for message in messages if not message.title.endswith(TEST)]
    expired = next((row for row in story.recorded() if row["rule"] == "expired"), None)
    seen = shown(messages, zero)
    report.check(f"journal: {receiver}: one certificate expired", expired is not None, "a row", seen)
    if expired is None:
        return
    name, end = expired["certificate"], seconds(expired["not_after"])
    wanted = [
        ("warned before the end", "Caddy tries again only after the certificate has expired", zero, end),
        ("told of the end", "the certificate has expired", end, end + TOLD_WITHIN),
        ("told of the recovery", "renewed, all is well again", end, float("inf")),
    ]
    for what, title, earliest, latest in wanted:
        found = [message.at for message in messages if message.title.endswith(f"{name}: {title}")]
        right = len(found) == 1 and earliest <= found[0] < latest
        report.check(f"journal: {receiver} is {what}, once", right, title, seen)
    others = [message for message in messages if name not in message.title and message.loud]
    report.check(f"journal: {receiver} has nothing loud of the other names", not others, "nothing", shown(others, zero))
    texts = Counter(message.text for message in messages)
    report.check(f"journal: {receiver} has no message twice", max(texts.values(), default=0) == 1, "once", seen)


def alarmed(report, receiver, loud, messages, machine):
    said = machine.run("journalctl", "-q", "-o", "cat", "-u", "notafter")[1]
    seen = f"{shown(messages, 0)}\n{said}"
    report.check(f"docker: {receiver} is warned of the certificate in the container", bool(loud), "a loud message", seen)
