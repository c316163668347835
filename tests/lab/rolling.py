"""Requests fill the log until Caddy rolls it, in the middle of an outage."""

import http.client

from processes import LOOPBACK
from scenario import MIDDLE, Closed, text

VISITED = "visited.example.test"
# Rolls are of whole MiB; so long a path makes few lines of it, which compress to nearly nothing.
PATH = "/" + "x" * 16_000
ENOUGH = 200


class Rolling(Closed):
    name = "rolling"

    def output(self):
        return "roll_size 1MiB"

    def blocks(self):
        return super().blocks() + f"\nhttp://{VISITED} {{\n\tlog\n\trespond ok\n}}\n"

    def moments(self):
        return [(second, "requests until the log is rolled", self._fill) for second in (10, MIDDLE)]

    def rolled(self):
        return sorted(self.caddy.log.parent.glob("caddy-*.log*"))

    def _fill(self):
        before = len(_names(self.rolled()))
        for _ in range(ENOUGH):
            connection = http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=10)
            connection.request("GET", PATH, headers={"Host": VISITED})
            connection.getresponse().read()
            connection.close()
            if len(_names(self.rolled())) > before:
                return
        raise RuntimeError(f"{ENOUGH} requests did not fill a log of 1 MiB")

    def kept(self):
        return {**super().kept(), **{file.name: file for file in self.rolled()}}

    def histories(self, log, ends, names=None):
        whole = self.directory / "whole.log"
        whole.write_text("".join(text(file) for file in (*self.rolled(), log)))
        return super().histories(whole, ends, names)


def _names(files):
    """A log that is just being compressed is there twice."""
    return {file.name.removesuffix(".gz") for file in files}
