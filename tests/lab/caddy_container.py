"""A real Caddy in a container, whose CA is down and whose certificate ends soon."""

import re
import time

from authority import DAYS_90, Authority
from caddy import Caddy, Site
from processes import free_port

NAME = "site.example.test"


class CaddyContainer:
    """It logs as Caddy does by default, to standard error, which the engine keeps; `image` has Caddy in /bin."""

    def __init__(self, engine, work, lives):
        """The certificate lives for so many more seconds."""
        self.engine, self.work = engine, work
        now = int(time.time())
        site = Site(NAME, free_port(), now - DAYS_90, now + lives)
        self.caddy = Caddy("caddy", work / "caddy", Authority(work / "authority"), [site])
        text = self.caddy.caddyfile.read_text()
        self.caddy.caddyfile.write_text(re.sub(r"\t\toutput file [^{]*\{.*?\n\t\t\}\n", "", text, flags=re.S))

    def start(self, image):
        directory = self.caddy.directory
        command = ["/bin/caddy", "run", "--config", self.caddy.caddyfile, "--adapter", "caddyfile"]
        places = ["--env", f"HOME={directory}", "-v", f"{self.work}:{self.work}"]
        self.engine.docker("run", "-d", "--name", "caddy", "--network", "none", *places, image, *command)
