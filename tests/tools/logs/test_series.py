import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.logs.reader import LogLine
from tools.logs.series import Series

START = datetime(2025, 1, 2, tzinfo=UTC)


def series(values: Iterable[float]) -> Series:
    filled = Series()
    for number, value in enumerate(values, 1):
        line = LogLine(Path("app.log"), number, f"v={value}", False)
        filled.add(value, START + timedelta(seconds=number), line)
    return filled


@pytest.mark.parametrize("count", [40, 127, 128, 129, 5000, 10_007])
def test_a_rise_is_found_with_true_figures(count: int) -> None:
    drift = series(100 + 900 * n / count for n in range(count)).drift()
    assert drift is not None
    assert (drift.direction, drift.returned) == ("rose", False)
    assert (drift.first, drift.low, drift.count) == (100, 100, count)
    assert drift.last == drift.high == pytest.approx(100 + 900 * (count - 1) / count)
    assert drift.first_time == START + timedelta(seconds=1)


def test_a_fall_is_found() -> None:
    drift = series(range(1000, 0, -1)).drift()
    assert drift is not None
    assert (drift.direction, drift.first, drift.last) == ("fell", 1000, 1)


def test_a_long_spike_that_ends_is_found() -> None:
    noise = random.Random(1)
    values = [10 + noise.random() for _ in range(300)]
    drift = series([*values, *(1000 + noise.random() for _ in range(300)), *values]).drift()
    assert drift is not None
    assert drift.returned
    assert drift.peak.mean > 900


@pytest.mark.parametrize("spread", [0, 5, 90])
def test_noise_is_no_drift(spread: float) -> None:
    noise = random.Random(2)
    assert series(100 + spread * noise.random() for _ in range(3000)).drift() is None


def test_one_outlier_is_no_drift() -> None:
    assert series([*[10.0] * 500, 9999.0, *[10.0] * 500]).drift() is None


def test_too_few_values_are_no_drift() -> None:
    assert series([1, 2, 3, 50, 100]).drift() is None
    assert Series().drift() is None


def test_a_counter_is_known_as_one() -> None:
    assert series(range(1000)).is_counter
    assert not series([100, 100, 101, 101] * 100).is_counter


def test_a_number_that_left_its_band_says_when() -> None:
    noise = random.Random(4)
    usual = [20 + 4 * noise.random() for _ in range(400)]
    drift = series([*usual, *(300 + noise.random() for _ in range(200))]).drift()
    assert drift is not None
    low, high = drift.band
    assert 15 < low < 20.5
    assert 23.5 < high < 30
    assert drift.left_time is not None
    assert abs((drift.left_time - START).total_seconds() - 401) <= 8
    assert drift.return_time is None


def test_and_when_it_came_back() -> None:
    values = [*[10.0, 11.0] * 150, *[500.0] * 100, *[10.0, 11.0] * 150]
    drift = series(values).drift()
    assert drift is not None
    assert drift.left_time is not None
    assert drift.return_time is not None
    assert abs((drift.left_time - START).total_seconds() - 301) <= 8
    assert abs((drift.return_time - START).total_seconds() - 401) <= 8


def test_the_band_of_what_is_never_negative_is_not() -> None:
    drift = series([*[0.0, 3.0] * 50, *[90.0] * 60]).drift()
    assert drift is not None
    assert drift.band == (0, 4.5)


def test_a_leak_leaves_its_band_early() -> None:
    drift = series(100 + n for n in range(1000)).drift()
    assert drift is not None
    assert drift.left_time is not None
    assert (drift.left_time - START).total_seconds() < 250


def test_a_clear_step_in_a_few_values_is_found() -> None:
    drift = series([2.7, 3.2, 3.2, 18.9, 22.2, 25.2]).drift()
    assert drift is not None
    assert (drift.first, drift.last) == (2.7, 25.2)
    assert drift.left_time == START + timedelta(seconds=4)


@pytest.mark.parametrize(
    "values", [[2.7, 3.2, 18.9, 3.1, 22.2, 25.2], [5, 6, 7, 8, 9, 10], [0, 0, 0, 1, 2, 3], [9] * 8]
)
def test_no_step_in_a_few_values(values: list[float]) -> None:
    assert series(values).drift() is None


def test_a_progress_in_small_steps_is_a_counter() -> None:
    assert series([n // 4 + n % 2 for n in range(200)]).is_counter


def test_a_step_is_no_counter() -> None:
    assert not series([1.0] * 300 + [121.0] * 300).is_counter


def test_a_rise_within_the_band_leaves_it_at_no_time() -> None:
    drift = series([*[40.0, 100.0] * 8, *[110.0 + n / 2 for n in range(24)]]).drift()
    assert drift is not None
    assert (drift.left_time, drift.return_time) == (None, None)
