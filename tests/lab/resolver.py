"""A name server of which one zone is broken: it knows no name of it, or says nothing."""

import socket
import struct
import threading

from processes import LOOPBACK

NXDOMAIN, SILENCE = "nxdomain", "silence"
_NAME_ERROR, _TYPE_A = 3, 1


class Resolver:
    """Answers at `port` until the lab ends: names of the zone by its fault, all others with this machine."""

    def __init__(self, zone, fault):
        self.zone, self.fault = zone, fault
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, asker = self.socket.recvfrom(4096)
            if reply := self._reply(question):
                self.socket.sendto(reply, asker)

    def _reply(self, query):
        name, end = _name(query)
        (kind,) = struct.unpack_from(">H", query, end)
        broken = name == self.zone or name.endswith("." + self.zone)
        if broken and self.fault == SILENCE:
            return None
        rcode = _NAME_ERROR if broken else 0
        address = b"" if broken or kind != _TYPE_A else b"\xc0\x0c" + struct.pack(">HHIH4B", 1, 1, 1, 4, 127, 0, 0, 1)
        head = query[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, bool(address), 0, 0)
        return head + query[12 : end + 4] + address


def _name(query):
    """The name that is asked for, and where its type stands."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("latin1").lower())
        at += 1 + length
    return ".".join(labels), at + 1
