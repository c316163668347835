"""Which mode does Caddy's log file get, and does the remedy `mode 0640` work?"""

import stat

from caddy import start_caddy
from processes import wait_until


def measure(binary, directory):
    """The file modes of a fresh log without and with the option."""
    return {label: _mode_of(binary, directory / label, option) for label, option in (("as-is", ""), ("0640", "mode 0640"))}


def check(report, modes):
    report.check("2.11.7: a log file is private by default", modes["as-is"] == "0600", "0600", modes["as-is"])
    report.check("2.11.7: `mode 0640` in `output file` works", modes["0640"] == "0640", "0640", modes["0640"])


def _mode_of(binary, directory, option):
    directory.mkdir(parents=True)
    log = directory / "caddy.log"
    caddyfile = directory / "Caddyfile"
    caddyfile.write_text(f"{{\n\tadmin off\n\tlog default {{\n\t\toutput file {log} {{\n\t\t\t{option}\n\t\t}}\n\t}}\n}}\n")
    process = start_caddy(binary, caddyfile, directory)
    try:
        if not wait_until(lambda: log.exists() or not process.running(), 15) or not log.exists():
            return f"no log file; Caddy said: {process.said()}"
        return f"{stat.S_IMODE(log.stat().st_mode):04o}"
    finally:
        process.end()
