"""What must be true of the package at each step of its life on a machine."""

import json
import time

from message import shown
from processes import wait_until

# Tenths, of 100.
MOST_EXPOSED = 15
ACTIVE = ("ActiveState", "SubState", "Result", "StatusText", "MainPID")

# Once the end was told, these open without a word.
WARNINGS_OF_EXPIRY = {"retry-after-expiry", "last-tries", "expiring", "renewal-failing", "renewal-overdue"}


def opened(hook):
    """Rules of the loud alerts that messages of the webhook tell as opened, in order."""
    rows = [row for _, body in hook.got for row in body["alerts"]]
    return [row["rule"] for row in rows if row["reason"] == "opened" and row["severity"] != "info"]


def loud_rules(lines):
    """The rules of all alerts that a replay opened at warning or critical."""
    rows = [json.loads(line) for line in lines.splitlines() if line.strip()]
    alerts = [row for row in rows if row["type"] == "alert" and row["severity"] != "info"]
    return sorted({row["rule"] for row in alerts if row["status"] == "firing"})


def journal(machine, unit="notafter"):
    return machine.run("journalctl", "-q", "-o", "cat", "-u", unit)[1]


def _went(report, title, done):
    code, out, err = done
    report.check(title, code == 0, "exit 0", f"exit {code}\n{out}{err}")


def installed(report, machine, done):
    _went(report, "dpkg -i", done)
    enabled = machine.run("systemctl", "is-enabled", "notafter")[1].strip()
    report.check("the unit is enabled", enabled == "enabled", "enabled", enabled)
    machine.run("systemctl", "start", "notafter")
    state = machine.show("notafter", "ActiveState", "ConditionResult")
    expected = {"ActiveState": "inactive", "ConditionResult": "no"}
    report.check("without a configuration it waits, and has not failed", state == expected, expected, state)
    analyzed(report, machine)
    version = machine.run("notafter", "--version")
    report.check("the program runs", version[0] == 0 and version[1].startswith("notafter "), "notafter X", version)
    share = machine.root / "usr/share"
    wanted = ["man/man1/notafter.1.gz", "man/man1/notafter-watch.1.gz", "doc/notafter/copyright"]
    wanted += ["doc/notafter/examples/notafter.toml", "doc/notafter/examples/10-caddy-group.conf"]
    wanted += ["bash-completion/completions/notafter", "zsh/vendor-completions/_notafter"]
    wanted += ["fish/vendor_completions.d/notafter.fish"]
    missing = [path for path in wanted if not (share / path).is_file()]
    report.check("manual, completions, examples and copyright are there", not missing, "all", missing)


def analyzed(report, machine):
    code, out, err = machine.run("systemd-analyze", "verify", "--man=no", "notafter.service")
    about_us = [line for line in (out + err).splitlines() if "notafter" in line]
    report.check("systemd-analyze verify finds nothing", code == 0 and not about_us, "exit 0", out + err)
    limit = f"--threshold={MOST_EXPOSED}"
    code, out, err = machine.run("systemd-analyze", "security", "--no-pager", limit, "notafter.service")
    last = (out + err).strip().splitlines()[-1:]
    report.check(f"systemd-analyze security stays below {MOST_EXPOSED / 10}", code == 0, "exit 0", f"{code} {last}")


def started_unreadable(report, machine, done):
    _went(report, "systemctl start, with a log it may not read", done)
    heard = wait_until(lambda: "ermission" in journal(machine), 10)
    report.check("it says that it may not read the log", heard, "permission ...", journal(machine))
    misled = "max_user_instances" in journal(machine)
    report.check("and gives no advice on anything else", not misled, "only the permission", journal(machine))
    state = machine.show("notafter", *ACTIVE)
    report.check("and goes on", state["ActiveState"] == "active", "active", state)


def started(report, machine, done):
    _went(report, "systemctl restart, with Caddy's group", done)
    told = wait_until(lambda: " known, " in machine.show("notafter", "StatusText")["StatusText"], 10)
    status = machine.run("systemctl", "status", "--no-pager", "notafter")
    fine = status[0] == 0 and "active (running)" in status[1] and 'Status: "' in status[1]
    report.check("systemctl status says what it does", told and fine, "active, certificates known", status[1])
    user = machine.show("notafter", "MainPID")["MainPID"]
    uid = machine.run("stat", "-c", "%U", f"/proc/{user}")[1].strip()
    report.check("it runs as a user of its own", uid not in ("root", "caddy", "nobody", ""), "notafter", uid)


def warned(report, story, came):
    status = story.machine.run("systemctl", "status", "--no-pager", "notafter")[1]
    seen = f"{opened(story.hook)}\n{status}\n{journal(story.machine)}\n{journal(story.machine, 'caddy')[-1500:]}"
    report.check("the webhook is warned of the retry after expiry", came, "retry-after-expiry", seen)
    sent = [headers.get("Authorization") or headers.get("authorization") for headers, _ in story.hook.got]
    with_token = bool(sent) and all(one == "Bearer s3cret-of-the-lab" for one in sent)
    report.check("with the token that systemd handed over", with_token, "Bearer ...", sent)
    messages = story.phone.messages()
    report.check("ntfy is warned too", bool(messages), "a message", shown(messages, story.zero))
    text = story.machine.show("notafter", "StatusText")["StatusText"]
    report.check("the status text counts it", "1 with open alerts" in text, "1 with open alerts", text)
    known = story.machine.run("notafter", "status")
    report.check("notafter status, by root, shows it", known[0] == 0 and "fed.example.test" in known[1], "", known)


