"""An HTTP forwarder that loses replies: the server has done what was asked, and the client never hears of it."""

import http.client
import http.server
import threading

from processes import LOOPBACK

KEPT = ("authorization", "content-type")


class Lossy:
    """Forwards to a port on loopback; the replies to the next `lose` PUTs are thrown away."""

    def __init__(self, target):
        self.lose = 0
        self.lost = 0
        lossy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                lossy.forward(self, target)

            do_PUT = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def forward(self, handler, target):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name: handler.headers[name] for name in KEPT if name in handler.headers}
        onward = http.client.HTTPConnection(LOOPBACK, target, timeout=30)
        try:
            onward.request(handler.command, handler.path, body, headers)
            reply = onward.getresponse()
            said = reply.read()
        finally:
            onward.close()
        if handler.command == "PUT" and reply.status == 200 and self.lose > 0:
            self.lose -= 1
            self.lost += 1
            handler.close_connection = True
            return
        try:
            _answer(handler, reply, said)
        except OSError:
            pass  # whoever asked has been killed meanwhile

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def _answer(handler, reply, said):
    handler.send_response(reply.status)
    for name in ("Content-Type", "Retry-After"):
        if value := reply.getheader(name):
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(said)))
    handler.end_headers()
    handler.wfile.write(said)
