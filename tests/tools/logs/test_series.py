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
