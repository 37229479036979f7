"""Change points: when a series left the band that it had kept, by ranks.

The stretch whose values stand out most from the rest, by the standardised Mann-Whitney statistic
(Hawkins and Deng, "A nonparametric change-point control chart", Journal of Quality Technology 42,
2010), is cut out as long as that is significant, then each part is divided again: the circular
binary segmentation of Olshen et al. (Biostatistics 5, 2004) on ranks. Levels that do not differ by
enough to matter are joined. Ranks need no model of the noise, and a single wild value moves no cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from tools.metrics.series import FloatArray, IntArray

Direction = Literal["rose", "fell"]

_MIN_VALUES = 6
_FEW_VALUES = 24
# By chance the most outstanding of all stretches exceeds it in about one of a hundred series.
_SIGNIFICANT = 4.2
_MAX_EDGES = 60
_MIN_SHARE = 0.15
_MIN_SHARE_OF_FEW = 0.35
_MAX_DEPTH = 4
_SHORT = 8
_CLEARLY = 1.5
_BAND_QUANTILE = 0.05
_SPIKE_FACTOR = 3.0
_SPIKE_FACTOR_OF_SINGLE = 5.0
_MAX_SPIKE_SHARE = 0.1
_NO_NOISE_SHARE = 0.02


class Band(NamedTuple):
    """The range that most of a stretch's values lie in, and their mean."""

    low: float
    high: float
    mean: float


@dataclass(frozen=True, slots=True)
class Shift:
    """A series that left its band.

    `start` is the index of the first value outside, `end` of the first one back inside (None when
    it stayed out). `before` is the mean of the band, `after` the mean since (of the time outside,
    when it came back). `noise` is the half width of the band.
    """

    start: int
    end: int | None
    before: float
    after: float
    noise: float
    is_spike: bool = False

    @property
    def direction(self) -> Direction:
        """Where it went."""
        return "rose" if self.after > self.before else "fell"

    @property
    def share(self) -> float:
        """The difference as a share of the larger value: 0.5 is twice or half as much."""
        return share_between(self.before, self.after)

    @property
    def strength(self) -> float:
        """0 to 1: how large the change is, less where it hardly exceeds the noise."""
        floor = max(self.noise, _NO_NOISE_SHARE * max(abs(self.before), abs(self.after)))
        clearness = min(1.0, abs(self.after - self.before) / (4 * floor)) if floor else 1.0
        return self.share * clearness


def share_between(before: float, after: float) -> float:
    """The difference of two values as a share of the larger; 1 where the sign changes."""
    larger = max(abs(before), abs(after))
    return min(1.0, abs(after - before) / larger) if larger else 0.0


def find_shift(values: FloatArray, reference_end: int = 0) -> Shift | None:
    """How finite `values` left their band, None when they only vary.

    The band is that of the level held just before `reference_end` (the start of the window), or of
    the first level when that is 0; only what happens after it counts.
    """
    has_enough = len(values) >= _MIN_VALUES and reference_end < len(values)
    if not has_enough or values.min() == values.max():
        return None
    starts = level_starts(values)
    reference = max((i for i, start in enumerate(starts) if start < reference_end), default=0)
    # The level may have begun to change before the window does.
    ends = [*starts[1:], len(values)]
    held = slice(starts[reference], ends[reference])
    band = _band(values[held])
    for start, end in zip(starts[reference + 1 :], ends[reference + 1 :], strict=True):
        if _differs(band, values[held], values[start:end]):
            shift = _lasting(values, band, start, starts)
            return shift if shift.start >= reference_end else None
    return _spike(values, reference_end)


def level_starts(values: FloatArray) -> list[int]:
    """The index where each level begins, ascending; the first is 0."""
    starts = [0]
    cuts = [*sorted(_cuts(values, 0, _MAX_DEPTH)), len(values)]
    for cut, end in pairwise(cuts):
        held = values[starts[-1] : cut]
        # A stretch that stands out has two edges, and the parts beyond one of them may be alike.
        if _differs(_band(held), held, values[cut:end]):
            starts.append(cut)
    return starts


def _cuts(values: FloatArray, offset: int, depth: int) -> set[int]:
    """The edges of the stretches that stand out, and of those inside the parts between them."""
    if depth == 0 or len(values) < _MIN_VALUES:
        return set()
    start, end, score = _standing_out(values)
    if score < _needed(len(values)):
        return set()
    edges = [edge for edge in (start, end) if 0 < edge < len(values)]
    found = {offset + edge for edge in edges}
    for early, late in pairwise((0, *edges, len(values))):
        found |= _cuts(values[early:late], offset + early, depth - 1)
    return found


