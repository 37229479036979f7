"""Figures: the numbers of a source that changed lastingly, followed on samples of its lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from tools.logs.columns.counting import Count
from tools.logs.columns.records import Records
from tools.logs.columns.samples import Index, read, spread
from tools.logs.columns.text import Rows
from tools.logs.numbers import FieldNumbers, Followed, MessageNumbers, is_measure
from tools.logs.series import MIN_VALUES

_MAX_FIELDS = 64
# Lines that are parsed: for one template or set of fields, and for all. They decide the time.
_MAX_LINES = 512
_MIN_LINES = 96
_MAX_ALL_LINES = 16_000


def follow_fields(records: Records) -> Iterator[Followed]:
    """The numeric fields of structured lines that changed, each by its name."""
    num_left = _MAX_ALL_LINES
    window_variants = records.variants.of_row[records.window.rows]
    for variants, names in _fields(records).items():
        has_fields = np.zeros(len(records.variants.all), np.bool_)
        has_fields[list(variants)] = True
        positions = np.flatnonzero(has_fields[window_variants])
        if len(positions) >= MIN_VALUES and num_left > 0:
            chosen = spread(positions, _MAX_LINES)
            num_left -= len(chosen)
            numbers = FieldNumbers(names)
            for record, time, line in read(records, chosen):
                numbers.add(record.fields, time, line)
            for name, drift in numbers.drifts():
                yield Followed(name, drift, len(chosen), len(positions))


def _fields(records: Records) -> dict[frozenset[int], list[str]]:
    """The variants that share numeric fields, and the names of these."""
    variants_of: defaultdict[str, set[int]] = defaultdict(set)
    for number, variant in enumerate(records.variants.all):
        for name in variant.number_fields:
            variants_of[name].add(number)
    names_of: defaultdict[frozenset[int], list[str]] = defaultdict(list)
    for name in list(variants_of)[:_MAX_FIELDS]:
        names_of[frozenset(variants_of[name])].append(name)
    return names_of


def follow_messages(records: Records, counted: Count) -> Iterator[Followed]:
    """The numbers in plain messages that changed, named after the words before them."""
    index = Index(records.window.kinds, len(records.kinds.all))
    kinds = _numbered_kinds(records, counted, index)
    # Many templates are looked at less closely rather than some of them not at all.
    max_lines = max(_MIN_LINES, min(_MAX_LINES, _MAX_ALL_LINES // max(1, len(kinds))))
    for kind in kinds[: _MAX_ALL_LINES // max_lines]:
        positions = index.positions(kind)
        yield from _drifts(records, spread(positions, max_lines), len(positions))


def _numbered_kinds(records: Records, counted: Count, index: Index) -> list[int]:
    """The kinds whose messages have numbers, the largest of each group, frequent ones first."""
    largest: dict[int, int] = {}
    for kind in records.kinds.all:
        if kind.has_numbers and index.counts[kind.number] >= MIN_VALUES:
            group = int(counted.group_of_kind[kind.number])
            best = largest.setdefault(group, kind.number)
            if index.counts[kind.number] > index.counts[best]:
                largest[group] = kind.number
    return sorted(largest.values(), key=lambda kind: -int(index.counts[kind]))


def _drifts(records: Records, chosen: Rows, num_lines: int) -> Iterator[Followed]:
    numbers = MessageNumbers()
    sample = ""
    for record, time, line in read(records, chosen):
        if not record.fields:
            sample = sample or record.message
            numbers.add(record.message, time, line)
    for name, drift in numbers.drifts(sample):
        yield Followed(name, drift, len(chosen), num_lines, is_measure(name))
