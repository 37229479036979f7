"""The records of analysed logs as tables: which template each one is of, and when it is from.

This is what findings over time and across sources are made from: a template that falls silent,
bursts, or precedes another. One grid of equal buckets of time serves all sources of an analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tools.logs.groups import Group

NO_TIME = np.iinfo(np.int64).min
NUM_BUCKETS = 240


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The records of one source in the window, in their order.

    Record i is one of `groups[group_of[i]]` and from `times[i]`, in microseconds since 1970 (UTC):
    NO_TIME where neither it nor a record before it has a time stamp. Where the newest part of a
    source was read, there is nothing of what is older.
    """

    source: str
    groups: Sequence[Group]
    group_of: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal buckets of time: `start` and `width` in microseconds."""

    start: int
    width: int
    num_buckets: int

    @classmethod
    def over(cls, tables: Iterable[SourceTable], num_buckets: int = NUM_BUCKETS) -> Grid | None:
        """The grid from the first to the last time of all `tables`; None where there is none."""
        spans = [_span(table.times) for table in tables]
        known = [span for span in spans if span is not None]
        if not known:
            return None
        start, end = min(first for first, _ in known), max(last for _, last in known)
        return cls(start, (end - start) // num_buckets + 1, num_buckets)

    def activity(self, table: SourceTable) -> npt.NDArray[np.int64]:
        """How many records of each group lie in each bucket: (groups, buckets)."""
        is_timed = table.times != NO_TIME
        buckets = (table.times[is_timed] - self.start) // self.width
        places = table.group_of[is_timed].astype(np.int64) * self.num_buckets + buckets
        shape = len(table.groups), self.num_buckets
        return np.bincount(places, minlength=shape[0] * shape[1]).reshape(shape)


def _span(times: npt.NDArray[np.int64]) -> tuple[int, int] | None:
    timed = times[times != NO_TIME]
    return (int(timed.min()), int(timed.max())) if len(timed) else None