def survived(report, story, before, again, told):
    machine = story.machine
    said = journal(machine)
    report.check("the watchdog ends a watch that hangs, and it is started again", again, "NRestarts + 1", said)
    report.check("it was the watchdog", "Watchdog timeout" in said, "Watchdog timeout", said)
    pid = machine.show("notafter", "MainPID")["MainPID"]
    report.check("as a new process", pid not in ("0", before["MainPID"]), f"not {before['MainPID']}", pid)
    report.check("the end that came meanwhile is told", told, "expired", f"{opened(story.hook)}\n{said}")
    rules = opened(story.hook)
    twice = sorted({rule for rule in rules if rules.count(rule) > 1})
    report.check("no alert is opened twice", not twice, "each once", rules)
    ids = [body["id"] for _, body in story.hook.got]
    report.check("no message comes twice", len(ids) == len(set(ids)), "each once", ids)
    replayed = story.alerts_of_replay()
    same = set(rules) <= set(replayed) and set(replayed) - set(rules) <= WARNINGS_OF_EXPIRY
    report.check("a replay of the log tells the same alerts", same, replayed, rules)
    texts = [message.text for message in story.phone.messages()]
    same = len(texts) == len(set(texts)) == len(ids)
    report.check("ntfy got as many messages, none twice", same, len(ids), texts)


def refused(report, machine, before, done):
    code, out, err = done
    report.check("systemctl reload of a wrong configuration fails", code != 0, "not 0", f"{code} {out}{err}")
    said = journal(machine)
    report.check("the journal draws the mistake", "chanel" in said and "notafter.toml" in said, "chanel", said[-1500:])
    state = machine.show("notafter", *ACTIVE)
    same = state["MainPID"] == before and state["ActiveState"] == "active"
    report.check("the watch goes on with the old one", same, f"active, {before}", state)


def kept(report, machine, before):
    text = lambda: machine.show("notafter", "StatusText")["StatusText"]
    told = wait_until(lambda: "refused" in text(), 5)
    report.check("a bare SIGHUP with it is refused in the status text", told, "refused", text())
    state = machine.show("notafter", *ACTIVE)
    same = state["MainPID"] == before and state["ActiveState"] == "active"
    report.check("and the watch goes on", same, f"active, {before}", state)


def reloaded(report, machine, before, done):
    code, out, err = done
    said = f"exit {code}\n{out}{err}{journal(machine)[-1500:]}"
    report.check("systemctl reload of a right configuration", code == 0, "exit 0", said)
    text = lambda: machine.show("notafter", "StatusText")["StatusText"]
    told = wait_until(lambda: "refused" not in text(), 5)
    state = machine.show("notafter", *ACTIVE)
    same = state["MainPID"] == before and state["ActiveState"] == "active"
    report.check("it is taken without a restart", told and same, f"active, {before}", state)


def probed(report, machine, done):
    _went(report, "a probe runs in the sandbox", done)

    def found(name):
        path = machine.file(f"/run/notafter/{name}")
        return path.read_text(errors="replace") if path.exists() else "(no file)"

    for name, title in (("journal", "reads the journal"), ("following", "follows the journal")):
        text = found(name)
        fine = '"MESSAGE"' in text and "Failed" not in text
        report.check(f"the sandbox {title}", fine, "an entry, and nothing else", text[-500:])
    report.check("the sandbox reaches docker.sock", found("docker") == "hello\n", "hello", found("docker"))
    report.check("the sandbox finds names", "127.0.0.1" in found("names"), "127.0.0.1", found("names"))
    report.check("the sandbox reads a log by its group", '"msg"' in found("log"), "lines", found("log")[:300])
    report.check("the sandbox writes nowhere else", found("written") == "", "nothing", found("written"))
    report.check("the sandbox reads no secret of root", found("secrets") == "", "nothing", "something")
    report.check("the sandbox sees no home", found("homes") == "", "nothing", found("homes"))


def upgraded(report, story, before, done):
    _went(report, "dpkg -i over the running one", done)
    state = story.machine.show("notafter", *ACTIVE)
    fresh = state["ActiveState"] == "active" and state["MainPID"] != before
    report.check("the new one runs", fresh, f"active, not {before}", state)
    time.sleep(2)
    rules = opened(story.hook)
    report.check("and tells nothing again", len(rules) == len(set(rules)), "each once", rules)


def removed(report, machine, done):
    _went(report, "dpkg -r", done)
    left = machine.processes("notafter")
    report.check("nothing of it runs", left == 0, 0, left)
    state = machine.show("notafter", "ActiveState", "SubState")
    report.check("the unit is inactive", state.get("ActiveState") == "inactive", "inactive", state)
    database = machine.root / "var/lib/private/notafter/state.db"
    report.check("the state is still there", database.is_file(), database, "none")


def purged(report, machine, done):
    _went(report, "dpkg -P", done)
    left = [path for path in ("var/lib/private/notafter", "var/lib/notafter") if (machine.root / path).is_symlink()
            or (machine.root / path).exists()]
    report.check("a purge takes the state along", not left, "nothing", left)
    settings = machine.root / "etc/notafter/notafter.toml"
    report.check("and leaves the configuration", settings.is_file(), settings, "none")
