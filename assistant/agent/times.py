"""The time that a question is about, read from its words.

Times of the clock are UTC and lie in the past: "since 14:00", asked at 13:00, is yesterday's. Only
what can be read with certainty is taken.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tools.window import Window

_NUMBER_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_PERIOD = re.compile(
    rf"\b(?:last|past|previous|since)\s+(?:(\d+|{'|'.join(_NUMBER_WORDS)}|half(?:\s+an?)?)\s*)?"
    r"(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|[smhdw])\b",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME = r"(?:at |about |around |roughly )?(\d{1,2}(?:[:.h]\d\d(?::\d\d)?(?:\s?[ap]m)?|\s?[ap]m))\b"
# "since the deploy at 14:00": what happened then may be named in between.
_NAMED = r"(?:(?:the|a|an|that|our)\s+[\w -]{1,40}?)?"
_SINCE = re.compile(rf"\b(?:since|after|from)\s+{_NAMED}{_TIME}", re.IGNORECASE)
_UNTIL = re.compile(rf"\b(?:before|until|till|up to)\s+{_NAMED}{_TIME}", re.IGNORECASE)
_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_TIME}\s*(?:and|to|until|till|-|–)\s*{_TIME}", re.I)  # noqa: RUF001
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?(?::(\d\d))?\s?([ap]m)?", re.IGNORECASE)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]*"
_DAY = re.compile(
    rf"\b(?:(today|yesterday)|(\d{{4}})-(\d\d)-(\d\d)|{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH})\b",
    re.IGNORECASE,
)


def read_window(text: str, now: datetime) -> Window:
    """The time that `text`, asked at `now`, names; everything where it names none."""
    if period := _PERIOD.search(text):
        end = _end(text, now)
        return Window((end or now) - timedelta(seconds=_period_seconds(period)), end)
    if between := _BETWEEN.search(text):
        return Window(*_ordered(_moment(between[1], text, now), _moment(between[2], text, now)))
    start, end, day = read_moment(text, now), _end(text, now), _day(text, now)
    if start or end or day is None:
        return Window(*_ordered(start, end))
    is_today = day + timedelta(days=1) > now
    return Window(day, None if is_today else day + timedelta(days=1))


def without_times(text: str) -> str:
    """`text` without the words that name its time, which stand in no log line."""
    for pattern in (_PERIOD, _BETWEEN, _SINCE, _UNTIL, _DAY):
        text = pattern.sub(" ", text)
    return text


def read_moment(text: str, now: datetime) -> datetime | None:
    """The moment that `text` compares with ("since the deploy at 14:00"), if it names one."""
    since = _SINCE.search(text)
    return _moment(since[1], text, now) if since else None


def _period_seconds(period: re.Match[str]) -> float:
    amount, unit = (period[1] or "1").lower(), _SECONDS[period[2][0].lower()]
    if amount.startswith("half"):
        return unit / 2
    return float(_NUMBER_WORDS.get(amount, 0) or int(amount)) * unit


def _end(text: str, now: datetime) -> datetime | None:
    until = _UNTIL.search(text)
    return _moment(until[1], text, now) if until else None


def _ordered(
    start: datetime | None, end: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """A range over midnight begins the day before."""
    if start and end and end <= start:
        return start - timedelta(days=1), end
    return start, end


def _moment(clock: str, text: str, now: datetime) -> datetime | None:
    """The last moment before `now`, or on the day that `text` names, that `clock` shows."""
    match = _CLOCK.match(clock)
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    half = (match[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    day = _day(text, now)
    base = day or now.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = base + timedelta(hours=hour, minutes=minute, seconds=second)
    return moment if day or moment <= now else moment - timedelta(days=1)


def _day(text: str, now: datetime) -> datetime | None:
    """The midnight with which the day begins that `text` names."""
    match = _DAY.search(text)
    if match is None:
        return None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    word, year, month, day, name, number, other_number, other_name = match.groups()
    if word:
        return midnight - timedelta(days=word.lower() == "yesterday")
    try:
        if year:
            return midnight.replace(year=int(year), month=int(month), day=int(day))
        named = _MONTHS.index((name or other_name).lower()) + 1
        found = midnight.replace(month=named, day=int(number or other_number))
    except ValueError:
        return None
    return found if found <= now else found.replace(year=found.year - 1)
