"""The real ntfy server, and its JSON poll API to read back what arrived."""

import json
import urllib.request

from message import Message
from processes import LOOPBACK, Process, free_port, wait_until

LOUD = 4  # ntfy's priorities: 3 is the default, 4 high, 5 urgent


def start(binary, directory):
    """Returns the port of a server that keeps messages and knows no rate limit for loopback."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = directory / "server.yml"
    settings.write_text(
        f'base-url: "http://{LOOPBACK}:{port}"\n'
        f'listen-http: "{LOOPBACK}:{port}"\n'
        f'cache-file: "{directory}/cache.db"\n'
        f'visitor-request-limit-exempt-hosts: "{LOOPBACK}"\n'
        "web-root: disable\n"
    )
    process = Process("ntfy", [binary, "serve", "-c", settings], directory)
    if not wait_until(lambda: process.running() and _healthy(port), 20):
        raise RuntimeError(f"ntfy does not become healthy:\n{process.said()}")
    return port


class Topic:
    """One topic of a running server; no token is needed to write into it."""

    receiver = "ntfy"
    token = None

    def __init__(self, port, topic):
        self.channel = f"ntfy+http://{LOOPBACK}:{port}/{topic}"
        self.url = f"http://{LOOPBACK}:{port}/{topic}"

    def arrived(self):
        """What the server kept, oldest first: id, time, title, message, priority."""
        body = _get(f"{self.url}/json?poll=1&since=all")
        decoded = [json.loads(line) for line in body.splitlines() if line.strip()]
        return [message for message in decoded if message.get("event") == "message"]

    def messages(self):
        return [
            Message(one["time"], one.get("priority", 3) >= LOUD, one.get("title", ""), one.get("message", ""))
            for one in self.arrived()
        ]


def _healthy(port):
    try:
        return json.loads(_get(f"http://{LOOPBACK}:{port}/v1/health")).get("healthy") is True
    except (OSError, ValueError):
        return False


def _get(url):
    # No proxy of the environment may stand between the lab and loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as response:
        return response.read().decode()
