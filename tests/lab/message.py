"""A message as a person got it, whichever server it was read back from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """`at` is when the server took it (epoch seconds); `loud` means that it is meant to wake somebody."""

    at: float
    loud: bool
    title: str
    body: str

    @property
    def text(self):
        return f"{self.title}\n{self.body}"


def shown(messages, zero):
    """For people: one line and the body each, times in seconds after `zero`."""
    lines = []
    for message in messages:
        title = f"{message.at - zero:+.0f} s {'loud' if message.loud else 'quiet'}: {message.title}"
        lines.append(title + "".join("\n    " + line for line in message.body.splitlines()))
    return "\n".join(lines) or "(no messages)"
