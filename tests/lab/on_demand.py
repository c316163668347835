"""Handshakes ask for certificates while the authority is away."""

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from caddy import Site
from experiment import START, sites
from processes import LOOPBACK
from scenario import Closed

# One whose certificate has to be obtained, one whose certificate is about to end, one whose has ended.
STRANGER, GUEST, LATE = "stranger.example.test", "guest.example.test", "late.example.test"
MINUTE = 60


class OnDemand(Closed):
    """Beside a managed name: jobs that handshakes begin, and that die with them after 90 s to 5 min."""

    name, lasts, names = "on-demand", 215, (START,)
    guests = (STRANGER, GUEST, LATE)

    def __init__(self, version, binary, lab):
        super().__init__(version, binary, lab)
        self.permission = _permit_all()

    def stored(self):
        guest = Site(GUEST, self.port, self.zero - 30 * MINUTE, self.zero + 10 * MINUTE)
        late = Site(LATE, self.port, self.zero - 30 * MINUTE, self.zero - MINUTE)
        return [*sites(self.zero, self.port, self.port)[:1], guest, late]

    def options(self):
        return f"\ton_demand_tls {{\n\t\task http://{LOOPBACK}:{self.permission}/\n\t}}\n"

    def blocks(self):
        return super().blocks() + f"\nhttps:// {{\n\ttls {{\n\t\ton_demand\n\t\t{self.issuers()}\n\t}}\n\trespond ok\n}}\n"

    def moments(self):
        def all_shake():
            for name in self.guests:
                threading.Thread(target=_shake, args=(self.https_port, name), daemon=True).start()
                # Handshakes at one moment may be refused as too many, though no rate was set (certmagic v0.17.2
                # `ratelimiter.go`, `Allow`).
                time.sleep(0.3)

        return [(5, "handshakes", all_shake), (200, "handshakes again", all_shake)]

    def told(self, ends):
        return {"guests": self.histories(self.caddy.log, ends, self.guests)}


def _shake(port, name):
    """Waits for the certificate as long as Caddy does, and does not care whose it is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((LOOPBACK, port), 200) as plain, context.wrap_socket(plain, server_hostname=name):
            pass
    except OSError:
        pass  # the authority is away


def _permit_all():
    """The port of an endpoint that permits every name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response_only(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
