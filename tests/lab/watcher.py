"""The program under test: `notafter watch`, `status` and `replay` as separate processes."""

import json

from processes import LOOPBACK, Process, run


class Watcher:
    """One `notafter watch` with a state directory of its own; start() again continues it."""

    def __init__(self, binary, directory, log, receivers=(), before=(), environment=None):
        self.binary = binary
        self.directory = directory
        self.log = log
        self.receivers = receivers
        self.before = list(before)
        self.environment = environment or {}
        self.state = directory / "state"
        self.record = directory / "record.jsonl"
        self.process = None
        self.state.mkdir(parents=True, exist_ok=True)

    def start(self):
        command = [*self.before, self.binary, "watch", self.log, "--state", self.state, "--record", self.record]
        for receiver in self.receivers:
            command += ["--notify", receiver.channel]
        tokens = {"NOTAFTER_TOKEN": one.token for one in self.receivers if one.token}
        self.process = Process("notafter", command, self.directory, {**self._environment(), **tokens})

    def recorded(self, problems):
        """The alert rows it committed, in order, over all its lives."""
        try:
            text = self.record.read_text()
        except OSError as error:
            problems.append(f"no record: {error}")
            return []
        return [row for row in _rows(text, "--record", problems) if row.get("type", "alert") == "alert"]

    def status(self, problems):
        command = [*self.before, self.binary, "status", "--json", "--state", self.state]
        rows = self._ask(command, "status --json", problems)
        return [row for row in rows if row.get("type") == "certificate"]

    def replay(self, problems):
        command = [*self.before, self.binary, "replay", "--format", "json", self.log]
        return [row for row in self._ask(command, "replay", problems) if row.get("type") == "alert"]

    def _ask(self, command, what, problems):
        code, out, err = run(command, self.directory, self._environment())
        if code != 0:
            problems.append(f"{what} exited {code}: {err.strip()[-1000:]}")
        return _rows(out, what, problems)

    def _environment(self):
        """Its runtime directory lies in the lab, as under systemd it lies in a directory of its own."""
        directory = str(self.state)
        places = {"HOME": directory, "XDG_RUNTIME_DIR": directory, "RUNTIME_DIRECTORY": directory}
        return {**places, "NO_PROXY": LOOPBACK, **self.environment}


def _rows(text, what, problems):
    """JSON Lines, or one JSON array; anything else is a problem."""
    text = text.strip()
    try:
        if text.startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        problems.append(f"{what} is not JSON Lines: {error}: {text[:300]}")
        return []