def _standing_out(values: FloatArray) -> tuple[int, int, float]:
    """The stretch [start, end) that differs most from the rest, and by how many deviations."""
    grid, weights = _stretches(len(values))
    ranks = _ranks(values)
    sums = np.concatenate(([0.0], np.cumsum(ranks - ranks.mean())))[grid]
    # The deviation of the ranks themselves holds for ties, too.
    scores = np.abs(sums[None, :] - sums[:, None]) * weights / max(ranks.std(), 1e-12)
    start, end = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(grid[start]), int(grid[end]), float(scores[start, end])


@lru_cache(maxsize=256)
def _stretches(count: int) -> tuple[IntArray, FloatArray]:
    """Edges between which stretches are tried, and for each two of them what makes a sum of ranks a
    number of standard deviations (times the ranks' own); 0 for a stretch too short or too long."""
    grid = np.arange(0, count + 1, max(1, count // _MAX_EDGES))
    grid[-1] = count
    lengths = grid[None, :] - grid[:, None]
    margin = _min_length(count)
    fits = (lengths >= margin) & (count - lengths >= margin)
    variances = np.where(fits, lengths * (count - lengths) / (count - 1), np.inf)
    return grid, 1 / np.sqrt(variances)


def _min_length(count: int) -> int:
    """The shortest stretch that is a level of its own."""
    return 2 if count < 12 else max(3, count // _MAX_EDGES)


def _needed(count: int) -> float:
    """The score that a cut must have; a complete separation must be enough for few values."""
    half = count / 2
    return min(_SIGNIFICANT, 0.95 * float(np.sqrt(3 * half * half / (count + 1))))


def _ranks(values: FloatArray) -> FloatArray:
    """1-based ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: FloatArray = (ends - (counts - 1) / 2)[inverse]
    return ranks


def _band(values: FloatArray) -> Band:
    if len(values) < _FEW_VALUES:
        return Band(float(values.min()), float(values.max()), float(values.mean()))
    low, high = np.quantile(values, (_BAND_QUANTILE, 1 - _BAND_QUANTILE))
    return Band(float(low), float(high), float(values.mean()))


def _differs(band: Band, held: FloatArray, other: FloatArray) -> bool:
    """Whether the middle of `other` lies outside the band, and by enough to matter."""
    middle = float(np.median(other))
    if band.low <= middle <= band.high or (len(other) < _SHORT and _has_been(held, middle)):
        return False
    share = share_between(float(np.median(held)), middle)
    if len(held) + len(other) >= _FEW_VALUES:
        return share >= _MIN_SHARE
    is_apart = other.min() > band.high or other.max() < band.low
    return is_apart and share >= _MIN_SHARE_OF_FEW


def _has_been(held: FloatArray, value: float) -> bool:
    """Whether `value` lies within what was held, but for one wild value on each side."""
    low, high = np.sort(held)[[min(1, len(held) - 1), max(-2, -len(held))]]
    return bool(low <= value <= high)


def _lasting(values: FloatArray, band: Band, cut: int, starts: list[int]) -> Shift:
    """The shift to the level that begins at `cut`, with the very values that left and returned."""
    noise = max(band.high - band.mean, band.mean - band.low)
    # A value at the edge of the band may be there by chance.
    outside = np.abs(values - band.mean) > _CLEARLY * noise
    end = next(
        (at for at in starts if at > cut and band.low <= np.median(values[at:]) <= band.high), None
    )
    start = cut
    while start > 0 and outside[start - 1]:
        start -= 1
    while not outside[start] and start < (end or len(values)) - 1:
        start += 1
    # The level since the last cut says where it stands now.
    since = values[start:end] if end is not None else values[max(start, starts[-1]) :]
    return Shift(start, end, band.mean, float(since.mean()), noise)


def _spike(values: FloatArray, reference_end: int) -> Shift | None:
    """A short time far outside of all other values, within the window."""
    middle = float(np.median(values))
    away = np.abs(values - middle)
    peak = reference_end + int(away[reference_end:].argmax())
    near = away > away[peak] / 2
    start = end = peak
    while start > 0 and near[start - 1]:
        start -= 1
    while end < len(values) and near[end]:
        end += 1
    rest = np.concatenate((values[:start], values[end:]))
    is_short = end - start <= max(2, _MAX_SPIKE_SHARE * len(values))
    if not is_short or start < reference_end or len(rest) < _MIN_VALUES:
        return None
    usual = float(np.abs(rest - middle).max())
    reached = float(values[peak])
    is_single = end - start < 3 or len(values) < _FEW_VALUES
    factor = _SPIKE_FACTOR_OF_SINGLE if is_single else _SPIKE_FACTOR
    if away[peak] < factor * usual or share_between(middle, reached) < 0.5:
        return None
    back = end if end < len(values) else None
    return Shift(start, back, float(rest.mean()), reached, usual, is_spike=True)
