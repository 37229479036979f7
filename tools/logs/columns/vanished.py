"""Vanished templates: what came regularly in the baseline and never in the window."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from tools.logs.columns.counting import Count
from tools.logs.columns.records import Part, Records
from tools.logs.columns.samples import Index
from tools.logs.groups import Kind
from tools.logs.records import Level
from tools.logs.signs.rhythm import Rhythm
from tools.logs.signs.silences import Vanished
from tools.logs.table import NO_TIME

_MAX_KINDS = 2_000
_MAX_VANISHED = 60


def vanished(records: Records, counted: Count) -> list[Vanished]:
    """The templates of the baseline that have a rhythm and no record in the window.

    None where the baseline is only a sample: it says nothing about gaps.
    """
    baseline = records.baseline
    if baseline is None or records.column.is_sample[baseline.rows].any():
        return []
    return list(islice(_vanished(records, counted, baseline), _MAX_VANISHED))


def _vanished(records: Records, counted: Count, baseline: Part) -> Iterator[Vanished]:
    index = Index(baseline.kinds, len(records.kinds.all))
    left = [kind for kind in records.kinds.all if counted.group_of_kind[kind.number] < 0]
    left.sort(key=lambda kind: -int(index.counts[kind.number]))
    for kind in left[:_MAX_KINDS]:
        positions = index.positions(kind.number)
        if not len(positions):
            break
        times = baseline.times[positions]
        rhythm = Rhythm.of(np.sort(times[times != NO_TIME]), int(positions[-1]))
        if rhythm is not None and not _is_problem(kind):
            (line,) = records.column.lines(baseline.rows[[rhythm.position]])
            yield Vanished(kind.template, line, rhythm)


def _is_problem(kind: Kind) -> bool:
    return (kind.effective_level() or Level.DEBUG) >= Level.WARN
