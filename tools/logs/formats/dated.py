"""Lines that begin with a full date, year first or with the month's name, as most programs write.

Numbers for day, month and year can be read in several ways where the year is not in front; of those
only `17/06/09 20:10:40 INFO` and `081109 203615 148 INFO` are read, log4j's layouts with the year
first, and MySQL's old `251120 12:00:00`.
"""

from __future__ import annotations

import re
from datetime import UTC

from tools.logs.formats.bodies import body, plain, stamped
from tools.logs.formats.form import DIGITS, LETTERS, Form, Reader, Record, first_seen, form
from tools.logs.formats.headers import read_header
from tools.logs.formats.servers import csv_record
from tools.logs.levels import level_of
from tools.logs.stamps import CLOCK, MONTH, MONTHS, WEEKDAY, ZONE, clock_time, iso_time

_GAP = r"[\])]?[\s|:,]*(?:-+\s+)?"
_DATE_CLOCK = rf"\d{{4}}[-/.]\d\d[-/.]\d\d(?:[T _-]|, ){CLOCK}"
_CONTAINER = re.compile(r"std(?:out|err) [FP] ")


def _from_iso(reader: Reader, match: re.Match[str]) -> Record | None:
    text, start, stamp = match.string, match.end(), match.span(1)
    time = iso_time(match[1], reader.zone)
    if time is None:
        return stamped(reader, text, start, None, None) if _is_stamp(match[1]) else None
    if text.startswith(",", stamp[1]) and text.startswith((",", '"'), stamp[1] + 1):
        return csv_record(text, time, stamp)
    if text.startswith("std", start):
        container = _CONTAINER.match(text, start)
        if container is not None:
            return body(reader, text, container.end(), time, stamp)
    return stamped(reader, text, start, time, stamp)


def _is_stamp(stamp: str) -> bool:
    """Whether only the zone is in doubt; with a 13th month it is no stamp."""
    bare = re.match(_DATE_CLOCK, stamp)
    return bare is not None and iso_time(bare[0], UTC) is not None


def _from_short_hour(reader: Reader, match: re.Match[str]) -> Record | None:
    date, hour, rest, half = match.groups()
    time = iso_time(f"{date}T{_hour(hour, half)}{rest}", reader.zone)
    if time is None:
        return None
    stamp = match.start(1), match.end(4) if half else match.end(3)
    return stamped(reader, match.string, match.end(), time, stamp)


def _hour(hour: str, half: str | None) -> str:
    """An hour of a clock of 12 hours (`half` is AM or PM) or 24, as two digits."""
    if half and 1 <= int(hour) <= 12:
        return f"{int(hour) % 12 + (12 if half == 'PM' else 0):02}"
    return f"{hour:0>2}"


def _from_prefixed(reader: Reader, match: re.Match[str]) -> Record | None:
    """A stamp behind one word: a level, a weekday, the file that the line is from."""
    record = reader.nested(match.string, match.end())
    if record is None or record.time is None:
        return None
    level = level_of(match[1].strip("[](),:|"))
    return record if level is None else record._replace(level=level)


def _from_day_first(reader: Reader, match: re.Match[str]) -> Record | None:
    day, month, year, clock, zone = match.groups()
    time = clock_time(f"{year}-{MONTHS[month]}-{day:0>2}", clock, reader.zone, zone)
    stamp = first_seen(time, (match.start(1), match.end(5) if zone else match.end(4)))
    return stamped(reader, match.string, match.end(), time, stamp)


def _from_month_first(reader: Reader, match: re.Match[str]) -> Record | None:
    month, day, year, hour, rest, half = match.groups()
    clock = f"{_hour(hour, half)}{rest}"
    time = clock_time(f"{year}-{MONTHS[month]}-{day:0>2}", clock, reader.zone)
    stamp = first_seen(time, (match.start(1), match.end(6) if half else match.end(5)))
    return stamped(reader, match.string, match.end(), time, stamp)


def _from_year_last(reader: Reader, match: re.Match[str]) -> Record | None:
    month, day, clock, zone, year = match.groups()
    time = clock_time(f"{year}-{MONTHS[month]}-{day:0>2}", clock, reader.zone, zone)
    stamp = first_seen(time, (match.start(1), match.end(5)))
    return stamped(reader, match.string, match.end(), time, stamp)


