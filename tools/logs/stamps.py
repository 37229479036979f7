"""Time stamps: what a written time means in UTC.

A time that cannot be read with certainty is None, never guessed. A zone is certain where it is an
offset or an abbreviation that the tz database has used for one offset since 2000; where a stamp
names no zone the zone of its source counts, except in the hour that this zone's clocks repeat or
skip. Where a stamp stands in a line is left to `tools.logs.formats`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# As two digits.
MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_OFFSETS = {
    "Z": "Z", "UTC": "Z", "GMT": "Z", "WET": "Z", "WEST": "+01", "BST": "+01", "CET": "+01",
    "CEST": "+02", "EET": "+02", "EEST": "+03", "SAST": "+02", "MSK": "+03", "PKT": "+05",
    "WIB": "+07", "AWST": "+08", "HKT": "+08", "JST": "+09", "KST": "+09", "AEST": "+10",
    "AEDT": "+11", "NZST": "+12", "NZDT": "+13", "EST": "-05", "EDT": "-04", "MST": "-07",
    "ACST": "+09:30", "ACDT": "+10:30", "WITA": "+08", "IDT": "+03", "MEST": "+02", "NST": "-03:30",
    "NDT": "-02:30", "MDT": "-06", "PDT": "-07", "AKST": "-09", "AKDT": "-08", "HST": "-10",
}  # fmt: skip
# Each of these is the name of zones hours apart, so that it says less than no zone.
_AMBIGUOUS = ("PST", "CST", "CDT", "IST", "AST", "ADT", "GST", "SST", "ECT", "MSD")
_ZONE_NAMES = "|".join(sorted((*_OFFSETS, *_AMBIGUOUS), key=len, reverse=True))

# Parts of regular expressions. The zone may follow one space, an offset may have its name behind.
CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d++)?+"
MONTH = "|".join(MONTHS)
WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
ZONE = (
    rf"Z(?!\w)|[+-]\d\d(?::?\d\d)?(?![\d:.])| (?:[+-]\d\d:?\d\d(?![\d:.])(?: UTC\b)?"
    rf"|[+-]\d\d(?= \[)|(?:{_ZONE_NAMES})\b(?![.:=/-]))"
)

_LOOSE = re.compile(rf"(\d{{4}}-\d\d-\d\d)[T _,-]+({CLOCK})\s?(\S.*)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d(?:\.\d+)?)(Z|[+-]\d{4})?")
_DAY_MONTH_YEAR = re.compile(
    rf"(?:{WEEKDAY},? )?(\d\d?)[ /-]({MONTH})[ /-](\d{{4}})[ :]({CLOCK})\s?(\S.*)?"
)
_EPOCH = re.compile(r"\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?", re.ASCII)
# 2001 to 2096, in seconds: a number outside is not a time.
_EPOCH_RANGE = (1_000_000_000, 4_000_000_000)
_ENDS_WITH_ZONE = re.compile(rf"\d(?:{ZONE}| -\d\d| [A-Z]\w+/\S+)$|^\d{{10,19}}(?:\.\d+)?$")
_HAS_YEAR = re.compile(r"^\d{4}[-/.]|^\d{8}|[ /-]\d{4}(?=[ :]|$)")


def parse_time(value: object, zone: tzinfo = UTC) -> datetime | None:
    """An ISO 8601 stamp, `20/Nov/2025:12:00:00 +0000`, or seconds, milliseconds, … since 1970.

    As UTC; a stamp without a zone is in `zone`. None for anything else.
    """
    if isinstance(value, str):
        if len(value) >= 19 and value[4] in "-/.":
            return iso_time(value, zone)
        if value[:8].isdigit():
            return _digits_time(value, zone)
        return _day_month_time(value, zone)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch_time(value)
    return None


def iso_time(stamp: str, zone: tzinfo = UTC) -> datetime | None:
    """A stamp that begins with year, month and day, in one of the many ways to write it."""
    if not stamp.startswith("-", 4):
        stamp = f"{stamp[:4]}-{stamp[5:7]}-{stamp[8:]}"
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        match = _LOOSE.fullmatch(stamp)
        return clock_time(match[1], match[2], zone, match[3]) if match else None
    return time if time.tzinfo is UTC else in_utc(time, zone)


def clock_time(
    date: str, clock: str, zone: tzinfo = UTC, zone_text: str | None = None
) -> datetime | None:
    """The time of `YYYY-MM-DD` and `HH:MM:SS` with a fraction; `zone_text` is the zone it names."""
    offset = "Z" if zone is UTC else ""
    if zone_text and "/" in zone_text:
        region = _region(zone_text.strip())
        return None if region is None else clock_time(date, clock, region)
    if zone_text:
        written = _offset(zone_text.strip())
        if written is None:
            return None
        offset = written
    try:
        time = datetime.fromisoformat(f"{date}T{clock}{offset}")
    except ValueError:
        return None
    return time if time.tzinfo is UTC else in_utc(time, zone)


def in_utc(time: datetime, zone: tzinfo) -> datetime | None:
    """`time` in UTC; where it has no zone it is in `zone`, None where that leaves it open."""
    if time.tzinfo is None:
        if zone is UTC:
            return time.replace(tzinfo=UTC)
        time = time.replace(tzinfo=zone)
        if time.utcoffset() != time.replace(fold=1).utcoffset():
            return None
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return None


def certainty(stamp: str) -> int:
    """How much a stamp says: 2 with a zone (or since 1970), 1 with a year, else 0."""
    if stamp.endswith("Z") or "+" in stamp or _ENDS_WITH_ZONE.search(stamp):
        return 2
    return 1 if stamp.startswith("-", 4) or _HAS_YEAR.search(stamp) else 0


def _offset(zone_text: str) -> str | None:
    """The offset of a zone as ISO 8601 writes it; None where the zone could be several."""
    return zone_text.removesuffix(" UTC") if zone_text[0] in "+-" else _OFFSETS.get(zone_text)


def _region(name: str) -> tzinfo | None:
    """The zone that the tz database has under a name like `Europe/Berlin`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _digits_time(value: str, zone: tzinfo) -> datetime | None:
    if _EPOCH.fullmatch(value):
        return _epoch_time(value)
    match = _COMPACT.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone_text = match.groups()
    return clock_time(f"{year}-{month}-{day}", f"{hour}:{minute}:{second}", zone, zone_text)


def _day_month_time(value: str, zone: tzinfo) -> datetime | None:
    match = _DAY_MONTH_YEAR.fullmatch(value)
    if match is None:
        return None
    day, month, year, clock, zone_text = match.groups()
    return clock_time(f"{year}-{MONTHS[month]}-{day:0>2}", clock, zone, zone_text)


def _epoch_time(value: str | int | float) -> datetime | None:
    try:
        seconds = float(value)
    except (OverflowError, ValueError):
        return None
    for _ in range(4):
        if _EPOCH_RANGE[0] <= seconds < _EPOCH_RANGE[1]:
            return datetime.fromtimestamp(seconds, UTC)
        seconds /= 1000
    return None
