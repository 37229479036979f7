"""Before and after: whether the numbers of a log changed at a moment, computed over every line.

Two samples are compared by their medians, and by ranks (Mann and Whitney 1947, normal
approximation), which ask nothing of the distribution: latencies have none that is normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from tools.logs.lookup.fields import fitness, measures
from tools.logs.reader import LogLine, read_lines
from tools.logs.records import Level, RecordParser
from tools.logs.severity import effective_level
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

Checkpoint = Callable[[str, int], object]

_MAX_MEASURES = 64
_MAX_VALUES = 200_000
_MIN_VALUES = 5
_CHECK_LINES = 10_000
# A change that matters: a quarter, and by far not by chance.
_RATIO = 1.25
_SIGNIFICANT = 3.0


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the moment: how many values, their median and 95th percentile, a typical line."""

    count: int
    median: float
    p95: float
    line: LogLine


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A number of `source`, before and since the moment. `fits` orders by the question's words."""

    source: str
    name: str
    before: Side
    since: Side
    has_changed: bool
    fits: int

    @property
    def ratio(self) -> float:
        """The median since, as a multiple of the median before."""
        return self.since.median / self.before.median if self.before.median else math.inf


@dataclass(frozen=True, slots=True)
class RateChange:
    """Lines with a problem before and since the moment, and of how many."""

    source: str
    problems_before: int
    total_before: int
    problems_since: int
    total_since: int
    line: LogLine | None
    """The first problem line since."""

    @property
    def shares(self) -> tuple[float, float]:
        """The share of problem lines before and since, from 0.0 to 1.0."""
        return (
            self.problems_before / max(1, self.total_before),
            self.problems_since / max(1, self.total_since),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed at `moment`, the number that the question asks for first."""

    moment: datetime
    numbers: tuple[NumberChange, ...]
    rates: tuple[RateChange, ...]
    num_lines: int


def compare_logs(
    sources: Sequence[LogSource],
    moment: datetime,
    words: str,
    *,
    now: datetime,
    window: Window = EVERYTHING,
    checkpoint: Checkpoint | None = None,
) -> Comparison:
    """The numbers and the problems of `sources` before `moment` and since, within `window`.

    `words` are the question's own, by which the number that it means comes first. Raises
    SourceNotFound or SourceUnreadable.
    """
    readings = [_Reading(source, moment, window, now) for source in sources]
    for reading in readings:
        reading.read(checkpoint)
    numbers = [change for reading in readings for change in reading.numbers(words)]
    numbers.sort(key=lambda n: (-n.fits, not n.has_changed, -abs(math.log(max(n.ratio, 1e-9)))))
    rates = tuple(reading.rate() for reading in readings if reading.num_lines)
    return Comparison(moment, tuple(numbers), rates, sum(reading.num_lines for reading in readings))


class _Values:
    """The values of one number on one side, with their lines."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.lines: list[LogLine] = []

    def add(self, value: float, line: LogLine) -> None:
        if len(self.values) < _MAX_VALUES:
            self.values.append(value)
            self.lines.append(line)

    def side(self) -> Side:
        values = np.asarray(self.values)
        median = float(np.median(values))
        typical = int(np.abs(values - median).argmin())
        p95 = float(np.percentile(values, 95))
        return Side(len(values), median, p95, self.lines[typical])


class _Reading:
    """One source, read once: its numbers and its problems on both sides."""

    def __init__(self, source: LogSource, moment: datetime, window: Window, now: datetime) -> None:
        self.num_lines = 0
        self._source = source
        self._moment = moment
        self._window = window
        self._parser = RecordParser(now)
        self._sides: tuple[dict[str, _Values], dict[str, _Values]] = ({}, {})
        self._problems = [0, 0]
        self._totals = [0, 0]
        self._first_problem: LogLine | None = None

    def read(self, checkpoint: Checkpoint | None) -> None:
        time: datetime | None = None
        for line in read_lines(self._source):
            self.num_lines += 1
            if checkpoint is not None and self.num_lines % _CHECK_LINES == 0:
                checkpoint(self._source.name, self.num_lines)
            record = self._parser.parse(line.text)
            time = record.time or time
            if time is None or time not in self._window:
                continue
            side = int(time >= self._moment)
            self._totals[side] += 1
            level = effective_level(record.level, record.message)
            if level is not None and level >= Level.WARN:
                self._problems[side] += 1
                if side and self._first_problem is None:
                    self._first_problem = line
            for name, text in measures(record):
                known = self._sides[side]
                if name in known or len(known) < _MAX_MEASURES:
                    known.setdefault(name, _Values()).add(float(text), line)

    def numbers(self, words: str) -> list[NumberChange]:
        before, since = self._sides
        shared = [name for name in since if name in before]
        return [
            self._number(name, before[name], since[name], words)
            for name in shared
            if min(len(before[name].values), len(since[name].values)) >= _MIN_VALUES
        ]

    def rate(self) -> RateChange:
        problems, totals = self._problems, self._totals
        return RateChange(
            self._source.name, problems[0], totals[0], problems[1], totals[1], self._first_problem
        )

    def _number(self, name: str, before: _Values, since: _Values, words: str) -> NumberChange:
        old, new = before.side(), since.side()
        low, high = sorted((old.median, new.median))
        is_large = high > 0 and (low <= 0 or high / low >= _RATIO)
        by_chance = abs(_rank_score(np.asarray(before.values), np.asarray(since.values)))
        has_changed = is_large and by_chance >= _SIGNIFICANT
        return NumberChange(self._source.name, name, old, new, has_changed, fitness(name, words))


def _rank_score(before: npt.NDArray[np.float64], since: npt.NDArray[np.float64]) -> float:
    """How many standard deviations the ranks of `since` lie above what chance gives them."""
    together = np.concatenate([before, since])
    _, places, counts = np.unique(together, return_inverse=True, return_counts=True)
    # Equal values share the mean of their ranks.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    n, m = len(before), len(since)
    total = n + m
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    if variance <= 0:
        return 0.0
    mean = m * (total + 1) / 2
    return float((ranks[n:].sum() - mean) / math.sqrt(variance))
