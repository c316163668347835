"""Processes and ports of the lab: everything started here is ended by its own handle."""

import os
import random
import signal
import socket
import subprocess
import threading
import time
import traceback
from pathlib import Path

LOOPBACK = "127.0.0.1"

_started = []
_held = []
_over = threading.Event()
_lock = threading.Lock()


class Process:
    """One process with its output in two files."""

    def __init__(self, tag, command, directory, environment=None):
        self.tag = tag
        self.command = [str(part) for part in command]
        self.stdout = Path(directory) / f"{tag}.stdout"
        self.stderr = Path(directory) / f"{tag}.stderr"
        if _over.is_set():
            raise RuntimeError(f"the lab is ending, {tag} is not started")
        # "ab": a restarted process adds to what the one before it said.
        with open(self.stdout, "ab") as out, open(self.stderr, "ab") as err:
            self.handle = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=directory,
                env={**os.environ, **(environment or {})},
            )
        with _lock:
            _started.append(self)

    def running(self):
        return self.handle.poll() is None

    def end(self, sig=signal.SIGTERM, patience=15):
        """Sends the signal, waits, and returns the exit code (negative: the signal that ended it)."""
        if self.running():
            self.handle.send_signal(sig)
            try:
                self.handle.wait(patience)
            except subprocess.TimeoutExpired:
                self.handle.kill()
                self.handle.wait()
        return self.handle.returncode

    def said(self, lines=12):
        """The last lines it wrote to stderr."""
        text = self.stderr.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def end_all():
    """Ends whatever still runs; nothing can be started after it."""
    _over.set()
    with _lock:
        remaining = [process for process in reversed(_started) if process.running()]
    for process in remaining:
        process.end()


def run(command, directory=None, environment=None, patience=120, given=""):
    """Runs to its end, with `given` on its standard input, and returns (exit code, stdout, stderr)."""
    result = subprocess.run(
        [str(part) for part in command],
        input=given.encode(),
        capture_output=True,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        timeout=patience,
        check=False,
    )
    return (
        result.returncode,
        result.stdout.decode(errors="replace"),
        result.stderr.decode(errors="replace"),
    )


def side_by_side(jobs):
    """Runs all jobs in threads; returns {name: result or exception}."""
    results = {}

    def call(name, job):
        try:
            results[name] = job()
        except Exception as error:  # told below as a failed check
            traceback.print_exc()
            results[name] = error

    threads = [threading.Thread(target=call, args=item, daemon=True) for item in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def free_port():
    """A port that is free now and is not given out twice by this run.

    It is none that the kernel gives to whoever connects: one of those may be taken by the time it is listened on.
    """
    first_of_kernel = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with _lock:
        while True:
            port = random.randrange(first_of_kernel // 2, first_of_kernel)
            if port not in _held and _is_free(port):
                _held.append(port)
                return port


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def wait_for_port(port, process, patience=20):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if not process.running():
            break
        try:
            socket.create_connection((LOOPBACK, port), 0.3).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{process.tag} does not listen on {port}:\n{process.said()}")


def wait_until(condition, patience, pause=0.25):
    """True as soon as the condition holds, False when patience is over."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
    return True


class Gate:
    """A TCP forwarder that refuses connections until it is opened.

    The port is bound from the beginning but listened on only later: meanwhile the kernel refuses, and nobody else
    can take the port.
    """

    def __init__(self, target):
        self.target = target
        self.socket = socket.socket()
        # Not with SO_REUSEADDR: then two that do not listen yet may be given the same port.
        self.socket.bind((LOOPBACK, 0))
        self.port = self.socket.getsockname()[1]

    def open(self):
        self.socket.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((LOOPBACK, self.target), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
