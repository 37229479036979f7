import numpy as np
import pytest

from tools.metrics.series import FloatArray
from tools.metrics.shifts import find_shift, level_starts

_N = 120


def _noise(mean: float, number: int, seed: int = 0, deviation: float = 10.0) -> FloatArray:
    return np.random.default_rng(seed).normal(mean, deviation, number)


def test_a_step_is_found_where_it_is() -> None:
    shift = find_shift(np.concatenate((_noise(100, 90), _noise(200, 30, 1))))
    assert shift is not None
    assert (shift.start, shift.end, shift.direction, shift.is_spike) == (90, None, "rose", False)
    assert (shift.before, shift.after) == (pytest.approx(100, abs=4), pytest.approx(200, abs=6))
    assert shift.share == pytest.approx(0.5, abs=0.05)


def test_a_short_level_at_the_end_counts() -> None:
    shift = find_shift(np.concatenate((np.zeros(114), np.full(6, 50.0))))
    assert shift is not None
    assert (shift.start, shift.before, shift.after, shift.strength) == (114, 0, 50, 1)


def test_a_level_that_came_back_has_an_end() -> None:
    values = np.concatenate((_noise(100, 60), _noise(200, 20, 1), _noise(100, 40, 2)))
    shift = find_shift(values)
    assert shift is not None
    assert (shift.start, shift.end) == (60, 80)


def test_a_leak_begins_where_the_values_leave_their_band() -> None:
    values = np.concatenate((np.full(80, 100.0), np.linspace(100, 300, 40))) + _noise(0, _N, 1, 5)
    shift = find_shift(values)
    assert shift is not None
    assert 80 <= shift.start <= 86
    assert shift.direction == "rose"


def test_a_single_wild_value_is_a_spike() -> None:
    values = _noise(100, _N)
    values[70] = 900
    shift = find_shift(values)
    assert shift is not None
    assert (shift.start, shift.end, shift.is_spike, shift.after) == (70, 71, True, 900)


def test_a_slow_change_of_little_is_found_among_little_noise() -> None:
    values = np.concatenate(
        (_noise(100, 187, 0, 0.4), np.linspace(101, 125, 6), _noise(125, 48, 1, 0.4))
    )
    shift = find_shift(values, 160)
    assert shift is not None
    assert 186 <= shift.start <= 189


def test_a_few_values_must_be_far_apart() -> None:
    shift = find_shift(np.array([10, 11, 10, 500, 510, 505.0]))
    assert shift is not None
    assert shift.start == 3
    assert find_shift(np.array([10, 11, 14, 9, 10, 12.0])) is None


@pytest.mark.parametrize(
    "values",
    [
        np.full(50, 7.0),
        np.array([1.0, 900.0]),
        np.zeros(0),
        _noise(100, _N),
        np.random.default_rng(0).poisson(3, _N).astype(float),
        # 5 % more is not worth a word.
        np.concatenate((_noise(100, 60, 0, 0.1), _noise(105, 60, 1, 0.1))),
    ],
)
def test_what_is_no_change(values: FloatArray) -> None:
    assert find_shift(values) is None


def test_noise_seldom_looks_like_a_change() -> None:
    chance = np.random.default_rng(7)
    kinds = [
        lambda: chance.normal(100, 30, _N),
        lambda: chance.poisson(3, _N).astype(float),
        lambda: chance.exponential(1, _N),
        lambda: chance.normal(100, 30, 12),
    ]
    for kind in kinds:
        assert sum(find_shift(kind()) is not None for _ in range(200)) <= 6


def test_only_what_happens_in_the_window_counts() -> None:
    values = np.concatenate((_noise(100, 40), _noise(200, 80, 1)))
    assert find_shift(values, 30) is not None
    # By then the new level is the usual one.
    assert find_shift(values, 80) is None
    assert find_shift(values, len(values)) is None


def test_wild_values_move_no_level() -> None:
    values = np.concatenate((_noise(100, 60), _noise(200, 60, 1)))
    values[[10, 30, 90]] = 1e9
    assert level_starts(values) == [0, 60]
