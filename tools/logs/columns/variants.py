"""Variants: the lines of a log divided until one line of each part tells what all of them say.

Lines of one shape differ in numbers only, but a number may matter: an HTTP status, a level written
as a digit, whether the number is a time stamp at all. Where it does, the shape is divided by it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tools.logs.columns.clocks import Micros, StampReader, stands_at
from tools.logs.columns.text import NUM_WORKERS, LineColumn, Rows
from tools.logs.columns.variant import LIKE_STAMP, PRIORITY, StampPlace, Variant
from tools.logs.groups import Kind, Kinds
from tools.logs.records import Record, RecordParser
from tools.logs.table import NO_TIME

_Value = TypeVar("_Value", bound=Hashable)
_Keys = npt.NDArray[np.int64]

_LIKE_STAMP_WORD = rf"([0-9TZ:.,/+-]*(?:{LIKE_STAMP})[0-9TZ:.,/+-]*)"
_MAX_CODES = 4
_NUM_CODES = 1001
_MAX_ROUNDS = 3
_START_CHARS = 40
_PROBES = 5
_CHECK_EVERY = 2000


class Variants:
    """The variants of a column's lines: `all[of_row[row]]`, and `times[row]`.

    `check` is called every now and then with nothing to say; what it raises ends the work.
    """

    def __init__(
        self,
        column: LineColumn,
        parser: RecordParser,
        kinds: Kinds,
        check: Callable[[], None],
    ) -> None:
        self.all: list[Variant] = []
        self.of_row = column.shapes.astype(np.int32)
        self._column = column
        self._parser = parser
        self._kinds = kinds
        self._check = check
        self._add(column.shape_rows.tolist())
        with ThreadPoolExecutor(NUM_WORKERS) as self._pool:
            self._divide_by_codes()
            self._divide_by_stamps()
            self.times = self._read_times()

    def kinds_of(self, rows: Rows) -> npt.NDArray[np.int32]:
        """The number of the kind of each of the lines `rows`, which are all records."""
        variants = self.of_row[rows]
        numbers = np.full(len(self.all), -1, np.int32)
        for place in np.flatnonzero(np.bincount(variants, minlength=len(self.all))).tolist():
            variant = self.all[place]
            if variant.kind is None:
                variant.kind = self._kinds.of(self.record(variant.row), variant.row)
            numbers[place] = variant.kind.number
        return numbers[variants]

    def line(self, row: int) -> tuple[str, Record]:
        """The text of one line, and its record by the parser itself."""
        text = self._column.plain[row]
        return text, self._parser.parse(text)

    def record(self, row: int) -> Record:
        """The record of one line, by the parser itself."""
        return self._parser.parse(self._column.plain[row])

    def lookup(self, value: Callable[[Variant], int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """What `value` says of the variant of each line."""
        return np.array([value(variant) for variant in self.all], dtype)[self.of_row]

    def _add(self, rows: Sequence[int]) -> None:
        """Make a variant of each of the lines `rows`."""
        for number, (row, text) in enumerate(zip(rows, self._column.texts(rows), strict=True)):
            if number % _CHECK_EVERY == 0:
                self._check()
            self.all.append(Variant.of(row, text, self._parser.parse(text), self._kinds))

    def _divide(self, rows: Rows, keys: _Keys | pl.Series) -> None:
        """Divide the variants of the lines `rows` by `keys`.

        The lines that agree with the variant's own one stay in it.
        """
        lines = pl.DataFrame({"variant": self.of_row[rows], "key": keys, "row": rows})
        parts = lines.group_by("variant", "key", maintain_order=True).agg(pl.col("row").min())
        numbers: list[int] = []
        new: list[int] = []
        for variant, _, row in parts.iter_rows():
            is_own = row == self.all[variant].row
            numbers.append(variant if is_own else len(self.all) + len(new))
            if not is_own:
                new.append(row)
        numbered = parts.select("variant", "key", pl.Series("number", numbers, pl.Int32))
        joined = lines.join(numbered, on=["variant", "key"], how="left", maintain_order="left")
        self.of_row[rows] = joined["number"].to_numpy()
        self._add(new)

    def _divide_by_codes(self) -> None:
        """By the digits that say a level or a status."""
        keys = np.zeros(len(self.of_row), np.int64)
        is_coded = np.zeros(len(self.of_row), np.bool_)
        for number in range(_MAX_CODES):
            codes = [v.codes[number] if len(v.codes) > number else None for v in self.all]
            parts = list(self._rows_by(codes))
            for (_, rows), found in zip(parts, self._pool.map(self._codes_of, parts), strict=True):
                keys[rows] = keys[rows] * _NUM_CODES + found
                is_coded[rows] = True
        rows = np.flatnonzero(is_coded)
        self._divide(rows, keys[rows])

    def _divide_by_stamps(self) -> None:
        """By what might be a stamp and how it is written, so that it is one in all or none."""
        may_be_timed = self.lookup(lambda variant: variant.may_be_timed, np.bool_)
        rows = np.flatnonzero(may_be_timed)
        stamps = self._column.column(rows).str.extract(_LIKE_STAMP_WORD)
        self._divide(rows, stamps.str.replace_all("[0-9]", "0").fill_null(""))

    def _codes_of(self, part: tuple[str, Rows]) -> _Keys:
        """What of the codes at one place tells lines apart.

        HTTP statuses that say no trouble are all the same.
        """
        place, rows = part
        codes = self._column.column(rows).str.extract(f"{place}([0-9]{{1,3}})")
        keys = codes.cast(pl.Int64).fill_null(_NUM_CODES - 1).to_numpy()
        is_status = (keys >= 100) & (keys < 400) & (not place.endswith(PRIORITY))
        return np.where(is_status, 200, keys)

    def _rows_by(
        self, values: Sequence[_Value | None], among: Rows | None = None
    ) -> Iterator[tuple[_Value, Rows]]:
        """The lines (of `among`) for each distinct value; `values` has one for each variant."""
        numbers: dict[_Value, int] = {}
        by_variant = [
            -1 if value is None else numbers.setdefault(value, len(numbers)) for value in values
        ]
        rows = np.arange(len(self.of_row)) if among is None else among
        classes = np.array(by_variant, np.int32)[self.of_row[rows]]
        rows, classes = rows[classes >= 0], classes[classes >= 0]
        # Numbers of two bytes are sorted in a fraction of the time.
        is_small = len(numbers) < np.iinfo(np.uint16).max
        order = np.argsort(classes.astype(np.uint16) if is_small else classes, kind="stable")
        ends = np.cumsum(np.bincount(classes, minlength=len(numbers)))
        for value, part in zip(numbers, np.split(rows[order], ends), strict=False):
            if len(part):
                yield value, part

    def _read_times(self) -> Micros:
        times = np.full(len(self.of_row), NO_TIME)
        rows = np.flatnonzero(self.lookup(lambda variant: variant.is_timed, np.bool_))
        alone = [self._hidden_stamps()]
        for _ in range(_MAX_ROUNDS):
            is_readable = self.lookup(lambda variant: variant.stamp is not None, np.bool_)[rows]
            alone.append(rows[~is_readable])
            rows = self._read_stamps(rows[is_readable], times)
            if not len(rows):
                break
            # Where these lines begin, their numbers have other lengths than in the one parsed.
            starts = self._column.column(rows).str.slice(0, _START_CHARS)
            self._divide(rows, starts.str.replace_all("[0-9]", "0"))
        self._read_alone(np.concatenate([*alone, rows]), times)
        return times

    def _hidden_stamps(self) -> Rows:
        """Lines without a time stamp that share their variant with lines that have one."""
        by_variant = [number if v.seems_timed else None for number, v in enumerate(self.all)]
        found = [np.empty(0, np.int64)]
        for number, rows in self._rows_by(by_variant):
            places = np.linspace(0, len(rows) - 1, _PROBES).astype(np.int64)
            probes = set(rows[places].tolist()) - {self.all[number].row}
            if any(self.record(row).time is not None for row in probes):
                found.append(rows)
        return np.concatenate(found)

    def _read_stamps(self, rows: Rows, times: Micros) -> Rows:
        """Set the times of the lines `rows` and return those for which this is impossible."""
        parts = list(self._rows_by([variant.stamp for variant in self.all], rows))
        for (_, lines), found in zip(parts, self._pool.map(self._times_of, parts), strict=True):
            self._check()
            times[lines] = found
        for variant in self.all:
            if variant.stamp is not None and times[variant.row] != variant.time:
                variant.stamp = None
        is_readable = self.lookup(lambda variant: variant.stamp is not None, np.bool_)[rows]
        times[rows[~is_readable]] = NO_TIME
        failing: Rows = rows[times[rows] == NO_TIME]
        return failing

    def _times_of(self, part: tuple[StampPlace, Rows]) -> Micros:
        """The times of lines whose stamps stand at one place."""
        place, rows = part
        texts = self._column.column(rows)
        if place.start is None:
            return self._times_in(rows, texts.str.extract(place.pattern))
        times = np.full(len(rows), NO_TIME)
        fixed = stands_at(texts, place.start, place.stamp)
        stamps = texts.str.slice(place.start, len(place.stamp))
        times[fixed] = self._times_in(rows[fixed], stamps.filter(pl.Series(fixed)))
        if not fixed.all():
            found = texts.filter(pl.Series(~fixed)).str.extract(place.pattern)
            times[~fixed] = self._times_in(rows[~fixed], found)
        return times

    def _times_in(self, rows: Rows, stamps: pl.Series) -> Micros:
        # A parser of its own, for it may be another thread that reads.
        parser = copy(self._parser)
        return StampReader(parser, stamps, lambda i: self._column.plain[int(rows[i])]).times()

    def _read_alone(self, rows: Rows, times: Micros) -> None:
        """Parse line by line what is like no other."""
        known: dict[tuple[int, bool, Kind | None], int] = {}
        for number, row in enumerate(rows.tolist()):
            if number % _CHECK_EVERY == 0:
                self._check()
            text = self._column.plain[row]
            record = self._parser.parse(text)
            alone = Variant.of(row, text, record, self._kinds)
            times[row] = alone.time
            old = self.all[self.of_row[row]]
            if (old.is_timed, old.kind) == (alone.is_timed, alone.kind):
                continue
            place = (int(self.of_row[row]), alone.is_timed, alone.kind)
            self.of_row[row] = known.setdefault(place, len(self.all))
            if self.of_row[row] == len(self.all):
                self.all.append(alone)
