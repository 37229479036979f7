"""Samples: what is too much to be parsed line by line is looked at in parts.

Lines are taken in short runs that are spread evenly, so that both the course of a number and its
steps from one line to the next can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tools.logs.columns.records import Records
from tools.logs.columns.text import Rows
from tools.logs.moments import to_time
from tools.logs.reader import LogLine
from tools.logs.records import Record
from tools.logs.table import NO_TIME

_RUN_LENGTH = 8


class Sampled(NamedTuple):
    """A record of the window, its time and its line."""

    record: Record
    time: datetime | None
    line: LogLine


def spread(positions: Rows, max_positions: int) -> Rows:
    """At most `max_positions` of them in their order, the first and the last included."""
    if len(positions) <= max_positions:
        return positions
    num_runs = max(2, max_positions // _RUN_LENGTH)
    starts = np.linspace(0, len(positions) - _RUN_LENGTH, num_runs).astype(np.int64)
    return positions[np.unique(starts[:, None] + np.arange(_RUN_LENGTH))]


def read(records: Records, positions: Rows) -> Iterator[Sampled]:
    """The records of the window at some positions, parsed one by one."""
    rows = records.window.rows[positions]
    times = records.window.times[positions].tolist()
    lines = records.column.lines(rows)
    for row, micros, line in zip(rows.tolist(), times, lines, strict=True):
        time = to_time(micros) if micros != NO_TIME else None
        yield Sampled(records.variants.record(row), time, line)


class Index:
    """The positions of each number in an array, in their order."""

    def __init__(self, numbers: npt.NDArray[np.int32], num_numbers: int) -> None:
        # Numbers of two bytes are sorted in a fraction of the time.
        is_small = num_numbers <= np.iinfo(np.uint16).max
        self._order = np.argsort(numbers.astype(np.uint16) if is_small else numbers, kind="stable")
        self.counts = np.bincount(numbers, minlength=num_numbers)
        self._ends = np.cumsum(self.counts)

    def positions(self, number: int) -> Rows:
        """Where `number` stands."""
        end = self._ends[number]
        return self._order[end - self.counts[number] : end]
