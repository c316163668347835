"""A new user on a machine whose Caddy runs in a container: the README's own lines, timed, and an alert."""

from itertools import takewhile

import checks_newcomer as checks
from caddy_container import NAME, CaddyContainer
from dockerd import Engine
from newcomer import Newcomer
from processes import wait_until

# Seconds that the certificate lives: the README's lines are followed within them.
LIVES = 50


class DockerNewcomer(Newcomer):
    """The engine runs outside the machine, with its socket inside, as an installed one has it."""

    story = "docker"

    def run(self, binaries):
        """`binaries` are Caddy, the ntfy server and a Python that has Synapse."""
        caddy, ntfy_server, python = binaries
        machine = self.machine
        machine.boot()
        machine.enter_network()
        machine.run("dpkg", "-P", "caddy")
        self.start_receivers(ntfy_server, python)
        engine = Engine(self.work / "engine", machine.file("/run/docker.sock"))
        try:
            engine.start()
            machine.run("groupadd", "--system", "docker")
            machine.run("chgrp", "docker", "/run/docker.sock")
            engine.import_image("lab", [caddy])
            CaddyContainer(engine, self.work / "site", LIVES).start("lab")
            self.follow_the_readme()
            for one in self.receivers:
                loud = lambda one=one: [message for message in one.messages() if message.loud and NAME in message.text]
                wait_until(lambda: bool(loud()), 40, pause=1)
                checks.alarmed(self.report, one.receiver, loud(), one.messages(), machine)
        finally:
            engine.close()
        self.report.check("docker: the machine shuts down in order", machine.off(), "gone within 30 s", "ended")

    def heed(self, said):
        """The lines below "next: let the service use Docker's socket"."""
        _, out, err = said
        steps = (out + err).partition("Docker's socket, with which it could become root:\n")[2]
        lines = [line.strip() for line in takewhile(lambda line: line.startswith("    "), steps.splitlines())]
        self.report.check("docker: init says how to give it the socket", bool(lines), "lines to run", out + err)
        return [(line, self.machine.run("sh", "-c", line)) for line in lines]
