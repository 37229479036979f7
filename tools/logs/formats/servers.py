"""Programs that write like nobody else: klog, redis, Android, Proxifier, PostgreSQL's CSV."""

from __future__ import annotations

import csv
import re
from datetime import datetime

from tools.logs.formats.bodies import plain
from tools.logs.formats.form import DIGITS, Form, Reader, Record, Span, first_seen, form
from tools.logs.levels import Level, level_of
from tools.logs.stamps import CLOCK, MONTH, MONTHS, clock_time

_REDIS_LEVELS = {"#": Level.WARN, "*": Level.INFO}


def _from_klog(reader: Reader, match: re.Match[str]) -> Record | None:
    level, year, month, day, clock, place = match.groups()
    date = f"{year}-{month}-{day}" if year else reader.date(month, day)
    time = clock_time(date, clock, reader.zone)
    stamp = first_seen(time, (match.start(2) if year else match.start(3), match.end(5)))
    message = match.string[match.end() :]
    return Record(time, level_of(level), message, place, {}, stamp)


def _from_redis(reader: Reader, match: re.Match[str]) -> Record | None:
    day, month, year, clock, mark = match.groups()
    date = f"{year}-{MONTHS[month]}-{day}" if year else reader.date(MONTHS[month], day)
    time = clock_time(date, clock, reader.zone)
    stamp = first_seen(time, (match.start(1), match.end(4)))
    level = _REDIS_LEVELS.get(mark, Level.DEBUG)
    return Record(time, level, match.string[match.end() :], "redis", {}, stamp)


def _from_android(reader: Reader, match: re.Match[str]) -> Record | None:
    month, day, clock, letter, tag = match.groups()
    time = clock_time(reader.date(month, day), clock, reader.zone)
    stamp = first_seen(time, (match.start(1), match.end(3)))
    return Record(time, level_of(letter), match.string[match.end() :], tag, {}, stamp)


def _from_bracketed_day(reader: Reader, match: re.Match[str]) -> Record | None:
    month, day, clock, program = match.groups()
    if int(month) > 12:
        return None
    time = clock_time(reader.date(month, day), clock, reader.zone)
    stamp = first_seen(time, (match.start(1), match.end(3)))
    return plain(match.string, match.end(), time, stamp, program or "")


def csv_record(text: str, time: datetime, stamp: Span) -> Record:
    """A line of PostgreSQL's csvlog; its message may go on in the next lines."""
    try:
        columns = next(csv.reader([text]))
    except (csv.Error, StopIteration):
        return plain(text, stamp[1], time, stamp)
    if len(columns) < 14:
        return plain(text, stamp[1] + 1, time, stamp)
    named = {"user": columns[1], "database": columns[2], "sqlstate": columns[12]}
    fields = {name: value for name, value in named.items() if value}
    return Record(time, level_of(columns[11]), columns[13], "", fields, stamp)


SERVERS: tuple[Form, ...] = (
    form(
        "DIWEF",
        rf"([DIWEF])(\d{{4}})?(\d\d)(\d\d) ({CLOCK}) +\d+ ([^\s\]]{{1,200}}:\d+)\] ?",
        _from_klog,
    ),
    form(
        f"{DIGITS}[",
        rf"(?:\d+:[A-Z]|\[\d+\]) (\d\d) ({MONTH}) (?:(\d{{4}}) )?({CLOCK}) ([*#.-]) ",
        _from_redis,
    ),
    form(
        DIGITS,
        rf"(\d\d)-(\d\d) ({CLOCK}) +(?:\d+ +\d+ )?([VDIWEFA])[ /]"
        r"(?:([^:(]{1,120}?) {0,20}(?:\( *\d+\))?: ?)?",
        _from_android,
    ),
    form(
        "[",
        rf"\[(\d\d)\.(\d\d) ({CLOCK})\] (?:([\w.-]{{1,120}}) (?:\*64 )?- )?",
        _from_bracketed_day,
    ),
)
