"""Series for tests: values a minute apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from tools.metrics.backend import Span
from tools.metrics.series import Series, SeriesKind

START = datetime(2025, 1, 2, tzinfo=UTC).timestamp()
STEP_S = 60.0


def series_of(
    values: Sequence[float],
    name: str = "queue_depth",
    labels: Mapping[str, str] | None = None,
    *,
    times: Sequence[float] | None = None,
    kind: SeriesKind = "gauge",
) -> Series:
    """A series that begins on 2 January 2025 at 00:00 UTC."""
    at = START + STEP_S * np.arange(len(values)) if times is None else np.asarray(times, float)
    figures = np.asarray(values, float)
    return Series(name, labels or {}, at, figures, name, figures, kind)


def span_of(number: int, window_from: int = 0) -> Span:
    """The span of `number` values, its window from the one at `window_from` on."""
    return Span(START, START + STEP_S * window_from, START + STEP_S * (number - 1))
