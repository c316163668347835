"""What a person got: the messages that the real servers took, as read back from them."""

import re
from collections import Counter

from experiment import BLIPS, DOOMED
from message import shown

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
    for receiver, messages in outcome.messages.items():
        _received(report, outcome, receiver, messages)
    # Matrix has the severity in front of the title, ntfy as a priority.
    titles = {
        receiver: sorted(re.sub(r"^[A-Z]+: ", "", message.title) for message in messages)
        for receiver, messages in outcome.messages.items()
    }
    first, *others = titles.values()
    same = all(other == first for other in others)
    report.check(f"{outcome.version}: all receivers were told the same", same, "the same titles", titles)


def _received(report, outcome, receiver, messages):
    title = f"{outcome.version}: {receiver}: "
    if not messages:
        report.check(title + "got messages", False, "some", "none", outcome.watcher_said)
        return
    for name in DOOMED:
        _doomed(report, outcome, receiver, name, messages)
    for name in BLIPS:
        loud = [message for message in about(messages, name, of_trouble) if message.loud]
        report.check(title + f"no loud message of {name}", not loud, "quiet at most", shown(loud, outcome.zero))
    texts = Counter(message.text for message in messages)
    twice = [text for text, count in texts.items() if count > 1]
    everything = shown(messages, outcome.zero)
    report.check(title + "no message twice", not twice, "each once", "\n".join(twice), everything)


def about(messages, name, part=lambda message: message.text):
    """Messages that mention the name itself, not a longer one that ends in it."""
    whole = re.compile(r"(?<![\w.-])" + re.escape(name) + r"(?![\w-])")
    return [message for message in messages if whole.search(part(message))]


def of_trouble(message):
    """What a message says without the names that are well again, which a loud one about others may list."""
    return re.sub(r"^Well again since the last message: .*$", "", message.text, flags=re.MULTILINE)


def _doomed(report, outcome, receiver, name, messages):
    end, zero = outcome.not_after[name], outcome.zero
    recovered = outcome.histories[name].recovered_at
    mine = about(messages, name)
    seen = shown(mine, zero) if mine else "none names it; all:\n" + shown(messages, zero)
    title = f"{outcome.version}: {receiver}: {name}: "
    warned = [m for m in mine if WARNS.search(m.text) and m.at < end]
    expected = f"a message of the retry after expiry before {end - zero:+} s"
    report.check(title + "warned before the end", bool(warned), expected, seen, outcome.watcher_said)
    loud = any(message.loud for message in warned)
    report.check(title + "warned loudly", loud, "a loud message", seen)
    expired = [m for m in mine if EXPIRED.search(m.text) and end <= m.at <= end + EXPIRY_TOLD_WITHIN]
    expected = f"a message that it expired, {end - zero:+} s to {end - zero + EXPIRY_TOLD_WITHIN:+} s"
    report.check(title + "told of the end", bool(expired), expected, seen, outcome.watcher_said)
    if recovered is None:
        return
    closing = [m for m in mine if CLOSES.search(m.text) and m.at >= int(recovered)]
    expected = f"a closing message after {recovered - zero:+.0f} s"
    report.check(title + "told of the recovery", bool(closing), expected, seen, outcome.watcher_said)
