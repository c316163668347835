"""A certificate authority with faults: an HTTPS proxy in front of pebble that can be told to misbehave."""

import http.client
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from processes import LOOPBACK

PROBLEM = "application/problem+json"
ORDERS = "/order-plz"
PASS, LIMIT, NONSENSE, CAA, SERVFAIL = "pass", "limit", "nonsense", "caa", "servfail"


class Faulty:
    """Listens at `port`; `mode` and `target` (pebble's port) may be changed at any time."""

    def __init__(self, authority, directory, target):
        directory.mkdir(parents=True, exist_ok=True)
        now = time.time()
        certificate, key = authority.issue([LOOPBACK, "localhost"], now - 3600, now + 86_400, directory)
        self.mode = PASS
        self.target = target
        self.trust = ssl.create_default_context(cafile=authority.root)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = ThreadingHTTPServer((LOOPBACK, 0), type("Handler", (_Handler,), {"faulty": self}))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, method, path, body=None, headers=None):
        """One request to pebble: status, headers, body."""
        connection = http.client.HTTPSConnection(LOOPBACK, self.target, context=self.trust, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def nonce(self):
        _, headers, _ = self.ask("HEAD", "/nonce-plz", headers={"Host": LOOPBACK})
        return dict(headers).get("Replay-Nonce", "none")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty = None

    def log_message(self, *_):
        pass

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        mode, of_order = self.faulty.mode, self.path.startswith(ORDERS)
        if mode == NONSENSE:
            self.answer(200, [("Content-Type", "text/html")], b"<!doctype html><p>Please log in to this network.</p>")
        elif mode == LIMIT and of_order:
            end = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + 3600))
            self.refuse(429, "rateLimited", "too many certificates (5) already issued for this exact set of identifiers in"
                        f" the last 168h0m0s, retry after {end}: see https://letsencrypt.org/docs/rate-limits/")
        elif mode == CAA and of_order:
            self.refuse(403, "caa", "CAA record for the name prevents issuance")
        else:
            headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
            status, got, answer = self.faulty.ask(self.command, self.path, body, headers)
            if mode == SERVFAIL:
                answer = _in_words_of_boulder(answer)
            dropped = ("content-length", "connection", "transfer-encoding")
            self.answer(status, [pair for pair in got if pair[0].lower() not in dropped], answer)

    do_GET = do_POST = do_HEAD = handle_one

    def refuse(self, status, kind, detail):
        problem = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status}
        headers = [("Content-Type", PROBLEM), ("Replay-Nonce", self.faulty.nonce())]
        self.answer(status, headers, json.dumps(problem).encode())

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _in_words_of_boulder(answer):
    """An authorization with what pebble says of a look-up in the words of Let's Encrypt (boulder, `bdns/problem.go`).

    Pebble says the same of every look-up that fails.
    """
    try:
        authorization = json.loads(answer)
    except ValueError:
        return answer
    if not isinstance(authorization, dict) or "challenges" not in authorization:
        return answer
    name = authorization["identifier"]["value"]
    for challenge in authorization["challenges"]:
        if "error" in challenge:
            detail = f"DNS problem: SERVFAIL looking up A for {name} - the domain's nameservers may be malfunctioning"
            challenge["error"] = {"type": "urn:ietf:params:acme:error:dns", "detail": detail, "status": 400}
    return json.dumps(authorization).encode()
