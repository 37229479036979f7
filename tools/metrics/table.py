"""A table of metrics (`timestamp,metric,value`) as series, however it was written.

The usual form has a column each for time, metric and value, and further columns as labels; without
a metric column every numeric column is a metric. What cannot be read is counted and said. A table
too large to read is read in parts that are spread evenly over it.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tools.errors import SourceUnreadable
from tools.metrics.labels import parse_series_name
from tools.metrics.series import Series
from tools.metrics.table_layout import Layout, find_layout, parse_epoch

MAX_BYTES = 64 << 20
MAX_TEXT_CHARS = 400
_NUM_PARTS = 64
_MAX_LINE = 1 << 16
_MAX_TIMES = 500_000
_MAX_SERIES = 20_000


@dataclass(frozen=True, slots=True)
class Table:
    """What was read of one file; `notes` say what was not."""

    series: tuple[Series, ...]
    num_rows: int
    notes: tuple[str, ...] = ()


def read_table(path: Path, name: str, max_bytes: int = MAX_BYTES) -> Table:
    """The series in the file at `path`, each in the order of time. Raises SourceUnreadable."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            layout = find_layout(file.readline(_MAX_LINE), path)
            reader = _Reader(layout)
            for start, end in _parts(size, max_bytes):
                reader.read(file, start, end)
    except OSError as error:
        raise _unreadable(path, error) from error
    return Table(
        tuple(reader.series(name, size > max_bytes)),
        reader.num_rows,
        tuple(reader.notes(name, size, max_bytes)),
    )


def read_row(path: Path, offset: int) -> tuple[str, int]:
    """The row at the byte `offset`, verbatim and perhaps cut, and its line. Raises
    SourceUnreadable."""
    try:
        with path.open("rb") as file:
            line = 1 + sum(chunk.count(b"\n") for chunk in _chunks(file, offset))
            row = file.readline(_MAX_LINE)
    except OSError as error:
        raise _unreadable(path, error) from error
    return row.decode("utf-8", "replace").rstrip("\r\n")[:MAX_TEXT_CHARS], line


@dataclass(slots=True)
class _Samples:
    """The samples of one series as they stand in the file."""

    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    offsets: array[int] = field(default_factory=lambda: array("q"))

    def add(self, time: float, value: float, offset: int) -> None:
        self.times.append(time)
        self.values.append(value)
        self.offsets.append(offset)


_Key = tuple[bytes, ...]


