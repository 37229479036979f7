"""Numbers between bounds as GBNF: the decimal texts from one number to another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

# With more, the float that a JSON reader makes of the text could lie on the other side of a bound.
_MAX_DIGITS = 15
_MAX_DECIMALS = 4

INTEGER = '"-"? ("0" | [1-9] [0-9]{0,14})'
NUMBER = f'{INTEGER} ("." [0-9]{{1,15}})? ([eE] [-+]? [0-9]{{1,2}})?'


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where numbers lie; None is no bound, an open one is not itself among them."""

    low: Fraction | None = None
    high: Fraction | None = None
    is_low_open: bool = False
    is_high_open: bool = False

    def scaled(self, factor: int) -> tuple[int, int]:
        """The first and the last integer within `factor` times the bounds."""
        limit = 10**_MAX_DIGITS - 1
        first, last = -limit, limit
        if self.low is not None:
            low = self.low * factor
            first = max(first, math.floor(low) + 1 if self.is_low_open else math.ceil(low))
        if self.high is not None:
            high = self.high * factor
            last = min(last, math.ceil(high) - 1 if self.is_high_open else math.floor(high))
        return first, last


def integers(bounds: Bounds) -> str | None:
    """A GBNF expression for the integers within `bounds`; None when there is none.

    They have up to fifteen digits.
    """
    return _one_of([*_texts(bounds, 0)])


def decimals(bounds: Bounds) -> str | None:
    """The same for numbers with up to four decimals."""
    return _one_of([text for count in range(_MAX_DECIMALS + 1) for text in _texts(bounds, count)])


def _one_of(options: list[str]) -> str | None:
    return f"({' | '.join(options)})" if options else None


def _texts(bounds: Bounds, num_decimals: int) -> Iterator[str]:
    """Those with exactly `num_decimals` decimals: integers that a point is put into."""
    first, last = bounds.scaled(10**num_decimals)
    for text in _naturals(max(1, -last), -first, num_decimals):
        yield f'"-" {text}'
    yield from _naturals(max(0, first), last, num_decimals)


def _naturals(low: int, high: int, num_decimals: int) -> Iterator[str]:
    """From `low` to `high`, by their number of digits; at least one is before the point."""
    shortest = num_decimals + 1
    for num_digits in range(shortest, _MAX_DIGITS + 1):
        start = max(low, 0 if num_digits == shortest else 10 ** (num_digits - 1))
        end = min(high, 10**num_digits - 1)
        if start <= end:
            texts = f"{start:0{num_digits}}", f"{end:0{num_digits}}"
            yield " ".join(_digits(*texts, num_decimals))


def _digits(low: str, high: str, num_decimals: int) -> Iterator[str]:
    """From `low` to `high`, digit strings of one length; the last `num_decimals` are decimals."""
    if not low:
        return
    if len(low) == num_decimals:
        yield '"."'
    if low[0] == high[0]:
        yield f'"{low[0]}"'
        yield from _digits(low[1:], high[1:], num_decimals)
        return
    options = [" ".join(option) for option in _branches(low, high, num_decimals)]
    yield options[0] if len(options) == 1 else f"({' | '.join(options)})"


def _branches(low: str, high: str, num_decimals: int) -> Iterator[list[str]]:
    """By their first digit, which differs: the lowest, those between, the highest."""
    zeros, nines = "0" * (len(low) - 1), "9" * (len(low) - 1)
    first, last = int(low[0]), int(high[0])
    if low[1:] != zeros:
        yield [f'"{first}"', *_digits(low[1:], nines, num_decimals)]
        first += 1
    has_partial_last = high[1:] != nines
    if first <= last - has_partial_last:
        between = f"[{first}-{last - has_partial_last}]"
        yield [between, *_digits(zeros, nines, num_decimals)]
    if has_partial_last:
        yield [f'"{last}"', *_digits(zeros, high[1:], num_decimals)]
