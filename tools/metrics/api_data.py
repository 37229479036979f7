"""What a Prometheus API answers, as our own types; anything else is refused.

One place for the shapes of its JSON, so that a server that is none fails with a sentence instead of
a stray error deep in an analysis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any, TypeVar

import numpy as np

from tools.errors import BackendUnavailable
from tools.metrics.backend import Alert, FamilyKind, Target, Targets
from tools.metrics.promql import RangeQuery
from tools.metrics.series import Series

_NAME = "__name__"
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KINDS: dict[str, FamilyKind] = {
    "counter": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "gaugehistogram": "gauge",
    "summary": "summary",
}
T = TypeVar("T")


def read_answer(read: Callable[[Any], T], data: Any) -> T:
    """`read(data)`. Raises BackendUnavailable when the data are not shaped as they should be."""
    try:
        return read(data)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BackendUnavailable(
            f"Prometheus gave an answer of an unknown form: {type(error).__name__}: {error}",
            "see whether the address is that of a Prometheus-compatible API",
        ) from error


def series_of(data: Any, query: RangeQuery) -> list[Series]:
    """The series of a range query's answer."""
    return [_series(result["metric"], result.get("values", ()), query) for result in data["result"]]


def vector_of(data: Any) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of each series of an instant query's answer."""
    if data["resultType"] == "scalar":
        yield {}, float(data["result"][1])
        return
    for result in data["result"]:
        yield dict(result["metric"]), float(result["value"][1])


def alerts_of(data: Any) -> list[Alert]:
    """The alerts of the list of active ones."""
    return [
        Alert(
            {str(label): str(value) for label, value in alert["labels"].items()},
            alert["state"] == "firing",
            _time(alert.get("activeAt")),
            annotations={str(k): str(v) for k, v in (alert.get("annotations") or {}).items()},
        )
        for alert in data["alerts"]
    ]


def targets_of(data: Any) -> Targets:
    """The targets of the list of active ones."""
    active = data["activeTargets"]
    down = tuple(
        Target(target["labels"], target.get("lastError", ""), _time(target.get("lastScrape")))
        for target in active
        if target["health"] == "down"
    )
    return Targets(len(active), down)


def scrape_interval_s(data: Any) -> float | None:
    """The usual interval between two scrapes of a target; None where targets do not say."""
    texts = (str(target.get("scrapeInterval", "")) for target in data["activeTargets"])
    intervals = [
        sum(int(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(text))
        for text in texts
    ]
    known = [interval for interval in intervals if interval > 0]
    return median(known) if known else None


def kinds_of(data: Any) -> tuple[dict[str, FamilyKind], dict[str, str]]:
    """The kind and the description of each family by its name."""
    entries: dict[str, Mapping[str, str]] = {
        name: known[0] for name, known in data.items() if known
    }
    kinds = {name: _KINDS.get(entry.get("type", ""), "unknown") for name, entry in entries.items()}
    return kinds, {name: str(entry.get("help", ""))[:200] for name, entry in entries.items()}


def _series(metric: Mapping[str, str], values: Any, query: RangeQuery) -> Series:
    labels = {str(label): str(value) for label, value in metric.items() if label != _NAME}
    times = np.array([float(time) for time, _ in values], dtype=np.float64)
    samples = np.array([float(value) for _, value in values], dtype=np.float64)
    name = query.name or str(metric.get(_NAME, ""))
    return Series(name, labels, times, samples, query.source, samples, query.kind)


def _time(text: Any) -> datetime | None:
    """A time as Prometheus writes it, with nanoseconds; None for none and for year 1."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if moment.year < 1971:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
