"""A real Docker Engine of its own, on a socket in the lab, without network and without a registry."""

import os
import shutil
import socket
from pathlib import Path

from processes import LOOPBACK, Process, free_port, run, wait_until

COMMANDS = ("sh", "sleep", "date", "head", "tr", "cat")


class Engine:
    """Below `directory`; start() after stop() continues it."""

    # Whether containers end with the engine, and what makes it rotate a log.
    ENDS_CONTAINERS = True
    ROTATED = ("--log-opt", "max-size=100k", "--log-opt", "max-file=3")

    def __init__(self, directory, listens=None):
        self.directory = directory
        self.socket = listens or directory / "docker.sock"
        self.port = free_port()
        self.process = None
        directory.mkdir(parents=True)

    def start(self):
        command = ["dockerd", "--data-root", self.directory / "root", "--exec-root", self.directory / "exec"]
        command += ["--pidfile", self.directory / "dockerd.pid", "-H", f"unix://{self.socket}"]
        command += ["-H", f"tcp://{LOOPBACK}:{self.port}", "--tls=false"]
        command += ["--storage-driver", "vfs", "--bridge=none", "--userland-proxy=false"]
        command += ["--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"]
        self.process = Process("dockerd", command, self.directory)
        if not wait_until(self._answers, 30):
            raise RuntimeError(f"dockerd does not answer:\n{self.process.said()}")

    def stop(self):
        return self.process.end(patience=30)

    def docker(self, *arguments, patience=60):
        """Runs `docker`, which must succeed, and returns what it printed."""
        command = ["/usr/bin/docker", "-H", f"unix://{self.socket}", *arguments]
        code, out, err = run(command, self.directory, patience=patience)
        if code != 0:
            raise RuntimeError(f"`{' '.join(map(str, command))}` exited {code}: {(out + err)[-1000:]}")
        return out.strip()

    def import_image(self, name, programs):
        """An image of a shell and these static programs."""
        tree = self.directory / "tree"
        (tree / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", tree / "bin" / "busybox")
        for command in COMMANDS:
            (tree / "bin" / command).symlink_to("busybox")
        for program in programs:
            shutil.copy(program, tree / "bin" / Path(program).name)
        archive = self.directory / "tree.tar"
        code, out, err = run(["tar", "-C", tree, "-cf", archive, "."])
        if code != 0:
            raise RuntimeError(f"tar exited {code}: {out}{err}")
        self.docker("import", archive, name)

    def close(self):
        """Ends the containers and the engine, and what it leaves mounted."""
        if self.process and self.process.running():
            running = self.docker("ps", "-q").split()
            if running:
                self.docker("kill", *running)
            self.stop()
        mounts = Path("/proc/mounts").read_text().splitlines()
        for target in [line.split()[1] for line in mounts]:
            if target.startswith(str(self.directory)):
                run(["umount", target])

    def _answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(os.fspath(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b"OK" in connection.recv(4096)
        except OSError:
            return False
