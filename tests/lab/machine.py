"""A Debian 12 with systemd as its PID 1, in a container of systemd-nspawn, with a network of its own: loopback alone."""

import ctypes
import hashlib
import os
import shutil
import time
from pathlib import Path

import install
from processes import Process, run, wait_until

CLONE_NEWNET = 0x40000000
PACKAGES = ("systemd", "systemd-sysv", "dbus", "ca-certificates", "caddy")
TOOLS = {"systemd-nspawn": "systemd-container", "debootstrap": "debootstrap", "nsenter": "util-linux"}
BOOT_PATIENCE = 60


def base(cache):
    """A bare system with Caddy in it, made once."""
    install.tools(TOOLS)
    # Another list of packages is another machine.
    label = hashlib.sha256(",".join(PACKAGES).encode()).hexdigest()[:8]
    directory = cache / f"machine-{label}"
    if not directory.is_dir():
        unfinished = cache / "machine.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        install.bootstrap("bookworm", PACKAGES, unfinished)
        unfinished.rename(directory)
    return directory


class Machine:
    """One container; `root` is its file system as seen from outside."""

    def __init__(self, template, directory):
        self.root = directory / "root"
        code, _, err = run(["cp", "-a", "--reflink=auto", template, self.root], patience=300)
        if code != 0:
            raise RuntimeError(f"cannot copy {template}: {err}")
        # With this directory the journal is kept there and can be read from outside.
        (self.root / "var/log/journal").mkdir(exist_ok=True)
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        self.directory = directory
        self.process = None
        self.init = None

    def boot(self):
        """Returns the seconds until systemd says that it is running."""
        begun = time.monotonic()
        options = ["--boot", "--private-network", "--register=no", "--keep-unit", "--link-journal=no"]
        name = f"--machine=notafter-lab-{os.getpid()}-{self.directory.name}"
        self.process = Process("nspawn", ["systemd-nspawn", "-D", self.root, name, *options], self.directory)
        booted = wait_until(self._booted, BOOT_PATIENCE)
        if not booted:
            raise RuntimeError(f"the machine does not boot:\n{self.process.stdout.read_text(errors='replace')[-3000:]}")
        return time.monotonic() - begun

    def _booted(self):
        # At first the only child is one that goes away again.
        found = [pid for pid in _children(self.process.handle.pid) if _comm(pid) == "systemd"]
        self.init = found[0] if found else None
        return self.init is not None and self._up()

    def _up(self):
        return self.run("systemctl", "is-system-running")[1].strip() in ("running", "degraded")

    def run(self, *command, patience=60, given=""):
        """Runs a command inside, as root; returns (exit code, stdout, stderr)."""
        namespaces = ["nsenter", "-t", self.init, "-m", "-u", "-i", "-n", "-p", "--"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        return run([*namespaces, *clean, *command], patience=patience, given=given)

    def file(self, path):
        """A file of the running system, from outside; also one below /run."""
        return Path(f"/proc/{self.init}/root") / path.lstrip("/")

    def show(self, unit, *properties):
        """Properties of a unit, as a dictionary."""
        out = self.run("systemctl", "show", unit, "--property", ",".join(properties))[1]
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def restarted(self, unit, before):
        """Whether systemd has started it again since `before`, which is what show() said then."""
        now = self.show(unit, "NRestarts", "ActiveState")
        return now["NRestarts"] != before["NRestarts"] and now["ActiveState"] == "active"

    def enter_network(self):
        """From here on this thread, and what it starts, sees the network of the machine and no other."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{self.init}/ns/net", "rb") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def owner(self, user):
        """The ids of a user of the machine."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            name, _, uid, gid = line.split(":")[:4]
            if name == user:
                return int(uid), int(gid)
        raise RuntimeError(f"the machine has no user {user}")

    def processes(self, program):
        """How many processes of the machine run this program."""
        inside = _namespace(self.init)
        return sum(1 for pid in _pids() if _comm(pid) == program and _namespace(pid) == inside)

    def off(self):
        """Shuts it down in order; returns whether it went by itself."""
        self.run("systemctl", "poweroff")
        gone = wait_until(lambda: not self.process.running(), 30)
        self.process.end()
        return gone


def _children(pid):
    return run(["pgrep", "-P", pid])[1].split()


def _pids():
    return [entry for entry in os.listdir("/proc") if entry.isdigit()]


def _comm(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def _namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None
