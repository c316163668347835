"""Which mode does Caddy's log file get, and does the remedy `mode 0640` work?"""

import stat

from caddy import start_caddy
from processes import wait_until

# These take the option without a word and ignore it. 2.6.2's log is open to all anyway (umask 022).
DEAF = {"2.6.2": "0644", "2.8.4": "0600"}


def measure(binaries, directory):
    """The modes of a fresh log without and with the option, for each version."""
    modes = {}
    for version, binary in binaries.items():
        for option in ("", "mode 0640"):
            place = directory / f"{version}-{option[-4:] or 'default'}"
            modes[version, option] = _mode_of(binary, place, option)
    return modes


def check(report, modes):
    for (version, option), seen in modes.items():
        mode = DEAF.get(version, "0640" if option else "0600")
        what = f"with `{option}` in `output file`" if option else "by default"
        report.check(f"{version}: a log file {what} has mode {mode}", seen == mode, mode, seen)


def _mode_of(binary, directory, option):
    directory.mkdir(parents=True)
    log = directory / "caddy.log"
    caddyfile = directory / "Caddyfile"
    caddyfile.write_text(
        f"{{\n\tadmin off\n\tlog default {{\n\t\toutput file {log} {{\n"
        f"\t\t\t{option}\n"
        "\t\t}\n\t}\n}\n"
    )
    process = start_caddy(binary, caddyfile, directory)
    try:
        if not wait_until(lambda: log.exists() or not process.running(), 15) or not log.exists():
            return f"no log file; Caddy said: {process.said()}"
        return f"{stat.S_IMODE(log.stat().st_mode):04o}"
    finally:
        process.end()
