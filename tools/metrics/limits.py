"""Limits: which metrics belong together as use and limit, and what is full or soon will be.

Names are read word by word: `process_open_fds` and `process_max_fds` share all words but those that
say which of the two they are. Where a metric is a share by itself, its unit says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from tools.metrics.counters import has_counter_name
from tools.metrics.names import words_of
from tools.metrics.series import FloatArray, Series
from tools.metrics.units import unit_of

FULL = 0.9
HORIZON_H = 24.0

_LIMIT_WORDS = frozenset(
    ("max", "maximum", "limit", "limits", "size", "capacity", "total", "quota", "hard", "spec")
)
_USED_WORDS = frozenset(
    ("used", "usage", "use", "in", "inuse", "active", "open", "current", "busy", "working", "set")
) | frozenset(("length", "depth", "borrowed", "allocated", "connected", "pending", "queued"))
_FREE_WORDS = frozenset(("free", "avail", "available", "remaining"))
_UNIT_WORDS = frozenset(("bytes", "count", "number", "num"))
_SHARE_NAME = re.compile(r"us(?:ed|age)|util|saturat|full|fill|busy|occup|cpu|mem|disk|pool", re.I)
_NO_SHARE = re.compile(r"idle|free|avail|hit|success|remaining|quantile", re.I)
_MAX_LIMIT = 1e15
_MIN_RUN = 5
_MIN_BELOW = 4
_MIN_TREND = 0.9
_MIN_FORECAST_SAMPLES = 8

Role = Literal["limit", "used", "free"]


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """How full something is over time: `shares` (1 is full) of the series `used` or its free part.

    `limit` is the series that holds the limit, None when the metric is a share itself.
    """

    series: Series
    shares: FloatArray
    limit: Series | None


def fills(series: Sequence[Series]) -> list[Fill]:
    """Each gauge that can be full with its share over time: of a limit of the same name and labels,
    or by its unit."""
    gauges = [one for one in series if one.kind == "gauge" and len(one)]
    limits: dict[frozenset[str], list[Series]] = {}
    for one in gauges:
        role, stem = role_of(one.name)
        if role == "limit" and stem:
            limits.setdefault(stem, []).append(one)
    shares = [Fill(one, one.values, None) for one in series if one.kind == "share" and len(one)]
    found = [_fill(one, limits) for one in gauges]
    return shares + [fill for fill in found if fill is not None]


def is_limit(name: str) -> bool:
    """Whether the name is that of a limit: a change of it is no symptom."""
    return role_of(name)[0] == "limit"


def full_from(shares: FloatArray) -> int | None:
    """The index from which 90 % or more are used until the end; None when there is room."""
    room = np.flatnonzero(shares < FULL)
    start = int(room[-1]) + 1 if len(room) else 0
    return start if start < len(shares) else None


def ceiling_from(values: FloatArray) -> int | None:
    """The index from which a series that varied below stays at its highest value to the end."""
    highest = values.max()
    below = np.flatnonzero(values < highest - 1e-9 * abs(highest))
    if not len(below) or highest <= 0:
        return None
    start = int(below[-1]) + 1
    varied = len(np.unique(values[:start])) >= _MIN_BELOW
    is_first = not (values[:start] == highest).any()
    return start if varied and is_first and len(values) - start >= _MIN_RUN else None


def hours_until(times: FloatArray, values: FloatArray, goal: float) -> float | None:
    """Hours until `values` reach `goal` on their present straight line; None when they do not.

    The line is Theil and Sen's (Sen, JASA 63, 1968) over at most 60 values; a series that does not
    move steadily towards the goal, or takes more than a day, has no forecast.
    """
    if len(values) < _MIN_FORECAST_SAMPLES:
        return None
    places = np.unique(np.linspace(0, len(values) - 1, 60).astype(int))
    t, v = times[places], values[places]
    rows, columns = np.triu_indices(len(t), 1)
    slopes = (v[columns] - v[rows]) / (t[columns] - t[rows])
    agree = np.sign(slopes).mean()
    slope = float(np.median(slopes))
    left = goal - float(values[-1])
    if slope == 0 or left == 0 or abs(agree) < _MIN_TREND or np.sign(slope) != np.sign(left):
        return None
    hours = left / slope / 3600
    return hours if hours <= HORIZON_H else None


def _fill(one: Series, limits: Mapping[frozenset[str], list[Series]]) -> Fill | None:
    role, stem = role_of(one.name)
    if role in ("used", "free"):
        limit = _limit_of(one, limits.get(stem, ()))
        if limit is not None:
            return _against(one, limit, role)
    unit = unit_of(one.name)
    is_share = unit in ("ratio", "%") and _SHARE_NAME.search(one.name)
    if not is_share or _NO_SHARE.search(one.name):
        return None
    return Fill(one, one.values / (1.0 if unit == "ratio" else 100.0), None)


def _against(one: Series, limit: Series, role: Role) -> Fill | None:
    bounds = limit.values[np.isfinite(limit.values)]
    if not len(bounds) or not 0 < bounds[-1] < _MAX_LIMIT:
        return None
    used = one.values / bounds[-1]
    return Fill(one, 1 - used if role == "free" else used, limit)


def _limit_of(one: Series, candidates: Iterable[Series]) -> Series | None:
    """The limit with the most labels in common, all of whose labels `one` has."""
    fitting = [limit for limit in candidates if limit.labels.items() <= one.labels.items()]
    return max(fitting, key=lambda limit: len(limit.labels), default=None)


@lru_cache(maxsize=4096)
def role_of(name: str) -> tuple[Role | None, frozenset[str]]:
    """What the name says a metric is of a resource, and the words that name the resource."""
    if has_counter_name(name):
        return None, frozenset()
    words = words_of(name)
    stem = words - _LIMIT_WORDS - _USED_WORDS - _FREE_WORDS - _UNIT_WORDS
    if words & _FREE_WORDS:
        return "free", stem
    if words & _LIMIT_WORDS:
        return "limit", stem
    return ("used" if words & _USED_WORDS else None), stem
