import numpy as np
import pytest

from tests.tools.metrics.series_of import START, series_of
from tools.metrics.counters import is_counter, to_rates


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("jobs_total", [1, 2, 3, 3, 9], True),
        ("jobs_total", [5, 6, 7, 0, 1, 2], True),
        ("requests_count", [5, 6, 0, 1, 2, 3], True),
        # By its name a counter, by its values none.
        ("queue_count", [5, 3, 6, 2, 7, 1], False),
        ("balance_total", [-5, -4, -3], False),
        ("queue_depth", [1, 2, 3], False),
        ("jobs_total", [np.nan, np.nan], True),
    ],
)
def test_what_counts(name: str, values: list[float], expected: bool) -> None:
    assert is_counter(series_of(values, name)) is expected


def test_a_declared_counter_needs_no_name() -> None:
    assert is_counter(series_of([3, 2, 1], "odd", kind="counter"))
    assert not is_counter(series_of([1, 2, 3], "jobs_total", kind="rate"))


def test_rates_are_per_second_at_the_later_sample() -> None:
    rates = to_rates(series_of([0, 60, 60, 180], "jobs_total"))
    assert rates is not None
    assert rates.series.values.tolist() == [1, 0, 2]
    assert rates.series.samples.tolist() == [60, 60, 180]
    assert rates.series.times[0] == START + 60
    assert rates.series.kind == "rate"
    assert rates.reset_times.tolist() == []


def test_a_reset_is_no_negative_rate() -> None:
    rates = to_rates(series_of([0, 60, 120, 6, 66], "jobs_total"))
    assert rates is not None
    assert rates.series.values.tolist() == [1, 1, 1, 1]
    assert rates.reset_times.tolist() == [START + 180]


def test_missing_values_are_stepped_over() -> None:
    rates = to_rates(series_of([0, np.nan, 120, 180], "jobs_total"))
    assert rates is not None
    assert rates.series.values.tolist() == [1, 1]


def test_two_samples_are_too_few() -> None:
    assert to_rates(series_of([0, 1], "jobs_total")) is None
