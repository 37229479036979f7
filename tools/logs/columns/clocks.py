"""Times of many lines at once: one time stamp of each date is parsed, the clocks are added to it.

How a time stamp is written is learnt by asking the parser: a digit that moves the time by a second,
a minute or an hour belongs to the clock. In stamps of the same form the clock's digits stand at the
same places and are added up by columns; what surrounds them (the date, the zone) takes few values,
so that one line of each is parsed. A stamp that only counts seconds is computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from tools.logs.moments import to_micros
from tools.logs.records import RecordParser
from tools.logs.table import NO_TIME

Micros = npt.NDArray[np.int64]
"""Microseconds since 1970, UTC; NO_TIME where there is none."""

Chars = npt.NDArray[np.uint8]
"""Texts of equal length, one in each row: their ASCII codes."""

_EPOCH = re.compile(r"\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?")
_HALF_DAY = re.compile(r"[AaPp]\.?[Mm]\b")
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
# What one more in a digit of a clock may add, and what all digits of a unit together stay under.
_LIMITS = {
    24 * _HOUR: (_HOUR, 10 * _HOUR),
    _HOUR: (_MINUTE, 10 * _MINUTE),
    _MINUTE: (_SECOND, 10 * _SECOND),
}
_FRACTIONS = frozenset(10**power for power in range(6))
# What is finer than a microsecond adds nothing.
_CLOCK_WEIGHTS = frozenset((0, *_FRACTIONS)).union(*_LIMITS.values())
# 2001 to 2096 in seconds, as the parser has it.
_EPOCH_RANGE = (1_000_000_000, 4_000_000_000)
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_ZERO = np.uint8(ord("0"))
_MAX_FORMS = 64
# What may follow a number and surely does not go on with it.
_ENDS_STAMP = np.array([not (chr(c).isalnum() or chr(c) in "_.:,/-") for c in range(256)])


def stamp_pattern(stamp: str) -> str:
    """An expression for stamps that are written like `stamp`, if not with as many digits."""
    words = re.sub(r"[0-9]+|[A-Za-z]+|.", _word_pattern, stamp.removesuffix("Z"), flags=re.DOTALL)
    # Whether it names this zone is hidden in the shape of the line.
    return f"{words}(?:[.,][0-9]+)?Z?"


def _word_pattern(word: re.Match[str]) -> str:
    if word[0].isdigit():
        return "[0-9]+"
    return "[A-Za-z]+" if word[0].isalpha() else re.escape(word[0])


def stands_at(texts: pl.Series, start: int, stamp: str) -> npt.NDArray[np.bool_]:
    """Which texts of one shape have at `start` a stamp whose digits stand as in `stamp`.

    Where this cannot be said at a glance, not: with a letter or a separator behind it, say.
    """
    length = len(stamp)
    slices = texts.str.slice(start, length + 1)
    stands = (slices.str.len_bytes() == length + 1).to_numpy().copy()
    chars = _chars(slices.filter(pl.Series(stands)), length + 1)
    is_digit = chars[:, :length] - _ZERO < 10
    like = [char.isdigit() for char in stamp]
    stands[stands] = (is_digit == like).all(axis=1) & _ENDS_STAMP[chars[:, length]]
    return stands


def _chars(texts: pl.Series, length: int) -> Chars:
    """Texts of `length` bytes each as rows of bytes."""
    joined = texts.str.join("").item() or ""
    return np.frombuffer(joined.encode(), np.uint8).reshape(len(texts), length)


@dataclass(frozen=True, slots=True)
class StampReader:
    """Reads the stamps of lines in which they stand at the same place. `line(i)` is line i."""

    parser: RecordParser
    stamps: pl.Series
    line: Callable[[int], str]

    def times(self) -> Micros:
        """The time of each line; NO_TIME where there is no stamp, or none that can be told so."""
        times = np.full(len(self.stamps), NO_TIME)
        lengths = self.stamps.str.len_bytes().fill_null(0).to_numpy()
        for length in np.flatnonzero(np.bincount(lengths)).tolist():
            if length:
                rows = np.flatnonzero(lengths == length)
                times[rows] = self._of_one_length(rows, length)
        return times

    def _of_one_length(self, rows: npt.NDArray[np.int64], length: int) -> Micros:
        chars = _chars(self.stamps.gather(pl.Series(rows, dtype=pl.UInt32)), length)
        is_digit = chars - _ZERO < 10
        times = np.full(len(rows), NO_TIME)
        left = np.arange(len(rows))
        for _ in range(_MAX_FORMS):
            if not len(left):
                break
            is_like_first = (is_digit[left] == is_digit[left[0]]).all(axis=1)
            alike, left = left[is_like_first], left[~is_like_first]
            times[alike] = self._of_one_form(rows[alike], chars[alike])
        return times

    def _of_one_form(self, rows: npt.NDArray[np.int64], chars: Chars) -> Micros:
        stamp = chars[0].tobytes().decode("ascii")
        time = self._confirmed(int(rows[0]))
        if time is None:
            return np.full(len(rows), NO_TIME)
        if _EPOCH.fullmatch(stamp):
            return _epochs(self.stamps.gather(pl.Series(rows, dtype=pl.UInt32)))
        clock = Clock.learn(self.parser, self.line(int(rows[0])), stamp)
        return clock.times(chars, lambda i: self._confirmed(int(rows[i])))

    def _confirmed(self, i: int) -> datetime | None:
        """The time of line i by the parser, if it reads the same stamp."""
        text = self.line(i)
        record = self.parser.parse(text)
        is_same = record.stamp is not None and text[slice(*record.stamp)] == self.stamps[i]
        return record.time if is_same else None


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the digits of the clock stand in a stamp, and what one more in each of them adds.

    The other characters, the date and the zone, stand at the places `around`.
    """

    weights: Mapping[int, int]
    around: Sequence[int]

    @classmethod
    def learn(cls, parser: RecordParser, line: str, stamp: str) -> Clock:
        """The clock of `stamp`, which `parser` reads in `line`."""
        allowed = _CLOCK_WEIGHTS
        if _HALF_DAY.search(stamp) or parser.zone is not UTC:
            # What an hour adds depends on the half of the day, or on the day.
            allowed -= {_HOUR, 10 * _HOUR}
        weights: dict[int, int] = {}
        for place, char in enumerate(stamp):
            weight = _weight(parser, line, place) if char.isdigit() else None
            if weight is not None and weight in allowed:
                weights[place] = weight
        return cls(weights, [place for place in range(len(stamp)) if place not in weights])

    def times(self, chars: Chars, read: Callable[[int], datetime | None]) -> Micros:
        """The times of stamps of this form; `read(i)` is that of stamp i by the parser."""
        times = np.zeros(len(chars), np.int64)
        is_time = np.ones(len(chars), np.bool_)
        for limit, units in _LIMITS.items():
            part = self._sum(chars, units)
            is_time &= part < limit
            times += part
        times += self._sum(chars, _FRACTIONS)
        bases, places = _bases(chars[:, self.around], times, read)
        is_time &= bases[places] != NO_TIME
        return np.where(is_time, bases[places] + times, NO_TIME)

    def _sum(self, chars: Chars, units: Collection[int]) -> Micros:
        total = np.zeros(len(chars), np.int64)
        for place, weight in self.weights.items():
            if weight in units:
                total += (chars[:, place] - _ZERO).astype(np.int64) * weight
        return total