def _from_short_year(reader: Reader, match: re.Match[str]) -> Record | None:
    year, month, day, hour, minute, second = match.groups()
    clock = f"{hour}:{minute}:{second}"
    time = clock_time(f"20{year}-{month}-{day}", clock, reader.zone)
    if time is None:
        return None
    return stamped(reader, match.string, match.end(), time, (match.start(1), match.end(6)))


def _from_compact(reader: Reader, match: re.Match[str]) -> Record | None:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    clock = f"{hour:0>2}:{minute:0>2}:{second:0>2}" + (f".{fraction:0>3}" if fraction else "")
    time = clock_time(f"{year}-{month}-{day}", clock, reader.zone, zone)
    if time is None:
        return None
    text, stamp = match.string, (match.start(1), match.end(match.lastindex or 0))
    columns = _COLUMNS.match(text, match.end())
    if columns is not None:
        return plain(text, columns.end(), time, stamp, columns[1])
    return stamped(reader, text, match.end(), time, stamp)


def _from_clock(reader: Reader, match: re.Match[str]) -> Record | None:
    """A time of the day alone is no time that could be trusted, but a header may follow it."""
    text = match.string
    header = read_header(text, match.end())
    if header is not None:
        level, service, end, _ = header
        return Record(None, level, text[end:], service)
    return None if match.start() else plain(text, match.end())


# `|component|process|`
_COLUMNS = re.compile(r"\|([\w.$-]{1,80})\|\d+\|\s*")
# Where a level follows, two digits for the year are in front.
_LEVEL_AHEAD = r"(?=\s+(?:\d+ )?(?:\[?(?:TRACE|DEBUG|INFO|Note|NOTICE|Warning|WARN|ERROR|FATAL)\b))"

ISO: tuple[Form, ...] = (
    form(f"{DIGITS}[(", rf"[\[(]?({_DATE_CLOCK}(?! [AP]M\b)(?:{ZONE})?){_GAP}", _from_iso),
)
DATED: tuple[Form, ...] = (
    form(
        f"{DIGITS}[(",
        r"[\[(]?(\d{4}[-/.]\d\d[-/.]\d\d)[T ] ?(\d\d?)(:\d\d:\d\d(?:[.,]\d++)?+)(?: ([AP]M)\b)?"
        rf"{_GAP}",
        _from_short_hour,
    ),
    form(
        DIGITS,
        r"(\d{4})(\d\d)(\d\d)[-T ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,9}))?"
        rf"({ZONE})?(?:(?=\|)|{_GAP})",
        _from_compact,
    ),
    form(
        DIGITS,
        rf"(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d){_LEVEL_AHEAD}\s+",
        _from_short_year,
    ),
    form(DIGITS, rf"(\d\d)(\d\d)(\d\d) +(\d\d):?(\d\d):?(\d\d){_LEVEL_AHEAD}\s+", _from_short_year),
    form(
        f"{DIGITS}[{LETTERS}",
        rf"\[?(?:{WEEKDAY},? )?(\d\d?)[ /-]({MONTH})[ /-](\d{{4}})[ :]({CLOCK})"
        rf"({ZONE}| [A-Z]\w{{2,30}}/[\w/+-]{{2,60}}(?=\]))?{_GAP}",
        _from_day_first,
    ),
    form(
        f"[{LETTERS}",
        rf"\[?({MONTH}) (\d\d?), (\d{{4}}),? (\d{{1,2}})(:\d\d:\d\d(?:[.,]\d+)?)"
        rf"(?: ([AP]M))?{_GAP}",
        _from_month_first,
    ),
    form(
        f"[{LETTERS}",
        rf"\[?{WEEKDAY} ({MONTH}) +(\d\d?) ({CLOCK})( [A-Z]{{3,4}})? (\d{{4}}){_GAP}",
        _from_year_last,
    ),
    form(f"{DIGITS}[", rf"\[?{CLOCK}[\])]?[\s|,-]+", _from_clock),
    form(f"[{LETTERS}", r"(\S{1,200}?)[ |:]{1,8}+\[?(?=\d{4}-\d\d-\d\d[T _,])", _from_prefixed),
)
