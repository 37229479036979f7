import math

import pytest

from tools.metrics.series import render_number, render_sample


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (0.5, "0.5"),
        (-3.0, "-3"),
        (1e21, "1e+21"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_numbers_are_written_as_prometheus_does(value: float, text: str) -> None:
    assert render_number(value) == text


def test_a_sample_is_one_line_with_its_time_in_utc() -> None:
    assert render_sample("up", {"b": "2", "a": "1"}, 1.0, 1735786800.0) == (
        'up{a="1",b="2"} 1 @ 2025-01-02T03:00:00Z'
    )
    assert render_sample("", {}, 0.25, 1735786800.25) == "{} 0.25 @ 2025-01-02T03:00:00.250Z"
