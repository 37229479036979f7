"""`MetricChange`: something that happened to one metric, at a time that lines up with logs.

What counts as one: it left its band, began again, stopped, is full or soon will be. The figures
come from the modules for each; here they become one kind of thing with a suspicion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from tools.metrics.backend import Span
from tools.metrics.gaps import find_gap
from tools.metrics.limits import Fill, ceiling_from, full_from, hours_until, is_limit, role_of
from tools.metrics.meaning import is_bookkeeping, is_far_from_full, meaning_of, weight_of
from tools.metrics.series import FloatArray, Series, utc
from tools.metrics.shifts import Direction, Shift, find_shift
from tools.metrics.sparkline import sparkline
from tools.metrics.units import format_value, unit_of

ChangeKind = Literal["shift", "spike", "restarted", "stopped", "hole", "full", "ceiling", "filling"]

_START_TIME = re.compile(r"(?:start|boot)_time(?:_seconds)?$")
_COLLAPSED = 0.05
# It rose, and there is still room.
_ROOMY_FACTOR = 0.35
_RETURNED_FACTOR = 0.75
_SPIKE_FACTOR = 0.7
_EARLIER_FACTOR = 0.7
_ALWAYS_FULL = 0.98
_MIN_HELD_SHARE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class MetricChange:
    """What happened to a metric: `kind` at `at` (UTC), over at `until` where it ended.

    `before` and `after` are in the unit of the name (per second for a rate). `strength` (0 to 1) is
    how large it is, `suspicion` how much it asks to be looked at. `index` is the sample of `series`
    that shows it. `detail` adds what only this kind has. `others` are series to which the same
    happened at the same time.
    """

    kind: ChangeKind
    series: Series
    index: int
    at: datetime
    before: float
    after: float
    strength: float
    suspicion: float
    until: datetime | None = None
    detail: str = ""
    others: tuple[Series, ...] = ()

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.series.name

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that it happened to; of several series the strongest."""
        return self.series.labels

    @property
    def direction(self) -> Direction:
        """Where it went."""
        return "rose" if self.after >= self.before else "fell"

    @property
    def count(self) -> int:
        """How many series it happened to."""
        return 1 + len(self.others)

    @property
    def sparkline(self) -> str:
        """The shape of the series, 24 characters wide."""
        return sparkline(self.series.times, self.series.values)

    def format(self, value: float) -> str:
        """A value of the series with its unit."""
        if self.series.kind == "share":
            return format_value(value, "ratio")
        return format_value(value, unit_of(self.name), is_rate=self.series.kind == "rate")


def changes_of(
    series: Series, resets: FloatArray, fill: Fill | None, span: Span
) -> list[MetricChange]:
    """What happened to `series` in the window: of what its values show the most suspicious, and
    what happened to whatever is measured.

    `resets` are the times at which its counter began again, `fill` how full it was.
    """
    finite = np.isfinite(series.values)
    known = series if finite.all() else _kept(series, finite)
    if not len(known) or is_bookkeeping(series.name):
        return []
    shown = [
        *_fills(known, fill if fill and finite.all() else None, span),
        *_shifts(known, span),
    ]
    strongest = sorted(shown, key=lambda change: -change.suspicion)[:1]
    return [*strongest, *_restarts(known, resets, span), *_gaps(known, span)]


def _kept(series: Series, kept: npt.NDArray[np.bool_]) -> Series:
    return replace(
        series,
        times=series.times[kept],
        values=series.values[kept],
        samples=series.samples[kept],
        offsets=series.offsets[kept] if series.offsets is not None else None,
    )


def _shifts(series: Series, span: Span) -> Iterator[MetricChange]:
    reference_end = int(np.searchsorted(series.times, span.window_start))
    shift = find_shift(series.values, reference_end)
    is_earlier = shift is None and 0 < reference_end < len(series)
    if is_earlier:
        shift = find_shift(series.values)
        if shift and (shift.end is not None or shift.start < _MIN_HELD_SHARE * reference_end):
            return  # it is over, or began with the samples themselves
    is_bound = series.kind == "gauge" and is_limit(series.name)
    if shift is None or is_bound or _START_TIME.search(series.name):
        return
    suspicion = _shift_suspicion(series, shift, span) * (_EARLIER_FACTOR if is_earlier else 1.0)
    outside = series.values[shift.start : shift.end]
    peak = int(outside.argmax() if shift.direction == "rose" else outside.argmin())
    yield MetricChange(
        "spike" if shift.is_spike else "shift",
        series,
        shift.start + peak,
        utc(series.times[shift.start]),
        shift.before,
        shift.after,
        shift.strength,
        suspicion,
        until=utc(series.times[shift.end]) if shift.end is not None else None,
    )


