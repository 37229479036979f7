from datetime import UTC, datetime

import pytest

from tools.logs.moments import clock, duration, to_micros, to_time


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0 s"),
        (440_000, "0.4 s"),
        (9_960_000, "10 s"),
        (14_200_000, "14 s"),
        (119_000_000, "119 s"),
        (150_000_000, "2.5 min"),
        (19 * 60_000_000, "19 min"),
        (3 * 3_600_000_000, "3 h"),
        (60 * 3_600_000_000, "2.5 days"),
    ],
)
def test_durations(micros: int, text: str) -> None:
    assert duration(micros) == text


def test_moments_go_there_and_back() -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, 678_901, UTC)
    assert to_time(to_micros(moment)) == moment
    assert clock(to_micros(moment)) == "03:04:05"


def test_another_day_is_named() -> None:
    moment = to_micros(datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert clock(moment, moment + 60_000_000) == "03:04:05"
    assert clock(moment, moment + 2 * 86_400_000_000) == "2025-01-02 03:04:05"
