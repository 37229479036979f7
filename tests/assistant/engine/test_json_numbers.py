from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.json_numbers import INTEGER, NUMBER, Bounds, decimals, integers

_LITERAL = re.compile(r'"([^"]*)"')


def as_regex(gbnf: str) -> re.Pattern[str]:
    """The expression as a regular one: here they differ in literals and spaces only."""
    return re.compile(_LITERAL.sub(lambda m: re.escape(m[1]), gbnf).replace(" ", ""))


def bounds_around(low: Fraction | None, high: Fraction | None, opens: tuple[bool, bool]) -> Bounds:
    return Bounds(low, high, is_low_open=opens[0], is_high_open=opens[1])


def lie_within(bounds: Bounds, value: Fraction) -> bool:
    if bounds.low is not None and (
        value < bounds.low or (bounds.is_low_open and value == bounds.low)
    ):
        return False
    if bounds.high is None:
        return True
    return value < bounds.high or (value == bounds.high and not bounds.is_high_open)


small = st.none() | st.integers(-1500, 1500).map(Fraction)
tenths = st.none() | st.integers(-400, 400).map(lambda number: Fraction(number, 100))
opens = st.tuples(st.booleans(), st.booleans())


@given(small, small, opens)
def test_integers_within_bounds_and_no_others(
    low: Fraction | None, high: Fraction | None, opens: tuple[bool, bool]
) -> None:
    bounds = bounds_around(low, high, opens)
    text = integers(bounds)
    within = {number for number in range(-1700, 1700) if lie_within(bounds, Fraction(number))}
    if text is None:
        assert not within
        return
    regex = as_regex(text)
    assert {number for number in range(-1700, 1700) if regex.fullmatch(str(number))} == within
    assert not any(regex.fullmatch(odd) for odd in ("", "-", "-0", "00", "01", "+1", "1.0"))


@given(tenths, tenths, opens)
def test_decimals_within_bounds_and_no_others(
    low: Fraction | None, high: Fraction | None, opens: tuple[bool, bool]
) -> None:
    bounds = bounds_around(low, high, opens)
    text = decimals(bounds)
    texts = [str(Decimal(n).scaleb(-3)) for n in range(-4300, 4300, 7)]
    texts += [f"{n / 10:.1f}" for n in range(-43, 44)] + [str(n) for n in range(-5, 6)]
    within = {
        t for t in texts if lie_within(bounds, Fraction(t)) and not re.match(r"-0(\.0*)?$", t)
    }
    if text is None:
        assert not within
        return
    regex = as_regex(text)
    assert {t for t in texts if regex.fullmatch(t)} == within
    assert not any(regex.fullmatch(odd) for odd in ("", ".5", "1.", "00.5", "01", "1e1", "-0.0"))


@given(
    st.floats(-1e12, 1e12, allow_nan=False),
    st.floats(-1e12, 1e12, allow_nan=False),
    st.integers(0, 10**6),
)
def test_float_of_a_text_is_within_float_bounds(first: float, second: float, share: int) -> None:
    low, high = sorted((first, second))
    text = decimals(Bounds(Fraction(repr(low)), Fraction(repr(high))))
    if text is None:
        return
    regex = as_regex(text)
    middle = low + (high - low) * share / 10**6
    for candidate in (f"{low:.4f}", f"{high:.4f}", f"{middle:.4f}", f"{middle:.1f}"):
        if regex.fullmatch(candidate):
            assert low <= float(candidate) <= high


def test_without_bounds_there_are_fifteen_digits() -> None:
    regex = as_regex(INTEGER)
    assert regex.fullmatch("-" + "9" * 15)
    assert not regex.fullmatch("9" * 16)
    assert as_regex(NUMBER).fullmatch("-1.5e-07")
    assert not as_regex(NUMBER).fullmatch("1e999")


@pytest.mark.parametrize("low", [Fraction(10**15), Fraction(10) ** 300])
def test_beyond_fifteen_digits_there_is_nothing(low: Fraction) -> None:
    assert integers(Bounds(low=low)) is None
    assert integers(Bounds(high=-low)) is None
    assert integers(Bounds(low=-low, high=low)) is not None
