from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tools.logs.records import Level, RecordParser
from tools.logs.sources.journal_entries import JournalEntry, parse_entry

STAMP = "2026-03-01T12:00:00.250000Z"


def parsed(**fields: Any) -> JournalEntry | None:
    entry = {"__REALTIME_TIMESTAMP": "1772366400250000", "MESSAGE": "hello", **fields}
    return parse_entry(json.dumps(entry).encode())


def entry_of(**fields: Any) -> JournalEntry:
    entry = parsed(**fields)
    assert entry is not None
    return entry


@pytest.mark.parametrize(
    ("fields", "log"),
    [
        ({"_SYSTEMD_UNIT": "nginx.service"}, "nginx.service"),
        ({"_SYSTEMD_UNIT": "init.scope", "UNIT": "db.service", "_PID": "1"}, "db.service"),
        ({"_SYSTEMD_UNIT": "evil.service", "UNIT": "db.service", "_PID": "99"}, "evil.service"),
        ({"_SYSTEMD_UNIT": "c.service", "COREDUMP_UNIT": "db.service", "_UID": "0"}, "db.service"),
        ({"_SYSTEMD_UNIT": "c.service", "COREDUMP_UNIT": "db.service", "_UID": "5"}, "c.service"),
        ({"OBJECT_SYSTEMD_UNIT": "db.service", "_UID": "0"}, "db.service"),
        ({"_SYSTEMD_UNIT": "session-12.scope"}, "sessions"),
        ({"_SYSTEMD_UNIT": "run-r12ab.service"}, "sessions"),
        ({"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}, "kernel"),
        ({"SYSLOG_IDENTIFIER": "kernel"}, "kernel"),
        ({"SYSLOG_IDENTIFIER": "cron"}, "cron"),
        ({}, "other"),
    ],
)
def test_each_entry_belongs_to_the_unit_it_is_about(fields: dict[str, str], log: str) -> None:
    assert entry_of(**fields).log == log


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, f"{STAMP} - -: hello"),
        (
            {"_HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "nginx", "_PID": "7", "PRIORITY": "6"},
            f"{STAMP} web1 nginx[7]: hello",
        ),
        ({"_COMM": "my app", "PRIORITY": "3"}, f"<11>1 {STAMP} - my_app - - - hello"),
        ({"PRIORITY": "7"}, f"<15>1 {STAMP} - - - - - hello"),
        ({"PRIORITY": "9"}, f"{STAMP} - -: hello"),
        ({"PRIORITY": ["4", "3"]}, f"<12>1 {STAMP} - - - - - hello"),
        ({"MESSAGE": "a\nb\n\n"}, f"{STAMP} - -: a\n    b"),
        ({"MESSAGE": "a\r\n<0>1 fake\u2028x"}, f"{STAMP} - -: a\n    <0>1 fake\n    x"),
        ({"MESSAGE": [104, 105, 255]}, f"{STAMP} - -: hi\ufffd"),
        ({"MESSAGE": ["one", "two"]}, f"{STAMP} - -: one"),
    ],
)
def test_an_entry_as_lines_of_a_log(fields: dict[str, Any], text: str) -> None:
    assert entry_of(**fields).text == text


@pytest.mark.parametrize(
    ("fields", "level", "service", "message"),
    [
        ({"PRIORITY": "3"}, Level.ERROR, "nginx", "hello"),
        ({"PRIORITY": "6"}, None, "nginx", "hello"),
        ({"PRIORITY": "6", "MESSAGE": "ERROR no disk"}, Level.ERROR, "nginx", "ERROR no disk"),
    ],
)
def test_a_line_is_read_back_with_time_level_and_service(
    fields: dict[str, str], level: Level | None, service: str, message: str
) -> None:
    entry = entry_of(_HOSTNAME="web1", SYSLOG_IDENTIFIER="nginx", _PID="7", **fields)
    record = RecordParser(datetime(2026, 3, 2, tzinfo=UTC)).parse(entry.text)
    assert record.time == datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)
    assert (record.level, record.service, record.message) == (level, service, message)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no json",
        b"[1]",
        b"[" * 50_000,
        b'{"MESSAGE": "x"}',
        b'{"__REALTIME_TIMESTAMP": "x", "MESSAGE": "x"}',
        b'{"__REALTIME_TIMESTAMP": "99999999999999999999999", "MESSAGE": "x"}',
        b'{"__REALTIME_TIMESTAMP": "1772366400250000"}',
        b'{"__REALTIME_TIMESTAMP": "1772366400250000", "MESSAGE": " \\n"}',
        b'{"__REALTIME_TIMESTAMP": "1772366400250000", "MESSAGE": null}',
        b'{"__REALTIME_TIMESTAMP": "1772366400250000", "MESSAGE": [[[]]]}',
    ],
)
def test_what_is_no_entry_is_none(line: bytes) -> None:
    assert parse_entry(line) is None
