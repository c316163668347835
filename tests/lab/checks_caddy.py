"""Did Caddy do what the experiment needs? Without that the checks of notafter would prove nothing."""

from experiment import BLIPS, DOOMED, LATER, BLIP_LATER, NAMES
from install import NEW_CADDY


def check(report, outcome):
    for name in NAMES:
        _common(report, outcome, name)
    for name in DOOMED:
        _runs_out(report, outcome, name)
    for name in BLIPS:
        _only_blips(report, outcome, name)
    report.check(f"{outcome.version}: Caddy ends in order", outcome.caddy_exit == 0, 0, outcome.caddy_exit)


def announces(version, name):
    """2.11.7 says nothing about the retries of what its maintenance loop began."""
    return version != NEW_CADDY or name not in (LATER, BLIP_LATER)


def _common(report, outcome, name):
    history = outcome.histories[name]
    title = f"{outcome.version}: {name}: "
    told = history.relative(outcome.zero)
    first = history.attempts[0] if history.attempts else None
    report.check(title + "the first attempt fails", bool(first and first.ended and not first.succeeded), "", told)
    maintenance = name in (LATER, BLIP_LATER)
    report.check(title + "origin", history.maintenance == maintenance, f"maintenance: {maintenance}", told)
    told_retry = bool(first and first.announced)
    expected = announces(outcome.version, name)
    report.check(title + "the retry is announced or not", told_retry == expected, f"announced: {expected}", told)
    report.check(title + "recovers", history.done(), "a success and `replaced certificate in cache`", told)
    stored = outcome.renewed_not_after[name]
    later = stored > outcome.not_after[name]
    report.check(title + "a later certificate is in storage", later, f"> {outcome.not_after[name]}", stored)
    logged = history.new_not_after
    report.check(title + "log and storage agree on its end", logged == stored, stored, logged)


def _runs_out(report, outcome, name):
    history, end = outcome.histories[name], outcome.not_after[name]
    title = f"{outcome.version}: {name}: "
    told = f"notAfter {end - outcome.zero:+} s, {history.relative(outcome.zero)}"
    if len(history.attempts) < 2:
        report.check(title + "is tried again", False, "two attempts", told)
        return
    first, second = history.attempts[:2]
    report.check(title + "fails before the end", first.ended is not None and first.ended < end, "before notAfter", told)
    report.check(title + "is tried again only after the end", second.started > end + 1, "after notAfter", told)


def _only_blips(report, outcome, name):
    history, end = outcome.histories[name], outcome.not_after[name]
    results = [attempt.succeeded for attempt in history.attempts]
    title = f"{outcome.version}: {name}: "
    report.check(title + "one failure, then success", results == [False, True], [False, True], results)
    hours = (end - outcome.zero) / 3600
    report.check(title + "hours are left", hours > 6, "> 6 h", f"{hours:.1f} h")
