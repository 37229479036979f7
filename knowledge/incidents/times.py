"""Times as people write them at the top of a postmortem, and in the names of its file.

A time without a zone is taken as UTC: the text does not say more. Dates whose order of day and
month is anybody's guess (`03/04/2026`) are not read at all.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_CLOCK = re.compile(
    r"[T ,]*(?:at )?(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?P<fraction>\.\d{1,6})?)?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})(?!\w))?"
)
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?!\d)",
        rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})(?!\d)",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? {_MONTH},? (?P<year>\d{{4}})(?!\d)",
    )
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? ", re.IGNORECASE)
_DATE_IN_NAME = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")


def read_time(text: str) -> datetime | None:
    """The time in UTC that `text` begins with, at midnight where it is a day; None if it is none.

    Understands `2026-03-14`, `2026-03-14T09:30:00+01:00`, `2026/3/14 9:30 UTC`, `March 14th, 2026`,
    `Saturday, 14 Mar 2026, 09:30`.
    """
    plain = " ".join(text.split())
    weekday = _WEEKDAY.match(plain)
    plain = plain[weekday.end() :] if weekday else plain
    found = next(filter(None, (date.match(plain) for date in _DATES)), None)
    if found is None:
        return None
    clock = _CLOCK.match(plain, found.end())
    try:
        return _time(_day(found), clock)
    except (ValueError, OverflowError):  # a 31st of February, a 25th hour
        return None


def date_in_name(name: str) -> datetime | None:
    """The first day that stands in a file's name (`2026-03-14-foo`, `foo_20260314`), or None."""
    for found in _DATE_IN_NAME.finditer(name):
        year, month, day = map(int, found.groups())
        if 1 <= month <= 12 and year > 1900:
            return read_time(f"{year}-{month}-{day}")
    return None


def _day(found: re.Match[str]) -> datetime:
    month = found["month"].lower()
    number = int(month) if month.isdigit() else _MONTHS.index(month) + 1
    return datetime(int(found["year"]), number, int(found["day"]), tzinfo=UTC)


def _time(day: datetime, clock: re.Match[str] | None) -> datetime:
    if clock is None:
        return day
    microsecond = round(float(clock["fraction"] or 0) * 1_000_000)
    at = day.replace(
        hour=int(clock["hour"]),
        minute=int(clock["minute"]),
        second=int(clock["second"] or 0),
        microsecond=microsecond,
    )
    return at.replace(tzinfo=_zone(clock["zone"])).astimezone(UTC)


def _zone(name: str | None) -> timezone:
    if name is None or name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    hours, minutes = int(name[1:3]), int(name[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if name[0] == "-" else offset)
