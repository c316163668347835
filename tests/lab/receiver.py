"""A webhook that keeps what it gets, a name server that knows one name, and a socket that says hello."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from processes import LOOPBACK

NAME = "hook.example.test"


class Hook:
    """Takes every POST; `got` has (headers, decoded body) of each."""

    def __init__(self):
        self.got = got = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                got.append((dict(self.headers), json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{NAME}:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Names:
    """On port 53: the address of NAME is loopback; nothing else is known. `asked` has every name asked for."""

    def __init__(self):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 53))
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        while True:
            query, sender = self.socket.recvfrom(512)
            labels, place = [], 12
            while query[place]:
                labels.append(query[place + 1 : place + 1 + query[place]].decode())
                place += query[place] + 1
            name, question = ".".join(labels).lower(), query[12 : place + 5]
            self.asked.append(name)
            known, is_a = name == NAME, question[-4:-2] == b"\x00\x01"
            flags = b"\x85\x80" if known else b"\x85\x83"
            counts = b"\x00\x01" + (b"\x00\x01" if known and is_a else b"\x00\x00") + bytes(4)
            answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04" + socket.inet_aton(LOOPBACK)
            message = query[:2] + flags + counts + question + (answer if known and is_a else b"")
            self.socket.sendto(message, sender)


def greet_at(path, text=b"hello\n"):
    """A stream socket that greets whoever connects: where Docker's would be."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(4)

    def serve():
        while True:
            connection, _ = listener.accept()
            connection.sendall(text)
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
