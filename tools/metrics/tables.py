"""`TableMetrics`: the metrics of a bundle, from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tools.errors import InvalidQuery, SourceNotFound, SourceUnreadable
from tools.metrics.backend import (
    Alert,
    Deadline,
    Family,
    Quotation,
    Reading,
    Span,
    Targets,
    group_families,
    names_of,
)
from tools.metrics.labels import parse_selector
from tools.metrics.names import close_names
from tools.metrics.recorded import ALERTS, UP, alerts_of, targets_of
from tools.metrics.series import Series
from tools.metrics.table import Table, read_row, read_table
from tools.window import Window


class TableMetrics:
    """The series of `tables`: file name to path. They are read once, on the first question."""

    def __init__(self, tables: Mapping[str, Path]) -> None:
        self._paths = dict(tables)
        self._tables: dict[str, Table] | None = None
        self._notes: list[str] = []

    @property
    def name(self) -> str:
        """The files' names."""
        return ", ".join(self._paths)

    def span(self, window: Window, baseline: Window | None, deadline: Deadline) -> Span:
        """From the baseline, or the first sample, to the window's end, or the last sample."""
        bounds = [(one.times[0], one.times[-1]) for one in self._series() if len(one)]
        if not bounds:
            raise SourceNotFound(f"there are no samples in {self.name}", "; ".join(self._notes))
        first = float(min(start for start, _ in bounds))
        last = float(max(end for _, end in bounds))
        end = min(last, window.end.timestamp()) if window.end else last
        start = window.start.timestamp() if window.start else first
        before = baseline.start.timestamp() if baseline and baseline.start else first
        return Span(max(first, min(before, start)), max(first, start), end)

    def alerts(self, span: Span, deadline: Deadline) -> Sequence[Alert]:
        """The recorded `ALERTS` series as alerts."""
        return alerts_of([one for one in self._within(span) if one.name == ALERTS], span)

    def targets(self, span: Span, deadline: Deadline) -> Targets:
        """The recorded `up` series as targets."""
        return targets_of([one for one in self._within(span) if one.name == UP])

    def families(self, span: Span, deadline: Deadline) -> Sequence[Family]:
        """All metrics of the tables."""
        counts: dict[str, int | None] = dict(Counter(one.name for one in self._series()))
        return group_families(counts, {})

    def read(self, families: Sequence[Family], span: Span, deadline: Deadline) -> Reading:
        """The series of `families` as they are recorded."""
        wanted = {name for family in families for name in names_of(family)}
        found = tuple(one for one in self._within(span) if one.name in wanted)
        return Reading(found, (), tuple(self._notes))

    def query(self, expression: str, span: Span, deadline: Deadline) -> Reading:
        """The series that fit `name{label="value"}`; tables answer no other PromQL."""
        named = [one for one in self._within(span) if one.name == expression]
        if named:
            return Reading(tuple(named), (), tuple(self._notes))
        try:
            name, matchers = parse_selector(expression)
        except InvalidQuery as error:
            raise InvalidQuery(
                f"{expression!r} cannot be computed from recorded tables",
                'ask for a metric by its name, or name{label="value"}',
            ) from error
        self._check_name(name)
        named = [one for one in self._within(span) if not name or one.name == name]
        fitting = (one for one in named if all(m.accepts(one.labels) for m in matchers))
        return Reading(tuple(fitting), (), tuple(self._notes))

    def label_values(self, label: str, deadline: Deadline) -> Sequence[str]:
        """The values that `label` has in any series."""
        return sorted({one.labels[label] for one in self._series() if label in one.labels})

    def quote(self, series: Series, index: int) -> Quotation:
        """The row of the sample, with its line."""
        assert series.offsets is not None
        return Quotation(*read_row(self._paths[series.source], int(series.offsets[index])))

    def close(self) -> None:
        """There is nothing to let go of."""

    def _check_name(self, name: str) -> None:
        names = sorted({one.name for one in self._series()})
        if name and name not in names:
            close = close_names(name, names)
            hint = (
                f"close to it: {', '.join(close)}"
                if close
                else f"there are: {', '.join(names[:20])}"
            )
            raise SourceNotFound(f"there is no metric {name!r}", hint)

    def _series(self) -> list[Series]:
        if self._tables is None:
            self._tables = self._read()
        return [one for table in self._tables.values() for one in table.series]

    def _read(self) -> dict[str, Table]:
        tables = {}
        for name, path in self._paths.items():
            try:
                tables[name] = read_table(path, name)
            except SourceUnreadable as error:
                self._notes.append(f"{error.message}; {error.hint}")
        self._notes.extend(note for table in tables.values() for note in table.notes)
        return tables

    def _within(self, span: Span) -> list[Series]:
        cut = (_cut(one, span) for one in self._series())
        return [one for one in cut if len(one)]


def _cut(series: Series, span: Span) -> Series:
    start, end = np.searchsorted(series.times, (span.start, span.end + 1e-6))
    if start == 0 and end == len(series):
        return series
    assert series.offsets is not None
    return replace(
        series,
        times=series.times[start:end],
        values=series.values[start:end],
        samples=series.samples[start:end],
        offsets=series.offsets[start:end],
    )
