"""`MetricBackend`: what the metric tools ask of wherever metrics are kept.

Also the small things that it speaks in: families, alerts, targets, spans of time and deadlines. All
of it only reads. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from tools.metrics.series import Series
from tools.window import Window

FamilyKind = Literal["gauge", "counter", "histogram", "summary", "unknown"]
_PARTS = ("_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True)
class Span:
    """What is read: `start` to `end`; only what happens from `window_start` on is reported.

    Epoch seconds. What lies before the window is the baseline; there is none where `start` equals
    `window_start`.
    """

    start: float
    window_start: float
    end: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment (of the monotonic clock) by which work must end."""

    ends_at_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def within(self, seconds: float) -> Deadline:
        """The earlier one of this deadline and `seconds` from now."""
        return Deadline(min(self.ends_at_s, time.monotonic() + seconds))

    @property
    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends_at_s - time.monotonic())


@dataclass(frozen=True, slots=True)
class Family:
    """The metrics that belong together under one name; a histogram's buckets, sum and count do.

    `num_series` is None where counting was too slow; `num_before` is the number at the beginning of
    the window, 0 for a family that is new.
    """

    name: str
    kind: FamilyKind
    num_series: int | None
    num_before: int | None = None
    help: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One sample: the one of `series` at `index`."""

    series: Series
    index: int


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires or is pending. `labels` hold its name as `alertname`.

    `sample` is where it was recorded; None for one that a server lists.
    """

    labels: Mapping[str, str]
    is_firing: bool
    since: datetime | None = None
    until: datetime | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A target that is not scraped with success. `error` is the scraper's own words.

    `sample` is where that was recorded; None for one that a server lists.
    """

    labels: Mapping[str, str]
    error: str = ""
    last_scrape: datetime | None = None
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """How many targets there are, and those that are down."""

    total: int
    down: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Series that were read, the families that were not, and what the reader should know."""

    series: tuple[Series, ...]
    unread: tuple[Family, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quotation:
    """A sample as it stands in its source; `line` is 1-based, None where there are no lines."""

    text: str
    line: int | None = None


class MetricBackend(Protocol):
    """Where metrics are kept, read-only. Every call may raise ToolsError.

    Calls end by their deadline, with what was read until then where that makes sense.
    """

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    def span(self, window: Window, baseline: Window | None, deadline: Deadline) -> Span:
        """The window and baseline as times that this source has; sides that are open are filled."""
        ...

    def alerts(self, span: Span, deadline: Deadline) -> Sequence[Alert]:
        """Alerts that fire or fired in the window, and pending ones."""
        ...

    def targets(self, span: Span, deadline: Deadline) -> Targets:
        """What is scraped."""
        ...

    def families(self, span: Span, deadline: Deadline) -> Sequence[Family]:
        """All metrics there are, in no particular order."""
        ...

    def read(self, families: Sequence[Family], span: Span, deadline: Deadline) -> Reading:
        """The series of `families`, most important first; large families in aggregated form."""
        ...

    def query(self, expression: str, span: Span, deadline: Deadline) -> Reading:
        """The series that answer an expression. Raises InvalidQuery, saying what is wrong."""
        ...

    def label_values(self, label: str, deadline: Deadline) -> Sequence[str]:
        """The values that `label` has, sorted."""
        ...

    def quote(self, series: Series, index: int) -> Quotation:
        """The sample of `series` at `index`, verbatim."""
        ...

    def close(self) -> None:
        """Let go of connections; nothing may be asked afterwards."""
        ...


def group_families(
    counts: Mapping[str, int | None],
    kinds: Mapping[str, FamilyKind],
    before: Mapping[str, int] | None = None,
    helps: Mapping[str, str] | None = None,
) -> list[Family]:
    """The families of metric names with their numbers of series.

    Kinds are declared in `kinds`, under the metric's or the family's name; a histogram or a summary
    is also known by its parts.
    """
    found = {}
    for name in {**counts, **(before or {})}:
        base = _base(name, counts)
        # OpenMetrics declares a counter without its `_total`.
        declared = next((n for n in (base, name, name.removesuffix("_total")) if n in kinds), "")
        kind = kinds.get(declared, "unknown")
        if base != name:
            kind = "histogram" if f"{base}_bucket" in counts else "summary"
        # A declared histogram may have lost its buckets on the way.
        elif kind in ("histogram", "summary"):
            kind = "unknown"
        number = counts.get(f"{base}_count" if base != name else name, 0)
        was = before.get(f"{base}_count" if base != name else name, 0) if before else None
        found[base] = Family(base, kind, number, was, (helps or {}).get(declared, ""))
    return list(found.values())


def names_of(family: Family) -> Iterable[str]:
    """The metric names that may belong to `family`."""
    return (family.name, *(family.name + part for part in _PARTS))


def _base(name: str, names: Mapping[str, object]) -> str:
    """The family's name of `name`: that of the histogram or summary whose part it is."""
    for base in (name, *(name.removesuffix(part) for part in _PARTS if name.endswith(part))):
        if f"{base}_sum" in names and f"{base}_count" in names:
            return base
        if base != name and f"{base}_bucket" in names and f"{base}_count" in names:
            return base
    return name
