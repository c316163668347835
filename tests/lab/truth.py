"""What really happened, read from Caddy's log by a reader of the lab's own.

It shares nothing with the program under test: a few exact messages, the JSON encoder only, no prediction.
"""

import json
import re
from dataclasses import asdict, dataclass, field

BEGUN = ("renewing certificate", "obtaining certificate")
SUCCEEDED = ("certificate renewed successfully", "certificate obtained successfully")
BRACKETED = re.compile(r"^\[([^\]]+)\]")


@dataclass
class Attempt:
    """One attempt; `announced` is the moment of the next one if Caddy told it."""

    started: float
    ended: float | None = None
    succeeded: bool = False
    announced: float | None = None


@dataclass
class History:
    """What the log says of one name."""

    name: str
    maintenance: bool = False
    attempts: list = field(default_factory=list)
    replaced_at: float | None = None
    new_not_after: int | None = None

    @property
    def recovered_at(self):
        return next((attempt.ended for attempt in self.attempts if attempt.succeeded), None)

    def done(self):
        return self.recovered_at is not None and self.replaced_at is not None

    def relative(self, zero):
        """For people and timeline.json: seconds after `zero`."""

        def shift(value):
            return None if value is None else round(value - zero, 3)

        attempts = [
            {key: value if isinstance(value, bool) else shift(value) for key, value in asdict(attempt).items()}
            for attempt in self.attempts
        ]
        return {
            "origin": "maintenance" if self.maintenance else "start",
            "attempts": attempts,
            "recovered": shift(self.recovered_at),
            "replaced": shift(self.replaced_at),
        }


def entries(log):
    """The decoded lines; a last line that is still being written is left out."""
    with open(log, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def rows(text):
    """The alerts of JSON Lines that notafter wrote."""
    decoded = [json.loads(line) for line in text.splitlines()]
    return [row for row in decoded if row["type"] == "alert"]


def read(log, names):
    """Histories by name."""
    histories = {name: History(name) for name in names}
    for entry in entries(log):
        for name in _names(entry):
            if name in histories:
                _take(histories[name], entry)
    return histories


def _names(entry):
    if "identifier" in entry:
        return [entry["identifier"]]
    for key in ("identifiers", "subjects"):
        if key in entry:
            return entry[key]
    bracketed = BRACKETED.match(entry.get("error", ""))
    return [bracketed.group(1)] if bracketed else []


def _take(history, entry):
    message, moment, attempts = entry["msg"], entry["ts"], history.attempts
    if message == "attempting certificate renewal" and not attempts:
        history.maintenance = True
    elif message in BEGUN:
        attempts.append(Attempt(moment))
    elif message == "could not get certificate from issuer" and attempts:
        attempts[-1].ended = moment
    elif message == "releasing lock" and attempts and attempts[-1].ended is None:
        # Whoever held it died without a word.
        attempts[-1].ended = moment
    elif message == "will retry" and attempts:
        attempts[-1].announced = moment + entry["retrying_in"]
    elif message in SUCCEEDED and attempts:
        attempts[-1].ended = moment
        attempts[-1].succeeded = True
    elif message == "replaced certificate in cache":
        history.replaced_at = moment
        # Caddy counts the last second in: its "expiration" is notAfter + 1.
        history.new_not_after = entry["new_expiration"] - 1
