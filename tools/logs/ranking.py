"""Ranking: how suspicious a template is, and the figures that say why.

Suspicion weighs severity first, then what changed: new, growing, rare among healthy noise, last
before the end. A message that was always there at the same rate explains nothing and sinks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from tools.logs.drift import Drift
from tools.logs.groups import Group
from tools.logs.numbers import Followed
from tools.logs.records import Level
from tools.logs.report import format_span, format_time
from tools.logs.severity import names_problem

_BASE = {
    Level.FATAL: 0.78,
    Level.ERROR: 0.62,
    Level.WARN: 0.40,
    Level.INFO: 0.06,
    Level.DEBUG: 0.03,
    None: 0.06,
}
_MIN_TOTAL = 50
_GROWTH = 3.0
_MIN_GROWTH_COUNT = 10
_DOMINANT_SHARE = 0.5
_ROUTINE = 0.12
# Numbers of which more is better.
_GOOD = re.compile(
    r"free|avail|remaining|\bleft\b|idle|hit|success|throughput|headroom|\bup\b|healthy|\bready\b"
    r"|active_workers",
    re.IGNORECASE,
)
_MIN_VALUES = 12
_MIN_NOISE = 20
_MAX_NOISE_SHARE = 0.01
_NOISE = 0.28
_MOST = 0.5
# Names of fields that differ or agree for reasons of bookkeeping.
_BOOKKEEPING = frozenset(
    ("timestamp", "time", "ts", "level", "severity", "lvl", "message", "msg", "service", "logger",
     "hostname", "caller", "app", "stream", "@timestamp", "stack_trace", "version")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Course:
    """How a template went through the log: where it began and ended, and its share of lines."""

    total: int
    onset: float
    end: float
    shares: tuple[float, ...]

    @classmethod
    def of(cls, group: Group, total: int) -> Course:
        """The course of `group` in a log of `total` records."""
        shares = tuple(min(1.0, count * len(group.tenths) / total) for count in group.tenths)
        return cls(total, group.first_position / total, (group.last_position + 1) / total, shares)

    @property
    def is_telling(self) -> bool:
        """Whether the log is long enough for its course to mean anything."""
        return self.total >= _MIN_TOTAL

    @property
    def began_late(self) -> bool:
        """Whether it began after a stretch without it."""
        return self.is_telling and self.onset >= 0.1

    @property
    def grew(self) -> bool:
        """Whether its share of the lines grew several times over."""
        early = self.shares[0]
        return self.is_telling and max(self.shares) >= max(_GROWTH * early, early + 0.02)

    @property
    def came_up(self) -> bool:
        """Whether there was nothing of it in the first fifth."""
        return self.is_telling and self.onset >= 0.2

    @property
    def is_last(self) -> bool:
        """Whether it is among the last lines of the log."""
        return self.is_telling and (1 - self.end) * self.total <= max(3, self.total / 1000)


def suspicion(
    group: Group,
    course: Course,
    baseline_total: int,
    *,
    is_constant: bool = False,
    is_routine: bool = False,
) -> float:
    """0 to 1: how much `group` looks like a cause or a symptom of trouble.

    `is_constant`: it came at one rate all the time. `is_routine`: it belongs to every start of the
    process, and normal work followed.
    """
    score = _BASE[group.level]
    names_trouble = group.is_problem or names_problem(group.message)
    if is_routine:
        return min(score, _ROUTINE)
    if not group.is_problem and names_trouble:
        score += 0.14
    if names_trouble and _is_usual(group, course, baseline_total, is_constant):
        return _sunk(group, course, score)
    weight = 1.0 if names_trouble else 0.4
    score += weight * 0.10 * _is_novel(group, course, baseline_total)
    score += weight * 0.12 * _has_grown(group, course, baseline_total)
    score += weight * 0.08 * (course.total >= 500 and group.count <= 3)
    score += weight * 0.05 * (names_trouble and course.is_last)
    return max(0.0, min(1.0, score))


def _is_usual(group: Group, course: Course, baseline_total: int, is_constant: bool) -> bool:
    """Whether it was there before at about the same rate, or else all the time."""
    if not baseline_total:
        return is_constant and (course.is_telling or group.count >= _MIN_NOISE)
    return group.baseline_count > 0 and not _has_grown(group, course, baseline_total)


def _sunk(group: Group, course: Course, score: float) -> float:
    """The score of what is always there: it explains nothing, unless it is much of all."""
    share = group.count / course.total
    if group.declared is None and group.status is None and share < _MOST:
        # Where only words speak of trouble, a constant rate says that it is none.
        return score - 0.35
    if group.level is not None and group.level <= Level.WARN:
        return score - 0.18
    is_noise = group.count >= _MIN_NOISE and share <= _MAX_NOISE_SHARE
    return min(score - 0.15, _NOISE) if is_noise else score - 0.15


def _is_novel(group: Group, course: Course, baseline_total: int) -> bool:
    return not group.baseline_count if baseline_total else course.began_late


def _has_grown(group: Group, course: Course, baseline_total: int) -> bool:
    if group.count < _MIN_GROWTH_COUNT:
        return False
    before = group.baseline_count / baseline_total if baseline_total else 1.0
    return course.grew or course.came_up or group.count / course.total >= _GROWTH * before


def is_new(group: Group, course: Course, baseline_total: int) -> bool:
    """Not in the baseline; without one, not in the first half of the log."""
    if baseline_total:
        return group.baseline_count == 0
    return course.is_telling and course.onset >= 0.5


def note(group: Group, course: Course, baseline_total: int, *, is_constant: bool = False) -> str:
    """The figures behind a finding, for a reader."""
    parts = [f"{group.count:,} of {course.total:,} lines"]
    span = format_span(group.first, group.last)
    if span:
        parts[0] += f", {span}"
    if baseline_total:
        parts.append(_against_baseline(group, baseline_total))
    elif course.began_late:
        parts.append(f"first seen at {course.onset:.0%} of the log")
    if course.grew and group.count >= _MIN_GROWTH_COUNT:
        parts.append(_growth(course))
    elif is_constant and group.is_problem:
        parts.append("at a steady rate through the whole log")
    dominant = _dominant(group)
    if dominant:
        parts.append(dominant)
    return "; ".join(parts)


def drift_note(name: str, drift: Drift) -> str:
    """`queue_depth rose from 3 (12:00) to 812 (13:00); lowest 0, highest 950`.

    Where it did not stay, its peak is told and what it was at the end.
    """
    last = f"{drift.last:g}{_at(drift.last_time)}"
    if drift.has_stayed:
        change = f"from {_start(drift, drift.last)} to {last}"
    else:
        peak = drift.peak.high if drift.direction == "rose" else drift.peak.low
        change = f"from {_start(drift, peak)} to {peak:g}{_at(drift.peak.time)} and was {last}"
    extremes = f"lowest {drift.low:g}, highest {drift.high:g}"
    return f"{name} {drift.direction} {change}; {extremes}{_outside(drift)}"


def _start(drift: Drift, reached: float) -> str:
    """The first value; where that is like no other, what was usual."""
    if drift.leads(drift.first, reached):
        return f"{drift.first:g}{_at(drift.first_time)}"
    return f"about {drift.usual:.4g}"


def _outside(drift: Drift) -> str:
    if drift.left_time is None:
        return ""
    low, high = drift.band
    until = f" until {drift.return_time:%H:%M:%S}Z" if drift.return_time else ""
    return f"; out of its usual {low:.4g} to {high:.4g} since {drift.left_time:%H:%M:%S}Z{until}"


def drift_suspicion(followed: Followed) -> float:
    """0 to 1: a number that leaves its band is a lead; to the better side, a weaker one."""
    drift = followed.drift
    is_bad = (drift.direction == "rose") != bool(_GOOD.search(followed.name))
    if not followed.is_measure:
        return 0.2 + 0.2 * drift.strength
    base = 0.5 if is_bad else 0.24
    if drift.count < _MIN_VALUES:
        base -= 0.06
    return base + (0.25 if is_bad else 0.05) * drift.strength


def _at(time: datetime | None) -> str:
    return f" ({format_time(time)})" if time else ""


def _against_baseline(group: Group, baseline_total: int) -> str:
    if not group.baseline_count:
        return f"never in the {baseline_total:,} lines of the baseline"
    before = group.baseline_count / baseline_total
    return (
        f"{group.baseline_count:,} of {baseline_total:,} lines ({_percent(before)}) in the baseline"
    )


def _growth(course: Course) -> str:
    early, late, peak = course.shares[0], course.shares[-1], max(course.shares)
    if late >= 0.8 * peak:
        change = f"from {_percent(early)} of lines in the first tenth to {_percent(late)}"
        return f"grew {change} in the last"
    tenth = course.shares.index(peak) + 1
    return (
        f"from {_percent(early)} of lines in the first tenth to {_percent(peak)} in tenth {tenth}, "
        f"{_percent(late)} in the last"
    )


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "under 0.1%"
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _dominant(group: Group) -> str:
    """The field value that most of the group's records share, when others occur beside it."""
    best: tuple[float, str] | None = None
    for name, counter in group.values.items():
        if name in _BOOKKEEPING or not counter:
            continue
        value, count = counter.most_common(1)[0]
        share = count / group.num_valued
        is_telling = share >= _DOMINANT_SHARE and count >= 5 and value not in group.template
        if is_telling and (best is None or share > best[0]):
            best = (share, f"{_percent(share)} of {_valued(group)} with {name} {value}")
    return best[1] if best else ""


def _valued(group: Group) -> str:
    if group.num_valued == group.count:
        return "them"
    return f"{group.num_valued:,} of them that were looked at"
