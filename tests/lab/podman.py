"""A real Podman with its service, which answers what Docker's API asks, on a socket in the lab."""

import os

from dockerd import Engine
from processes import Process, wait_until

# `runc`, since `crun` refuses hosts with both versions of cgroups; limits that a lab in a container may set.
SETTINGS = """[containers]
default_ulimits = ["nofile=512:512", "nproc=500:500"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Podman(Engine):
    """Below `directory`. Containers outlive the service, and a log of a limited size is cut without a trace."""

    ENDS_CONTAINERS = False
    ROTATED = ()

    def start(self):
        settings = self.directory / "containers.conf"
        settings.write_text(SETTINGS)
        os.environ["CONTAINERS_CONF"] = str(settings)
        places = ["--root", self.directory / "root", "--runroot", self.directory / "run", "--storage-driver", "vfs"]
        command = ["podman", *places, "system", "service", "--time", "0", f"unix://{self.socket}"]
        self.process = Process("podman", command, self.directory)
        if not wait_until(self._answers, 30):
            raise RuntimeError(f"podman does not answer:\n{self.process.said()}")