def _shift_suspicion(series: Series, shift: Shift, span: Span) -> float:
    weight = weight_of(series.name, series.labels, shift.direction)
    has_collapsed = shift.direction == "fell" and abs(shift.after) <= _COLLAPSED * abs(shift.before)
    if has_collapsed and meaning_of(series.name, series.labels) == "traffic":
        weight = 0.8
    if shift.direction == "rose" and is_far_from_full(series.name, shift.after):
        weight *= _ROOMY_FACTOR
    suspicion = weight * (0.35 + 0.65 * shift.strength)
    if shift.is_spike:
        suspicion *= _SPIKE_FACTOR
    elif shift.end is not None:
        suspicion *= _RETURNED_FACTOR
    return suspicion * (0.85 + 0.15 * _lateness(float(series.times[shift.start]), span))


def _lateness(time: float, span: Span) -> float:
    """0 at the window's start, 1 at its end: what happens late is closer to the question."""
    length = span.end - span.window_start
    return min(1.0, max(0.0, (time - span.window_start) / length)) if length else 1.0


def _restarts(series: Series, resets: FloatArray, span: Span) -> Iterator[MetricChange]:
    if _START_TIME.search(series.name):
        resets = series.times[1:][np.diff(series.values) > 1]
    within = resets[resets >= span.window_start]
    if not len(within):
        return
    index = int(np.searchsorted(series.times, within[-1]))
    index = min(index, len(series) - 1)
    number = len(within)
    yield MetricChange(
        "restarted",
        series,
        index,
        utc(within[-1]),
        float(series.values[max(0, index - 1)]),
        float(series.values[index]),
        min(1.0, 0.5 + 0.1 * number),
        min(0.85, 0.55 + 0.1 * (number - 1)),
        detail=f"{number} times in the window" if number > 1 else "",
    )


def _gaps(series: Series, span: Span) -> Iterator[MetricChange]:
    gap = find_gap(series.times, span.end)
    if gap is None or series.times[gap.last] < span.window_start:
        return
    if gap.until is not None and series.is_partial:
        return
    last = float(series.values[gap.last])
    minutes = f"no sample for {gap.length_s / 60:,.1f} min"
    yield MetricChange(
        "stopped" if gap.until is None else "hole",
        series,
        gap.last,
        utc(series.times[gap.last]),
        last,
        last if gap.until is None else float(series.values[gap.until]),
        0.8 if gap.until is None else 0.4,
        0.7 if gap.until is None else 0.4,
        until=utc(series.times[gap.until]) if gap.until is not None else None,
        detail=minutes,
    )


def _fills(series: Series, fill: Fill | None, span: Span) -> Iterator[MetricChange]:
    if fill is not None:
        yield from _full(series, fill, span)
        return
    if series.kind != "gauge" or is_limit(series.name):
        return
    if role_of(series.name)[0] == "free":
        yield from _filling(series, series.values, 0.0, "", span)
    start = ceiling_from(series.values)
    if start is None or series.times[start] < span.window_start:
        return
    weight = 0.7 if meaning_of(series.name, series.labels) == "pressure" else 0.4
    yield _lasting("ceiling", series, start, 0.7, weight, "its highest value, and stays there")


def _full(series: Series, fill: Fill, span: Span) -> Iterator[MetricChange]:
    start = full_from(fill.shares)
    what = _of_limit(fill)
    if start is None:
        yield from _filling(series, fill.shares, 1.0, what, span)
        return
    share = float(fill.shares[-1])
    is_new = start > 0 and series.times[start] >= span.window_start
    suspicion = 0.88 if is_new else 0.75 if share >= _ALWAYS_FULL else 0.5
    detail = f"{share * 100:.3g} % {what}".rstrip()
    if not is_new:
        detail += ", already before the window" if start else ", all the time"
    yield _lasting("full", series, start, min(1.0, share), suspicion, detail)


def _of_limit(fill: Fill) -> str:
    if fill.limit is None:
        return "used"
    limit = fill.limit.values[np.isfinite(fill.limit.values)][-1]
    return f"of {fill.limit.name} {format_value(float(limit), unit_of(fill.limit.name))} used"


def _filling(
    series: Series, values: FloatArray, goal: float, what: str, span: Span
) -> Iterator[MetricChange]:
    within = series.times >= span.window_start
    hours = hours_until(series.times[within], values[within], goal)
    if hours is None:
        return
    how = "empty" if goal == 0.0 else "full"
    now = f"{values[-1] * 100:.3g} % {what}; " if goal else ""
    detail = f"{now}{how} in {hours:.1f} h if it goes on like this"
    start = int(np.argmax(within))
    yield _lasting("filling", series, start, 0.7, 0.8 if hours <= 4 else 0.6, detail)


def _lasting(
    kind: ChangeKind, series: Series, start: int, strength: float, suspicion: float, detail: str
) -> MetricChange:
    """A change since `start` that still lasts; the last sample shows it."""
    held = series.values[:start] if start else series.values[:1]
    return MetricChange(
        kind,
        series,
        len(series) - 1,
        utc(series.times[start]),
        float(held.mean()),
        float(series.values[-1]),
        strength,
        suspicion,
        detail=detail,
    )
