"""Builds Caddy 2.6.2 with the lab's DNS provider, from source packages of Debian 12 alone."""

import hashlib
import re
import shutil
from pathlib import Path

import install
from install import CannotInstall

MAIN = Path(__file__).with_name("caddy_with_provider.go")
SOURCE = "caddy"
IMPORTED_AS = "github.com/caddyserver/caddy/v2"
NOT_NEEDED = ("debhelper-compat", "dh-golang", "golang-any")
COMPILER = ("golang-go", "golang-github-miekg-dns-dev", "golang-github-libdns-libdns-dev", "dpkg-dev", "xz-utils")


def caddy(cache):
    """The binary; the first call takes minutes. Root only, because it installs the compiler and libraries."""
    mark = hashlib.sha256(MAIN.read_bytes()).hexdigest()[:12]
    directory = cache / f"caddy-with-provider-{mark}"
    binary = directory / "caddy"
    if not binary.exists():
        for old in cache.glob("caddy-with-provider-*"):
            shutil.rmtree(old)
        work = directory / "build"
        work.mkdir(parents=True)
        try:
            _build(work, directory / "new")
            (directory / "new").rename(binary)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    version = install.caddy_version(binary)
    if version != install.OLD_CADDY:
        raise CannotInstall(f"{binary} is {version}, not {install.OLD_CADDY}; remove {directory} and run again")
    return binary


def _build(work, binary):
    description = install.source_of("bookworm", SOURCE, work)
    install.apt_install([*_libraries(description.read_text()), *COMPILER])
    tree = work / "gopath" / "src" / IMPORTED_AS
    tree.parent.mkdir(parents=True)
    install.must(["dpkg-source", "--no-check", "-x", description, tree], f"cannot unpack {description.name}")
    # As debian/rules does: what upstream embeds or vendors and Debian has no package of.
    missing = tree / "debian" / "missing-sources"
    page = missing / "caddy" / "fileserver" / "browse.html"
    shutil.copytree(missing, tree / "vendor")
    shutil.copy(page, tree / "modules" / "caddyhttp" / "fileserver")
    own = work / "gopath" / "src" / "lab"
    own.mkdir()
    shutil.copy(MAIN, own / "main.go")
    environment = {
        "GOPATH": f"{work / 'gopath'}:/usr/share/gocode",
        "GO111MODULE": "off",
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "-p=2",
    }
    version = f"-X {IMPORTED_AS}.CustomVersion={install.OLD_CADDY}"
    command = ["go", "build", "-ldflags", version, "-o", binary, "."]
    install.must(command, "cannot build Caddy with a DNS provider", own, environment, patience=1800)


def _libraries(description):
    """The packages that the source needs to be built."""
    listed = re.search(r"^Build-Depends: (.*)$", description, re.M)
    if not listed:
        raise CannotInstall("the source package of caddy does not say what it needs")
    names = (one.split("(")[0].strip() for one in listed.group(1).split(","))
    return [name for name in names if name not in NOT_NEEDED]
