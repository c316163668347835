"""Caddy as the unit of a machine: settings and storage where Debian's package has them or leaves room for them."""

import os
import shutil

from caddy import Caddy

CADDYFILE = "/etc/caddy/Caddyfile"
INSIDE = "/srv/caddy"
COPY = f"{INSIDE}/caddy.log"


def prepare(machine, authority, sites, log=None):
    """Certificates into its storage, and a Caddyfile as elsewhere in the lab.

    With `log` that is the log's path. Without it Caddy logs as it does by default, to the journal, has its admin API,
    and writes a copy of its log to COPY.
    """
    inside = machine.root / INSIDE.lstrip("/")
    caddy = Caddy(None, inside, authority, sites)
    shutil.copy(authority.root, inside / "ca.pem")
    text = caddy.caddyfile.read_text().replace(str(authority.root), f"{INSIDE}/ca.pem")
    text = text.replace(str(caddy.log), log or COPY).replace(str(machine.root), "")
    if log is None:
        text = text.replace("\tadmin off\n", "").replace("log default {", "log copy {")
    (machine.root / CADDYFILE.lstrip("/")).write_text(text)
    uid, gid = machine.owner("caddy")
    for path in (inside, *inside.rglob("*")):
        os.chown(path, uid, gid)
