"""What a person got: the messages the real ntfy server took."""

import re
from collections import Counter

import ntfy
from experiment import BLIPS, DOOMED

# Wide on purpose: the wording may change, the meaning not. All are looked for in title and body.
WARNS = re.compile(
    r"(retr|attempt|tr(y|ies) again|next try).*(after|later than|past|beyond|too late).*(expir|notafter|ends|runs out)"
    r"|(expir|notafter|ends|runs out).*before.*(retr|attempt|tr(y|ies) again|next try)"
    r"|retry-after-expiry",
    re.IGNORECASE | re.DOTALL,
)
EXPIRED = re.compile(r"\b(has|have|is|are)? ?expired\b|\bran out\b", re.IGNORECASE)
CLOSES = re.compile(r"\b(resolved|recovered|renewed|closed|over|healthy)\b", re.IGNORECASE)
EXPIRY_TOLD_WITHIN = 30


def check(report, outcome):
    if not outcome.messages:
        report.check(f"{outcome.version}: ntfy got messages", False, "some", "none", outcome.watcher_said)
        return
    for name in DOOMED:
        _doomed(report, outcome, name)
    for name in BLIPS:
        loud = [message for message in about(outcome.messages, name) if message.get("priority", 3) >= ntfy.LOUD]
        seen = shown(loud, outcome.zero)
        report.check(f"{outcome.version}: {name}: no loud message", not loud, "priority 3 at most", seen)
    texts = Counter((message.get("title"), message.get("message")) for message in outcome.messages)
    twice = [text for text, count in texts.items() if count > 1]
    seen = "\n".join(map(str, twice))
    everything = shown(outcome.messages, outcome.zero)
    report.check(f"{outcome.version}: no message twice", not twice, "each once", seen, everything)


def about(messages, name):
    """Messages that mention the name itself, not a longer one that ends in it."""
    whole = re.compile(r"(?<![\w.-])" + re.escape(name) + r"(?![\w-])")
    return [message for message in messages if whole.search(_text(message))]


def shown(messages, zero):
    lines = []
    for message in messages:
        title = f"{message['time'] - zero:+} s priority {message.get('priority', 3)}: {message.get('title')}"
        lines.append(title + "".join("\n    " + line for line in message.get("message", "").splitlines()))
    return "\n".join(lines) or "(no messages)"


def _text(message):
    return f"{message.get('title', '')}\n{message.get('message', '')}"


def _doomed(report, outcome, name):
    end, zero = outcome.not_after[name], outcome.zero
    recovered = outcome.histories[name].recovered_at
    mine = about(outcome.messages, name)
    seen = shown(mine, zero) if mine else "none names it; all:\n" + shown(outcome.messages, zero)
    title = f"{outcome.version}: {name}: ntfy "
    warned = [m for m in mine if WARNS.search(_text(m)) and m["time"] < end]
    expected = f"a message of the retry after expiry before {end - zero:+} s"
    report.check(title + "was warned before the end", bool(warned), expected, seen, outcome.watcher_said)
    loud = any(m.get("priority", 3) >= ntfy.LOUD for m in warned)
    report.check(title + "was warned loudly", loud, f"priority >= {ntfy.LOUD}", seen)
    expired = [m for m in mine if EXPIRED.search(_text(m)) and end <= m["time"] <= end + EXPIRY_TOLD_WITHIN]
    expected = f"a message that it expired, {end - zero:+} s to {end - zero + EXPIRY_TOLD_WITHIN:+} s"
    report.check(title + "was told of the end", bool(expired), expected, seen, outcome.watcher_said)
    if recovered is None:
        return
    closing = [m for m in mine if CLOSES.search(_text(m)) and m["time"] >= int(recovered)]
    expected = f"a closing message after {recovered - zero:+.0f} s"
    report.check(title + "was told of the recovery", bool(closing), expected, seen, outcome.watcher_said)
