"""A name server with faults: of a zone it knows no name, cannot say, or says nothing."""

import errno
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from processes import LOOPBACK

NXDOMAIN, SERVFAIL, SILENCE = "nxdomain", "servfail", "silence"
EVERYTHING = ""
DNS_PORT = 53
# Lookers-up that read resolv.conf ask port 53 only: each server has an address of its own.
OWN_ADDRESSES = [f"127.53.0.{number}" for number in range(1, 250)]
_RCODES = {NXDOMAIN: 3, SERVFAIL: 2}
_A, _NS, _SOA, _TXT = 1, 2, 6, 16


class Resolver:
    """Answers over UDP and TCP until the lab ends, by `fault` in `zone`; all other names are this machine.

    Zones are of two labels. `fault` may be changed at any time.
    """

    def __init__(self, zone, fault=None, own_address=False):
        self.zone, self.fault = zone, fault
        self.records = {}
        self.udp, self.tcp = _bound(own_address)
        self.address, self.port = self.udp.getsockname()
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def _serve_udp(self):
        while True:
            question, asker = self.udp.recvfrom(4096)
            if reply := self._reply(question):
                self.udp.sendto(reply, asker)

    def _serve_tcp(self):
        while True:
            threading.Thread(target=self._converse, args=(self.tcp.accept()[0],), daemon=True).start()

    def _converse(self, connection):
        with connection, connection.makefile("rwb") as stream:
            while head := stream.read(2):
                if reply := self._reply(stream.read(*struct.unpack(">H", head))):
                    stream.write(struct.pack(">H", len(reply)) + reply)
                    stream.flush()

    def _reply(self, query):
        name, end = _name(query)
        (kind,) = struct.unpack_from(">H", query, end)
        in_zone = self.zone == EVERYTHING or name == self.zone or name.endswith("." + self.zone)
        fault = self.fault if in_zone else None
        if fault == SILENCE:
            return None
        answers = [] if fault else self._answers(name, kind)
        head = query[:2] + struct.pack(">HHHHH", 0x8580 | _RCODES.get(fault, 0), 1, len(answers), 0, 0)
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(data)) + data for data in answers)
        return head + query[12 : end + 4] + records

    def _answers(self, name, kind):
        is_zone = name.count(".") == 1
        if kind == _A:
            return [socket.inet_aton(self.address if name.startswith("ns.") else LOOPBACK)]
        if kind == _TXT:
            return [bytes([len(value)]) + value.encode() for value in self.records.get(name, [])]
        if kind == _NS and is_zone:
            return [_labels(f"ns.{name}")]
        if kind == _SOA and is_zone:
            return [_labels(f"ns.{name}") + _labels(f"ops.{name}") + struct.pack(">IIIII", 1, 60, 60, 60, 60)]
        return []


class Provider:
    """What a DNS provider offers over HTTP: sets and removes a resolver's TXT records.

    `refusal` is status and body of what it answers instead; where it `hides`, records never come to be seen.
    """

    def __init__(self, resolver, refusal=None, hides=False):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, said = refusal or (200, "")
                if not refusal and not hides:
                    values = resolver.records.setdefault(asked["name"].rstrip("."), [])
                    (values.append if self.path == "/set" else values.remove)(asked["value"])
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://{LOOPBACK}:{server.server_address[1]}"


def _bound(own_address):
    """A UDP and a TCP socket at the same place."""
    for address in OWN_ADDRESSES if own_address else [LOOPBACK] * 20:
        udp, tcp = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind((address, DNS_PORT if own_address else 0))
            tcp.bind(udp.getsockname())
            tcp.listen(16)
            return udp, tcp
        except OSError as error:
            udp.close()
            tcp.close()
            if error.errno != errno.EADDRINUSE:
                raise
    raise RuntimeError("no place for a name server: something on this machine has port 53 of every address")


def _name(query):
    """The name that is asked for, and where its type stands."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("latin1").lower())
        at += 1 + length
    return ".".join(labels), at + 1


def _labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