class _Reader:
    """Takes in the rows of a table, part by part."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._samples: dict[_Key, _Samples] = {}
        self._times: dict[bytes, float | None] = {}
        self.num_rows = 0
        self._num_without_time = 0
        self._num_without_number = 0
        self._num_short = 0
        self._num_beyond = 0

    def read(self, file: BinaryIO, start: int, end: int) -> None:
        """Take in the rows that begin in the bytes from `start` to `end`."""
        layout = self._layout
        fields_of = _three_fields if layout.is_usual else _fields
        num_needed = layout.num_needed
        for offset, raw in _lines(file, max(start, layout.data_start), end):
            self.num_rows += 1
            fields = fields_of(raw, layout)
            if len(fields) < num_needed:
                self._num_short += 1
                continue
            time = self._time(fields[layout.time])
            if time is None:
                self._num_without_time += 1
                continue
            for column in layout.values:
                self._add(fields, column, time, offset)

    def series(self, source: str, is_partial: bool) -> Iterator[Series]:
        """Each series in the order of time; of samples of one moment the last one."""
        for key, samples in self._samples.items():
            times = np.frombuffer(samples.times)
            order = np.argsort(times, kind="stable")
            ordered = times[order]
            last = np.append(ordered[1:] != ordered[:-1], True)
            order = order[last]
            values = np.frombuffer(samples.values)[order]
            offsets = np.frombuffer(samples.offsets, dtype=np.int64)[order]
            name, labels = self._named(key)
            yield Series(
                name,
                labels,
                times[order],
                values,
                source,
                values,
                offsets=offsets,
                is_partial=is_partial,
            )

    def notes(self, name: str, size: int, max_bytes: int) -> Iterator[str]:
        """What a reader should know about how `name` was read."""
        if size > max_bytes:
            share = f"{max_bytes >> 20:,} of {size >> 20:,} MiB"
            yield f"{name}: only {share} were read, in parts spread evenly over the file"
        for number, what in (
            (self._num_without_time, "rows have no time that can be read"),
            (self._num_without_number, "values are no numbers"),
            (self._num_short, "rows have too few columns"),
            (self._num_beyond, f"samples are of more than {_MAX_SERIES:,} series"),
        ):
            if number:
                yield f"{name}: {number:,} {what} and were left out"

    def _add(self, fields: Sequence[bytes], column: int, time: float, offset: int) -> None:
        try:
            value = float(fields[column])
        except (ValueError, IndexError):
            # An empty place in a table of many columns is no text: it is not there.
            self._num_without_number += bool(column < len(fields) and fields[column].strip())
            return
        key = self._layout.key(fields, column)
        samples = self._samples.get(key)
        if samples is None:
            if len(self._samples) >= _MAX_SERIES:
                self._num_beyond += 1
                return
            samples = self._samples[key] = _Samples()
        samples.add(time, value, offset)

    def _time(self, text: bytes) -> float | None:
        try:
            return self._times[text]
        except KeyError:
            if len(self._times) > _MAX_TIMES:
                self._times.clear()
            time = self._times[text] = parse_epoch(text.decode("utf-8", "replace"))
            return time

    def _named(self, key: _Key) -> tuple[str, Mapping[str, str]]:
        metric, *values = (_unquoted(part.decode("utf-8", "replace").strip()) for part in key)
        name, labels = parse_series_name(metric)
        columns = zip(self._layout.labels.values(), values, strict=True)
        return name, {**labels, **{label: value for label, value in columns if value}}


def _three_fields(raw: bytes, layout: Layout) -> Sequence[bytes]:
    """Time, metric and value of a row of the usual form; the metric may hold delimiters itself."""
    rest, _, value = raw.rpartition(layout.delimiter)
    time, _, metric = rest.partition(layout.delimiter)
    return (time, metric, value) if metric else ()


def _fields(raw: bytes, layout: Layout) -> Sequence[bytes]:
    """The fields of a row, also with quotation marks or with labels that hold the delimiter."""
    if b'"' not in raw and b"{" not in raw:
        return raw.rstrip(b"\r\n").split(layout.delimiter)
    delimiter = layout.delimiter.decode()
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    fields: list[str] = []
    for part in next(csv.reader([text], delimiter=delimiter), []):
        if fields and fields[-1].count("{") > fields[-1].count("}"):
            fields[-1] += delimiter + part
        else:
            fields.append(part)
    return [part.encode() for part in fields]


def _unquoted(text: str) -> str:
    """A field without the quotation marks around it, and those inside it once."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text


def _parts(size: int, max_bytes: int) -> list[tuple[int, int]]:
    """The whole file, or stretches of `max_bytes` in all that are spread evenly over it."""
    if size <= max_bytes:
        return [(0, size)]
    length = max_bytes // _NUM_PARTS
    starts = [round(i * (size - length) / (_NUM_PARTS - 1)) for i in range(_NUM_PARTS)]
    return [(start, start + length) for start in starts]


def _lines(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Rows that begin between `start` and `end`, with their offsets; overlong ones are left out."""
    # A row that begins exactly at `start` is known by the line end before it.
    offset = max(0, start - 1)
    file.seek(offset)
    if start:
        offset = _skip_line(file, offset)
    while offset < end:
        raw = file.readline(_MAX_LINE)
        if not raw:
            return
        if len(raw) == _MAX_LINE and not raw.endswith(b"\n"):
            offset = _skip_line(file, offset + len(raw))
            continue
        if not raw.isspace():
            yield offset, raw
        offset += len(raw)


def _skip_line(file: BinaryIO, offset: int) -> int:
    """Read on to the end of the line; the offset after it."""
    while raw := file.readline(_MAX_LINE):
        offset += len(raw)
        if raw.endswith(b"\n"):
            break
    return offset


def _chunks(file: BinaryIO, length: int) -> Iterator[bytes]:
    """The first `length` bytes of the file."""
    while length > 0 and (chunk := file.read(min(length, 1 << 20))):
        length -= len(chunk)
        yield chunk


def _unreadable(path: Path, error: OSError) -> SourceUnreadable:
    return SourceUnreadable(
        f"{path} cannot be read: {error.strerror or error}", "check the file and its permissions"
    )
