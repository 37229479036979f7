"""The journal's export (`journalctl -o json`): what systemd recorded, and the line that was said.

Times are microseconds since 1970. A message that is not UTF-8 is an array of its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.logs.formats.bodies import decoded_body
from tools.logs.formats.encoding import string_start, value_span
from tools.logs.formats.form import Reader, Record, Span
from tools.logs.levels import Level, syslog_level
from tools.logs.stamps import parse_time

_TIME = "__REALTIME_TIMESTAMP"
_SERVICES = ("SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "UNIT", "_COMM")
# The rest names the machine and the boot, the same in every record.
_TELLING = ("_SYSTEMD_UNIT", "_PID", "_HOSTNAME", "_EXE", "ERRNO", "CODE_FUNC", "UNIT", "RESULT")


def is_journal(fields: Mapping[str, object]) -> bool:
    """Whether an object is a record of the journal."""
    return "MESSAGE" in fields and (_TIME in fields or "PRIORITY" in fields)


def from_journal(reader: Reader, text: str, start: int, fields: Mapping[str, object]) -> Record:
    """The record of an object that is one of the journal's."""
    stamped = fields.get(_TIME)
    time = parse_time(stamped)
    stamp = value_span(text, start, _TIME, stamped) if time is not None else None
    level, coded = _level(text, start, fields.get("PRIORITY"))
    service = next((str(fields[key]) for key in _SERVICES if fields.get(key)), "")
    told = {key: fields[key] for key in _TELLING if key in fields}
    outer = Record(time, level, "", service.removesuffix(".service"), told, stamp, coded)
    line = _text_of(fields["MESSAGE"])
    return decoded_body(reader, line, text, string_start(text, start, "MESSAGE"), outer)


def _level(text: str, start: int, priority: object) -> tuple[Level | None, Span | None]:
    if not str(priority).isdecimal():
        return None, None
    return syslog_level(int(str(priority))), value_span(text, start, "PRIORITY", priority)


def _text_of(message: object) -> str:
    if isinstance(message, list):
        # One byte for each number; several messages of one record are strings.
        if all(isinstance(item, int) and 0 <= item < 256 for item in message):
            return bytes(message).decode("utf-8", "replace").rstrip("\n")
        return "\n".join(str(item) for item in message)
    return message.rstrip("\n") if isinstance(message, str) else ""
