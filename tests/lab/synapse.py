"""A real Matrix homeserver (Synapse, with SQLite): users, rooms, and what arrived in them."""

import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request

from message import Message
from processes import LOOPBACK, Process, free_port, run, wait_until

SECRET = "only-on-loopback"
NAME = "localhost"
# Synapse's own default is 0.2 messages a second after a burst of 10; faster only to save time.
LIMIT = {"per_second": 1, "burst_count": 10}


class Synapse:
    """One homeserver; start() returns when it answers."""

    def __init__(self, python, directory):
        self.python = python
        self.directory = directory
        self.port = free_port()
        self.base = f"http://{LOOPBACK}:{self.port}"
        self.process = None

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        settings = self._write_settings()
        command = [self.python, "-m", "synapse.app.homeserver", "-c", settings]
        code, out, err = run([*command, "--generate-keys"], self.directory)
        if code != 0:
            raise RuntimeError(f"synapse makes no keys:\n{(out + err)[-2000:]}")
        self.process = Process("synapse", command, self.directory)
        if not wait_until(lambda: not self.process.running() or self._answers(), 60) or not self.process.running():
            raise RuntimeError(f"synapse does not answer:\n{self.process.said()}")

    def register(self, name):
        """Makes a user and returns its access token."""
        nonce = self.call("GET", "/_synapse/admin/v1/register")["nonce"]
        parts = [nonce, name, "password", "notadmin"]
        mac = hmac.new(SECRET.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        user = {"nonce": nonce, "username": name, "password": "password", "admin": False, "mac": mac}
        return self.call("POST", "/_synapse/admin/v1/register", user)["access_token"]

    def room_of(self, reader, writer):
        """A plain room of two new users: one reads, the other's token is for notafter."""
        reading, writing = self.register(reader), self.register(writer)
        room = self.create_room(reading, invite=[writer])
        self.join(writing, room)
        return Room(self, room, reading, writing)

    def create_room(self, token, alias=None, encrypted=False, invite=()):
        """Makes a room and returns its id; `alias` is the part between # and :."""
        room = {"preset": "private_chat", "invite": [f"@{name}:{NAME}" for name in invite]}
        if alias:
            room["room_alias_name"] = alias
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            room["initial_state"] = [{"type": "m.room.encryption", "state_key": "", "content": content}]
        return self.call("POST", "/_matrix/client/v3/createRoom", room, token)["room_id"]

    def join(self, token, room):
        self.call("POST", f"/_matrix/client/v3/join/{quoted(room)}", {}, token)

    def messages(self, token, room):
        """The m.room.message events of a room, oldest first."""
        path = f"/_matrix/client/v3/rooms/{quoted(room)}/messages?dir=b&limit=500"
        chunk = self.call("GET", path, None, token)["chunk"]
        return [event for event in reversed(chunk) if event["type"] == "m.room.message"]

    def channel(self, room):
        return f"matrix://{LOOPBACK}:{self.port}/{room}"

    def call(self, method, path, body=None, token=None):
        """Returns the reply's JSON; anything but 200 raises."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, method=method, data=data, headers=headers)
        # No proxy of the environment may stand between the lab and loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise RuntimeError(f"synapse: {method} {path}: {error.code} {said[:500]}") from error

    def _answers(self):
        try:
            return "versions" in self.call("GET", "/_matrix/client/versions")
        except (OSError, ValueError, RuntimeError):
            return False

    def _write_settings(self):
        # JSON is YAML.
        log = {
            "version": 1,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "root": {"level": "WARNING", "handlers": ["console"]},
        }
        (self.directory / "log.yaml").write_text(json.dumps(log))
        listener = {
            "port": self.port,
            "bind_addresses": [LOOPBACK],
            "tls": False,
            "type": "http",
            "resources": [{"names": ["client"], "compress": False}],
        }
        settings = {
            "server_name": NAME,
            "pid_file": str(self.directory / "synapse.pid"),
            "listeners": [listener],
            "database": {"name": "sqlite3", "args": {"database": str(self.directory / "synapse.db")}},
            "log_config": str(self.directory / "log.yaml"),
            "media_store_path": str(self.directory / "media"),
            "signing_key_path": str(self.directory / "signing.key"),
            "registration_shared_secret": SECRET,
            "trusted_key_servers": [],
            "report_stats": False,
            "rc_message": LIMIT,
        }
        path = self.directory / "homeserver.yaml"
        path.write_text(json.dumps(settings))
        return path


class Room:
    """A room that notafter writes into and another user reads."""

    receiver = "matrix"

    def __init__(self, synapse, room, reading, token):
        self.synapse = synapse
        self.room = room
        self.reading = reading
        self.token = token
        self.channel = synapse.channel(room)

    def arrived(self):
        """The message events that the homeserver kept, oldest first."""
        return self.synapse.messages(self.reading, self.room)

    def messages(self):
        found = []
        for event in self.arrived():
            content = event["content"]
            title, _, body = content["body"].partition("\n")
            loud = content["msgtype"] == "m.text" and not title.startswith("RESOLVED")
            found.append(Message(event["origin_server_ts"] / 1000, loud, title, body))
        return found


def quoted(room):
    return urllib.parse.quote(room, safe="")
