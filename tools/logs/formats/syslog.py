"""Syslog: RFC 3164 and 5424, the short formats of the journal, and the kernel's own lines."""

from __future__ import annotations

import re

from tools.logs.formats.bodies import body, plain, sent
from tools.logs.formats.form import LETTERS, Form, Reader, Record, first_seen, form
from tools.logs.levels import syslog_level
from tools.logs.stamps import CLOCK, MONTH, MONTHS, clock_time, parse_time

_ESCAPED = re.compile(r'\\(["\\\]])')
_PAIR = re.compile(r'([\w.-]{1,80})="((?:[^"\\]|\\.)*)"')


def _from_3164(reader: Reader, match: re.Match[str]) -> Record | None:
    priority, month, day, clock = match.groups()
    time = clock_time(reader.date(MONTHS[month], day), clock, reader.zone)
    stamp = first_seen(time, (match.start(2), match.end(4)))
    record = sent(reader, match.string, match.end(), time, stamp)
    return _with_priority(record, match) if priority else record


def _from_5424(reader: Reader, match: re.Match[str]) -> Record | None:
    time = parse_time(match[2], reader.zone)
    stamp = first_seen(time, match.span(2))
    service = "" if match[3] == "-" else match[3]
    record = body(reader, match.string, match.end(), time, stamp, service)
    pairs = {name: _ESCAPED.sub(r"\1", value) for name, value in _PAIR.findall(match[4] or "")}
    if pairs:
        record = record._replace(fields={**pairs, **record.fields})
    return _with_priority(record, match)


def _from_priority(reader: Reader, match: re.Match[str]) -> Record | None:
    """A priority before a line of another format, as programs write for the journal."""
    if int(match[1]) > 191:
        return None
    text = match.string
    inner = reader.nested(text, match.end()) or plain(text, match.end())
    return _with_priority(inner, match)


def _with_priority(record: Record, match: re.Match[str]) -> Record:
    """What the program says about its level counts; the priority is often a mere default."""
    if record.level is not None or record.coded is not None:
        return record
    return record._replace(level=syslog_level(int(match[1])), coded=match.span(1))


def _from_kernel(reader: Reader, match: re.Match[str]) -> Record | None:
    """Seconds since the machine started: no time, since nobody says when that was."""
    record = plain(match.string, match.end())
    return record._replace(fields={"uptime_s": float(match[1])})


SYSLOG: tuple[Form, ...] = (
    form(
        f"{LETTERS}<",
        rf"(?:<(\d{{1,3}})>)?({MONTH}) +(\d\d?) ({CLOCK}) ",
        _from_3164,
    ),
    form(
        "<",
        r"<(\d{1,3})>\d{1,2} (\S+) \S+ (\S+) \S+ \S+"
        r' (-|(?:\[(?:[^"\]]++|"(?:[^"\\]++|\\.)*+")*+\])+)?(?: |$)\ufeff?',
        _from_5424,
    ),
    form("<", r"<(\d{1,3})>", _from_priority),
    form("[", r"\[ *(\d{1,9}\.\d{3,9})\] ?", _from_kernel),
)
