"""Certificates by openssl, and a certificate authority: pebble."""

import json
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from processes import LOOPBACK, Process, free_port, run, wait_for_port

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
DAYS_90 = 7_776_000


class Authority:
    """The lab's own issuer: signs pebble's server certificate and the certificates found in storage at the start."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.root = directory / "ca.pem"
        self.key = directory / "ca.key"
        subject = ["-subj", "/CN=notafter lab", "-days", "30", "-keyout", self.key, "-out", self.root]
        _openssl("req", "-x509", *EC, *subject)

    def issue(self, names, not_before, not_after, out):
        """Writes NAME.crt (with the issuer behind it) and NAME.key; times are epoch seconds."""
        label = names[0]
        work = Path(tempfile.mkdtemp(prefix=f"{label}-", dir=self.directory))
        request, certificate, key = work / "request.pem", out / f"{label}.crt", out / f"{label}.key"
        _openssl("req", *EC, "-subj", f"/CN={label}", "-keyout", key, "-out", request)
        # `openssl ca`, because `openssl x509` of Debian 12 cannot set the dates.
        settings = work / "ca.cnf"
        settings.write_text(_SETTINGS.format(directory=work, names=",".join(map(_alternative, names))))
        (work / "index.txt").write_text("")
        dates = ["-startdate", _asn1(not_before), "-enddate", _asn1(not_after)]
        signer = ["-config", settings, "-cert", self.root, "-keyfile", self.key]
        _openssl("ca", "-batch", "-notext", *signer, *dates, "-in", request, "-out", certificate)
        with open(certificate, "a", encoding="ascii") as chain:
            chain.write(self.root.read_text())
        return certificate, key


_SETTINGS = """[ca]
default_ca = lab
[lab]
new_certs_dir = {directory}
database = {directory}/index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
x509_extensions = leaf
[any]
commonName = optional
[leaf]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


def _alternative(name):
    return f"IP:{name}" if name == LOOPBACK else f"DNS:{name}"


def _asn1(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def _openssl(*arguments):
    code, out, err = run(["openssl", *arguments])
    if code != 0:
        raise RuntimeError(f"openssl {arguments[0]} exited {code}\n{err}")
    return out


def not_after(certificate):
    """The first certificate's notAfter in epoch seconds, as openssl reads it."""
    text = _openssl("x509", "-in", certificate, "-noout", "-enddate").strip()
    moment = datetime.strptime(text.removeprefix("notAfter="), "%b %d %H:%M:%S %Y GMT")
    return int(moment.replace(tzinfo=timezone.utc).timestamp())


def start_pebble(binary, authority, directory, resolver=None):
    """An ACME server that accepts every challenge unseen; with the address of a resolver it checks them. Returns its port."""
    directory.mkdir(parents=True, exist_ok=True)
    now = time.time()
    certificate, key = authority.issue([LOOPBACK, "localhost"], now - 3600, now + 86_400, directory)
    port, management = free_port(), free_port()
    settings = {
        "pebble": {
            "listenAddress": f"{LOOPBACK}:{port}",
            "managementListenAddress": f"{LOOPBACK}:{management}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": free_port(),
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": DAYS_90,
        }
    }
    file = directory / "pebble.json"
    file.write_text(json.dumps(settings, indent=1))
    environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    command = [binary, "-config", file]
    if resolver is None:
        environment["PEBBLE_VA_ALWAYS_VALID"] = "1"
    else:
        command += ["-dnsserver", resolver]
    process = Process("pebble", command, directory, environment)
    wait_for_port(port, process)
    return port
