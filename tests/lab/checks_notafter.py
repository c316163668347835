"""Did notafter tell the truth, in time, once? Compared with Caddy's log, openssl and the ntfy server."""

import json
from collections import Counter
from datetime import datetime

import checks_caddy
import checks_messages
from caddy import RENEW_INTERVAL
from experiment import BLIPS, DOOMED, NAMES

LOUD = ("warning", "critical")
ANNOUNCED_WITHIN = 1.5  # the row is in whole seconds
MISSION = "retry-after-expiry"


def check(report, outcome):
    _process(report, outcome)
    for name in DOOMED:
        _mission(report, outcome, name)
        _next_retry(report, outcome, name)
        _expired(report, outcome, name)
    for name in BLIPS:
        _quiet(report, outcome, name)
    _opened_once_and_closed(report, outcome)
    _replay_agrees(report, outcome)
    _status(report, outcome)
    checks_messages.check(report, outcome)


def seconds(text):
    """Epoch seconds of a row's time, or None."""
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def shown(rows, zero):
    """Rows for people: one line each, times relative to Caddy's start."""
    lines = []
    for row in rows:
        at = seconds(row.get("at"))
        moment = "at unknown" if at is None else f"{at - zero:+.0f} s"
        keys = ("rule", "certificate", "severity", "status", "reason", "next_retry_source", "next_retry", "cause")
        lines.append(f"{moment} " + " ".join(f"{key}={row.get(key)}" for key in keys))
    return "\n".join(lines) or "(no rows)"


def _of(outcome, name, rule=None, reason=None):
    return [
        row
        for row in outcome.rows
        if row.get("certificate") == name
        and (rule is None or row.get("rule") == rule)
        and (reason is None or row.get("reason") == reason)
    ]


def _process(report, outcome):
    title = f"{outcome.version}: notafter "
    said, code, printed = outcome.watcher_said, outcome.watcher_exit, outcome.watcher_stdout
    report.check(title + "runs until it is told to end", not outcome.watcher_died, "running", "ended by itself", said)
    report.check(title + "exits 0 on SIGTERM", code == 0, 0, code, said)
    report.check(title + "prints nothing on stdout", not printed, "(nothing)", printed[:1000])
    report.check(title + "answers readably", not outcome.problems, "no problems", "\n".join(outcome.problems))


def _mission(report, outcome, name):
    title = f"{outcome.version}: {name}: {MISSION} "
    end, zero = outcome.not_after[name], outcome.zero
    opened = _of(outcome, name, MISSION, "opened")
    seen = shown(_of(outcome, name), zero)
    report.check(title + "opens exactly once", len(opened) == 1, 1, seen, outcome.watcher_said)
    if not opened:
        return
    row = opened[0]
    failed = outcome.histories[name].attempts[0].ended
    at = seconds(row.get("at"))
    at_failure = at is not None and int(failed) <= at <= failed + 1 and at < end
    expected = f"{failed - zero:+.1f} s, before {end - zero:+} s"
    report.check(title + "opens at the failed attempt", at_failure, expected, seen)
    facts = {key: row.get(key) for key in ("severity", "status", "not_after", "cause")}
    facts["not_after"] = seconds(facts["not_after"])
    expected = {"severity": "critical", "status": "firing", "not_after": float(end), "cause": "ca.unreachable"}
    report.check(title + "knows the facts", facts == expected, expected, facts)
    report.check(title + "shows its evidence", bool(row.get("evidence")), "lines", json.dumps(row)[:1500])


def _next_retry(report, outcome, name):
    opened = _of(outcome, name, MISSION, "opened")
    attempts = outcome.histories[name].attempts
    if not opened or len(attempts) < 2:
        return
    announced = checks_caddy.announces(outcome.version, name)
    source = "announced" if announced else "predicted"
    within = ANNOUNCED_WITHIN if announced else RENEW_INTERVAL
    title = f"{outcome.version}: {name}: next retry "
    row = opened[0]
    report.check(title + f"is {source}", row.get("next_retry_source") == source, source, row.get("next_retry_source"))
    told, truth = seconds(row.get("next_retry")), attempts[1].started
    near = told is not None and abs(truth - told) <= within
    expected = f"{truth - outcome.zero:+.1f} s, +- {within} s"
    report.check(title + "comes when told", near, expected, "null" if told is None else f"{told - outcome.zero:+.1f} s")


def _expired(report, outcome, name):
    opened = _of(outcome, name, "expired", "opened")
    end = outcome.not_after[name]
    right = len(opened) == 1 and seconds(opened[0].get("at")) == end
    title = f"{outcome.version}: {name}: expired opens once, at notAfter"
    seen = shown(_of(outcome, name), outcome.zero)
    report.check(title, right, f"{end - outcome.zero:+} s", seen, outcome.watcher_said)


def _quiet(report, outcome, name):
    mine = _of(outcome, name)
    # Otherwise silence would only prove that nobody looked.
    report.check(f"{outcome.version}: {name}: the failure is noticed", bool(mine), "rows of severity info", "(no rows)")
    loud = [row for row in mine if row.get("severity") in LOUD]
    report.check(f"{outcome.version}: {name}: nothing loud", not loud, "info at most", shown(loud, outcome.zero))


def _opened_once_and_closed(report, outcome):
    about = [row for row in outcome.rows if row.get("certificate") in NAMES]
    title = f"{outcome.version}: alerts: "
    opened = Counter((row["rule"], row["certificate"]) for row in about if row.get("reason") == "opened")
    twice = [key for key, count in opened.items() if count > 1]
    report.check(title + "none opens twice", not twice, "once each", twice, shown(about, outcome.zero))
    same = Counter((row.get("id"), row.get("reason"), row.get("at")) for row in about)
    doubled = [key for key, count in same.items() if count > 1]
    report.check(title + "no row is recorded twice", not doubled, "once each", doubled, shown(about, outcome.zero))
    last = {row.get("id"): row for row in about}
    left = [row for row in last.values() if row.get("status") != "resolved" or row.get("reason") != "closed"]
    seen = shown(left, outcome.zero)
    report.check(title + "all are closed at the end", not left, "closed", seen, outcome.watcher_said)
    early = []
    for row in about:
        recovered = outcome.histories[row["certificate"]].recovered_at
        doomed = row["rule"] in (MISSION, "expired") and row.get("reason") == "closed"
        if doomed and (recovered is None or (seconds(row.get("at")) or 0) < int(recovered)):
            early.append(row)
    report.check(title + "none closes before the renewal", not early, "after recovery", shown(early, outcome.zero))


def keys_of(rows):
    """What live and replay must have in common."""
    about = [row for row in rows if row.get("certificate") is not None]
    return Counter((row.get("rule"), row.get("certificate"), row.get("at"), row.get("reason")) for row in about)


def _replay_agrees(report, outcome):
    live, replayed = keys_of(outcome.rows), keys_of(outcome.replayed)
    difference = [f"only live:   {key}" for key in (live - replayed).elements()]
    difference += [f"only replay: {key}" for key in (replayed - live).elements()]
    agrees = bool(live) and not difference
    seen = "\n".join(difference) or "no rows at all"
    report.check(f"{outcome.version}: replay gives the alerts of watch", agrees, f"{sum(live.values())} rows", seen)


def _status(report, outcome):
    for name in NAMES:
        rows = [row for row in outcome.status if row.get("name") == name]
        expected = [("healthy", float(outcome.renewed_not_after[name]))]
        seen = [(row.get("state"), seconds(row.get("not_after"))) for row in rows]
        report.check(f"{outcome.version}: {name}: status is healthy with the new end", seen == expected, expected, seen)
