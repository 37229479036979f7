"""Units: what a metric is measured in, by the suffix of its name, and figures written in it.

Prometheus' naming convention puts the base unit at the end (`_seconds`, `_bytes`, `_ratio`); other
makers write `_ms` or `_percent`. A name without one has no unit.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Literal

Unit = Literal["", "s", "ms", "bytes", "ratio", "%", "°C"]

_SUFFIXES: tuple[tuple[str, Unit], ...] = (
    (r"milliseconds|millis|msec|ms", "ms"),
    (r"seconds|secs?|duration", "s"),
    (r"bytes", "bytes"),
    (r"ratio|fraction|utilization|utilisation", "ratio"),
    (r"percent|percentage|pct", "%"),
    (r"celsius", "°C"),
)
_UNIT = re.compile(
    "|".join(
        rf"(?:^|[_.:])(?P<u{i}>{words})(?:_(?:total|count|sum|bucket|max|min|avg|p\d+))*$"
        for i, (words, _) in enumerate(_SUFFIXES)
    ),
    re.IGNORECASE,
)
_PREFIXES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@lru_cache(maxsize=4096)
def unit_of(name: str) -> Unit:
    """The unit that the name of a metric states; empty when it states none."""
    match = _UNIT.search(name)
    if match is None or match.lastgroup is None:
        return ""
    return _SUFFIXES[int(match.lastgroup[1:])][1]


def format_value(value: float, unit: Unit = "", *, is_rate: bool = False) -> str:
    """A figure of three digits with its unit: `1.5 GiB`, `93 %`, `0.25 s`, `12/s`."""
    return _amount(value, unit) + ("/s" if is_rate else "")


def _amount(value: float, unit: Unit) -> str:
    if not math.isfinite(value):
        return str(value)
    if unit == "ratio":
        return f"{_digits(value * 100)} %"
    if unit != "bytes":
        return f"{_digits(value)} {unit}".rstrip()
    for size, name in _PREFIXES:
        if abs(value) >= size:
            return f"{_digits(value / size)} {name}"
    return f"{_digits(value)} B"


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.2e}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
