"""Entries of the systemd journal: which log each belongs to, and its line there.

`journalctl -o json` writes one object a line. Field names and what they mean are those of
systemd.journal-fields(7). Running journalctl is left to `tools.logs.sources.journal`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

FIELDS = (
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "UNIT",
    "OBJECT_SYSTEMD_UNIT",
    "COREDUMP_UNIT",
    "_COMM",
    "_HOSTNAME",
    "_PID",
    "_SYSTEMD_UNIT",
    "_TRANSPORT",
    "_UID",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What systemd gives to everything that a service prints: it says nothing about the line.
_DEFAULT_PRIORITY = "6"
_USER_FACILITY = 8
_CONTINUATION = "\n    "
_SESSION = re.compile(r"session-\w+\.scope|run-\w+\.(?:scope|service)")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry: the unit (or other writer) that it is about, and its text as lines of a log."""

    log: str
    text: str


def parse_entry(line: bytes) -> JournalEntry | None:
    """The entry that one line of JSON holds; None when it is no entry with a time and a message."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    time = _time(_text(fields.get("__REALTIME_TIMESTAMP")))
    message = _text(fields.get("MESSAGE"))
    if time is None or not message.strip():
        return None
    return JournalEntry(_log_of(fields), _line_of(fields, time, message))


def _time(stamp: str) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=int(stamp))
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    """A field's value: text, a list of bytes where it is not UTF-8, or a list of several values."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return ""
    try:
        return bytes(value).decode("utf-8", "replace")
    except (TypeError, ValueError):
        return _text(value[0])


def _log_of(fields: dict[str, Any]) -> str:
    unit = _unit_of(fields)
    if unit:
        return "sessions" if _SESSION.fullmatch(unit) else unit
    if fields.get("_TRANSPORT") == "kernel":
        return "kernel"
    return _text(fields.get("SYSLOG_IDENTIFIER")) or "other"


def _unit_of(fields: dict[str, Any]) -> str:
    """The unit that the entry is about, believed as `journalctl --unit` believes it.

    Anybody may write a field without an underscore: those count only from systemd itself or root.
    """
    claimed = ""
    if fields.get("_PID") == "1":
        claimed = _text(fields.get("UNIT"))
    if not claimed and fields.get("_UID") == "0":
        claimed = _text(fields.get("OBJECT_SYSTEMD_UNIT")) or _text(fields.get("COREDUMP_UNIT"))
    return claimed or _text(fields.get("_SYSTEMD_UNIT"))


def _line_of(fields: dict[str, Any], time: datetime, message: str) -> str:
    """The entry as RFC 5424 where its writer chose a priority, else as `journalctl -o short-iso`.

    Lines after the first are indented, as journalctl does: none can pass for an entry of its own.
    """
    stamp = f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"
    host = _word(fields.get("_HOSTNAME"))
    writer = _word(fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM"))
    process = _word(fields.get("_PID") or ("0" if fields.get("_TRANSPORT") == "kernel" else "-"))
    text = _CONTINUATION.join(message.rstrip().splitlines())
    priority = _text(fields.get("PRIORITY"))
    if priority == _DEFAULT_PRIORITY or priority not in tuple("01234567"):
        place = writer if process == "-" else f"{writer}[{process}]"
        return f"{stamp} {host} {place}: {text}"
    return f"<{_USER_FACILITY + int(priority)}>1 {stamp} {host} {writer} {process} - - {text}"


def _word(value: Any) -> str:
    """A header field of one word, as both formats need it."""
    return re.sub(r"[^\w./@-]+", "_", _text(value))[:80] or "-"
