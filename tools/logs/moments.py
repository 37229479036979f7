"""Moments and durations in microseconds, and how they are written in a note."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = ((DAY, "days"), (HOUR, "h"), (MINUTE, "min"))


def to_time(micros: int) -> datetime:
    """The moment, in UTC."""
    return _START + timedelta(microseconds=micros)


def to_micros(time: datetime) -> int:
    """Microseconds since 1970."""
    return (time - _START) // _MICROSECOND


def clock(micros: int, beside: int | None = None) -> str:
    """`12:41:03`, in UTC; with its date where that is not the day of `beside`."""
    time = to_time(micros)
    if beside is None or to_time(beside).date() == time.date():
        return f"{time:%H:%M:%S}"
    return f"{time:%Y-%m-%d %H:%M:%S}"


def duration(micros: float) -> str:
    """`0.4 s`, `14 s`, `19 min`, `3 h`: with two digits that count."""
    size = abs(micros)
    for unit, name in _UNITS:
        if size >= 2 * unit:
            return f"{_short(size / unit)} {name}"
    return f"{_short(size / SECOND)} s"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
