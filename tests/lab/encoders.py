"""One Caddy that writes each line in every way that its encoders know."""

from caddy import modules
from scenario import Closed


def _options(**options):
    return "{\n" + "".join(f"\t\t\t{key} {value}\n" for key, value in options.items()) + "\t\t}"


def _json(**options):
    return "json " + _options(**options)


VARIANTS = {
    "console": "console",
    "console-plain": "console " + _options(time_format="rfc3339", level_format="upper", duration_format="string"),
    "renamed": _json(message_key="message", level_key="severity", time_key="when", name_key="source"),
    "nameless": _json(name_key='""'),
    "texts": _json(time_format="rfc3339_nano", duration_format="string"),
    "seconds": _json(time_format="rfc3339", level_format="upper"),
    "nanoseconds": _json(time_format="unix_nano", duration_format="nano"),
    "milliseconds": _json(time_format="unix_milli_float"),
    "iso8601": _json(time_format="iso8601", level_format="color"),
    "wall": _json(time_format="wall", time_local=""),
    "wall-milli": _json(time_format="wall_milli"),
    "common-log": _json(time_format="common_log"),
    "layout": _json(time_format='"Mon, 02 Jan 2006 15:04:05.000 MST"'),
    "filter": "filter {\n\t\t\twrap json\n\t\t\tfields {\n\t\t\t\tmax_duration delete\n\t\t\t\tca hash\n\t\t\t}\n\t\t}",
}
# What only some versions have, and the module by which they are known.
IF_MODULE = {
    "append": ("append", "append {\n\t\t\twrap json\n\t\t\tfields {\n\t\t\t\thost example\n\t\t\t}\n\t\t}"),
    "journald-json": ("journald", "journald {\n\t\t\twrap json\n\t\t}"),
    "journald-console": ("journald", "journald {\n\t\t\twrap console\n\t\t}"),
    "whole-milliseconds": ("append", _json(duration_format="ms")),
}


class Encoders(Closed):
    """The authority is away; every log beside `caddy.log` says the same in other words."""

    name, lasts = "encoders", 30

    def variants(self):
        known = modules(self.binary)
        more = {name: how for name, (module, how) in IF_MODULE.items() if f"caddy.logging.encoders.{module}" in known}
        return {**VARIANTS, **more}

    def options(self):
        logs = ""
        for name, how in self.variants().items():
            file = self.directory / f"{name}.log"
            logs += f"\tlog {name} {{\n\t\toutput file {file} {{\n\t\t\troll_disabled\n\t\t}}\n\t\tformat {how}\n\t\tlevel INFO\n\t}}\n"
        return logs

    def kept(self):
        return {**super().kept(), **{f"{name}.log": self.directory / f"{name}.log" for name in self.variants()}}
