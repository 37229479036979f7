"""The records of a source as columns: which lines they are, from when, and of which kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tools.logs.columns.clocks import Micros
from tools.logs.columns.continuations import absorbed
from tools.logs.columns.text import LineColumn, Rows
from tools.logs.columns.variants import Variants
from tools.logs.groups import Kinds
from tools.logs.moments import to_micros
from tools.logs.records import RecordParser
from tools.logs.table import NO_TIME
from tools.window import EVERYTHING, Window

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a source in their order: their lines, times and the numbers of their kinds.

    A record without a time stamp has the time of the one before.
    """

    rows: Rows
    times: Micros
    kinds: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one source that lie in the window and in the baseline.

    `span` is the earliest and the latest time stamp of all that was read, None without any.
    """

    column: LineColumn
    variants: Variants
    kinds: Kinds
    window: Part
    baseline: Part | None
    span: tuple[int, int] | None


def find_records(
    column: LineColumn,
    parser: RecordParser,
    window: Window,
    baseline: Window | None,
    check: Callable[[], None],
) -> Records:
    """The records of a source. Lines that were read as a sample are only ever the baseline's.

    `check` is called now and then; what it raises ends the work.
    """
    kinds = Kinds()
    variants = Variants(column, parser, kinds, check)
    rows = _record_rows(variants, check)
    stamps = variants.times[rows]
    times = _filled(stamps)
    is_sample = column.is_sample[rows]
    in_window = _within(times, window, without_time=True) & ~is_sample
    in_baseline = np.zeros(len(rows), np.bool_)
    if baseline is not None:
        in_baseline = _within(times, baseline, without_time=False) & ~in_window
    elif window == EVERYTHING:
        in_baseline = is_sample

    def part(chosen: Bools) -> Part:
        return Part(rows[chosen], times[chosen], variants.kinds_of(rows[chosen]))

    has_baseline = baseline is not None or bool(in_baseline.any())
    return Records(
        column,
        variants,
        kinds,
        part(in_window),
        part(in_baseline) if has_baseline else None,
        _span(stamps),
    )


def _record_rows(variants: Variants, check: Callable[[], None]) -> Rows:
    rows = np.flatnonzero(~variants.lookup(lambda variant: variant.is_blank, np.bool_))
    record_rows: Rows = rows[~absorbed(variants, rows, check)]
    return record_rows


def _filled(stamps: Micros) -> Micros:
    """Each without a time with the time before it; what comes before the first has none."""
    last = np.maximum.accumulate(np.where(stamps != NO_TIME, np.arange(len(stamps)), -1))
    # The place -1 is the last one: it must not lend its time to the first.
    return np.where(last >= 0, stamps[last], NO_TIME)


def _within(times: Micros, window: Window, *, without_time: bool) -> Bools:
    is_in: Bools = times != NO_TIME
    if window.start is not None:
        is_in &= times >= to_micros(window.start)
    if window.end is not None:
        is_in &= times < to_micros(window.end)
    if without_time:
        is_in |= times == NO_TIME
    return is_in


def _span(stamps: Micros) -> tuple[int, int] | None:
    timed = stamps[stamps != NO_TIME]
    return (int(timed.min()), int(timed.max())) if len(timed) else None
