"""Numbers: which figures in a log are worth following, and under which name.

A latency or a memory size tells a story; a port or a request number does not. Numeric fields are
followed per source, numbers inside plain messages per template and place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tools.logs.drift import Drift
from tools.logs.reader import LogLine
from tools.logs.series import Series

_IDENTITY = re.compile(
    r"(?:^|[._-])(?:p?id|uid|gid|tid|port|seq|sequence|offset|line|lineno|pid|ts|time|timestamp|epoch"
    r"|year|version|v|code|status|statuscode|level|attempt|entry|index|step|build)$|Id$|Port$|Code$",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r"ms\b|_s$|sec|latency|duration|elapsed|took|response|time_|mem|heap|rss|bytes|size|kb\b|mb\b|gb\b"
    r"|cpu|load|usage|used|free|util|pct|percent|%|rate|depth|queue|lag|backlog|pending|count|temp"
    r"|connections|threads|sessions|goroutines|per_second|rps|qps|cache|pool|buffer|length|waiting|wait"
    r"|active|open|clients|retries|errors|pause|delay|\bage\b|locks",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.:/-])([-+]?\d+(?:\.\d+)?)(?![\d:/.-]*\d)\s?(%|[a-zA-Zµ]{1,3}\b)?")
_MAX_IN_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Followed:
    """A number that changed lastingly, and how many of the lines with it were looked at.

    `is_measure`: it is a field of its own, or the words before it say that it measures something.
    """

    name: str
    drift: Drift
    num_looked_at: int
    num_lines: int
    is_measure: bool = True

    @property
    def remark(self) -> str:
        """What a note must add: nothing where all lines were looked at."""
        if self.num_looked_at == self.num_lines:
            return ""
        return f"; of {self.num_lines:,} lines {self.num_looked_at:,} were looked at"


def is_measure(name: str) -> bool:
    """Whether the words before a number say that it measures something."""
    return _MEASURE.search(name) is not None


def numeric_fields(fields: Mapping[str, object]) -> tuple[str, ...]:
    """The fields whose values are numbers worth following."""
    return tuple(
        key
        for key, value in fields.items()
        if value.__class__ in (int, float) and not _IDENTITY.search(key)
    )


class FieldNumbers:
    """Some numeric fields of one source's structured lines."""

    def __init__(self, names: Iterable[str]) -> None:
        self._series = {name: Series() for name in names}

    def add(self, fields: Mapping[str, object], time: datetime | None, line: LogLine) -> None:
        """Follow the numeric fields of one record."""
        for name, series in self._series.items():
            value = fields.get(name)
            if value.__class__ is int or value.__class__ is float:
                series.add(value, time, line)

    def drifts(self) -> list[tuple[str, Drift]]:
        """The fields that changed lastingly, by name."""
        return _drifts(self._series)


class MessageNumbers:
    """The numbers inside the messages of one template, by their place in it."""

    __slots__ = ("_series",)

    def __init__(self) -> None:
        self._series = [Series() for _ in range(_MAX_IN_MESSAGE)]

    def add(self, message: str, time: datetime | None, line: LogLine) -> None:
        """Follow the numbers of one message."""
        for series, number in zip(self._series, _NUMBER.findall(message), strict=False):
            series.add(float(number[0]), time, line)

    def drifts(self, sample: str) -> list[tuple[str, Drift]]:
        """The numbers that changed lastingly, named after the words before them in `sample`."""
        matches = list(_NUMBER.finditer(sample))[:_MAX_IN_MESSAGE]
        names = [_name(sample, match, place) for place, match in enumerate(matches, 1)]
        return _drifts(dict(zip(names, self._series, strict=False)))


def _name(message: str, match: re.Match[str], place: int) -> str:
    words = re.findall(r"[A-Za-z_][\w.-]*", message[max(0, match.start() - 40) : match.start()])
    before = " ".join(words[-2:]) or f"number {place}"
    return f"{before} ({match[2]})" if match[2] else before


def _drifts(series_by_name: Mapping[str, Series]) -> list[tuple[str, Drift]]:
    found: list[tuple[str, Drift]] = []
    for name, series in series_by_name.items():
        drift = series.drift()
        if drift is None or _IDENTITY.search(name.split(" (")[0].split(" ")[-1]):
            continue
        if series.is_counter and not _MEASURE.search(name):
            continue
        found.append((name, drift))
    return found
