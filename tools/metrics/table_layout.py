"""The layout of a table of metrics: which column is what, from its first line; and its times."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.errors import SourceUnreadable

_TIME_NAMES = ("timestamp", "time", "@timestamp", "ts", "datetime", "date", "date_time", "_time")
_METRIC_NAMES = ("metric", "metric_name", "__name__", "name", "series", "measurement", "key")
_VALUE_NAMES = ("value", "val", "v", "_value", "sample")
_FORM = 'write a header such as "timestamp,metric,value"'
_EPOCH = re.compile(r"\d{9,20}(?:\.\d+)?|\d(?:\.\d+)?[eE]\+?\d+")
# The largest number that is still seconds, milliseconds, microseconds (the year 5138).
_EPOCH_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column is what (0-based). Data begins at the byte `data_start`.

    Either `metric` names the column of names and `values` is one column, or each of `values` is a
    metric, named in `metric_names`. `labels` are the columns that tell series apart.
    """

    delimiter: bytes
    num_columns: int
    time: int
    values: tuple[int, ...]
    metric: int | None
    metric_names: Mapping[int, bytes]
    labels: Mapping[int, str]
    data_start: int

    @property
    def num_needed(self) -> int:
        """The fewest columns that a row must have."""
        return max(self.time, self.metric or 0, min(self.values)) + 1

    @property
    def is_usual(self) -> bool:
        """Whether rows are time, metric, value and nothing else."""
        return (self.num_columns, self.time, self.metric, self.values) == (3, 0, 1, (2,))

    def key(self, fields: Sequence[bytes], column: int) -> tuple[bytes, ...]:
        """What tells the series of the value in `column` apart: its name and label values."""
        name = self.metric_names[column] if self.metric is None else fields[self.metric]
        if not self.labels:
            return (name,)
        return (name, *(fields[i] if i < len(fields) else b"" for i in self.labels))


def find_layout(first: bytes, path: Path) -> Layout:
    """The layout that the table's first line shows. Raises SourceUnreadable when it shows none."""
    text = first.decode("utf-8-sig", "replace").rstrip("\r\n")
    if not text.strip():
        raise SourceUnreadable(f"{path} is empty, or begins with an empty line", _FORM)
    delimiter = max(",;\t", key=text.count)
    columns = [column.strip() for column in next(csv.reader([text], delimiter=delimiter))]
    if len(columns) == 3 and parse_epoch(columns[0]) is not None and _is_number(columns[2]):
        # Somebody left out the header.
        return Layout(delimiter.encode(), 3, 0, (2,), 1, {}, {}, 0)
    lower = [column.lower() for column in columns]
    time = _place(lower, _TIME_NAMES)
    if time is None:
        raise SourceUnreadable(f"{path} has no column of times (it has: {text[:120]})", _FORM)
    return _with_header(columns, lower, time, delimiter, len(first), path)


def _with_header(
    columns: Sequence[str],
    lower: Sequence[str],
    time: int,
    delimiter: str,
    data_start: int,
    path: Path,
) -> Layout:
    metric, value = _place(lower, _METRIC_NAMES), _place(lower, _VALUE_NAMES)
    rest = [i for i in range(len(columns)) if i not in (time, metric, value)]
    labels = {i: columns[i] for i in rest if columns[i]}
    names: dict[int, bytes] = {}
    if value is None and metric is not None:
        raise SourceUnreadable(f"{path} has no column of values", _FORM)
    if value is None:
        names, labels = {i: name.encode() for i, name in labels.items()}, {}
    elif metric is None:
        names = {value: path.stem.encode()}
    values = tuple(names) if value is None else (value,)
    if not values:
        raise SourceUnreadable(f"{path} has no column of values", _FORM)
    return Layout(delimiter.encode(), len(columns), time, values, metric, names, labels, data_start)


def parse_epoch(text: str) -> float | None:
    """Epoch seconds of a time stamp: ISO 8601 or alike, or epoch in any usual unit; else None.

    A time without a zone is taken as UTC.
    """
    text = text.strip().strip('"')
    if _EPOCH.fullmatch(text):
        return _scaled(float(text))
    try:
        moment = datetime.fromisoformat(text.replace("/", "-").removesuffix(" UTC"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _scaled(number: float) -> float | None:
    return next((number / unit for most, unit in _EPOCH_UNITS if number < most), None)


def _place(columns: Sequence[str], names: Sequence[str]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _is_number(text: str) -> bool:
    try:
        return not math.isinf(float(text))
    except ValueError:
        return False