def _weight(parser: RecordParser, line: str, place: int) -> int | None:
    """What one more in the digit at `place` of the line's stamp adds; None where it cannot be."""
    record = parser.parse(line)
    if record.time is None or record.stamp is None:
        return None
    place += record.stamp[0]
    digit = int(line[place])
    for step in (1, -1):
        if 0 <= digit + step <= 9:
            moved = parser.parse(f"{line[:place]}{digit + step}{line[place + 1 :]}")
            if moved.time is not None and moved.stamp == record.stamp:
                return (moved.time - record.time) // _MICROSECOND * step
    return None


def _bases(
    around: Chars, clocks: Micros, read: Callable[[int], datetime | None]
) -> tuple[Micros, npt.NDArray[np.intp]]:
    """The moments that clocks count from: the distinct ones, and which of them is whose."""
    keys = np.zeros(len(around), np.uint64)
    for column in around.T:
        keys = keys * _HASH_FACTOR + column
    # Neighbours mostly share their date, so there are few to be sorted.
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    _, first, inverse = np.unique(keys[starts], return_index=True, return_inverse=True)
    bases = np.full(len(first), NO_TIME)
    for place, row in enumerate(starts[first].tolist()):
        time = read(row)
        if time is not None:
            bases[place] = to_micros(time) - clocks[row]
    return bases, np.repeat(inverse, np.diff(np.append(starts, len(keys))))


def _epochs(stamps: pl.Series) -> Micros:
    """The times of stamps that count seconds, milliseconds, … since 1970.

    The arithmetic is that of `datetime.fromtimestamp`, rounding included.
    """
    seconds = stamps.cast(pl.Float64, strict=False).to_numpy().copy()
    times = np.full(len(seconds), NO_TIME)
    for _ in range(4):
        is_time = (seconds >= _EPOCH_RANGE[0]) & (seconds < _EPOCH_RANGE[1]) & (times == NO_TIME)
        fraction, whole = np.modf(seconds[is_time])
        micros = np.rint(fraction * _SECOND).astype(np.int64)
        times[is_time] = whole.astype(np.int64) * _SECOND + micros
        seconds /= 1000
    return times
