import random
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest

from tools.logs.drift import Drift
from tools.logs.ranking import drift_note
from tools.logs.reader import LogLine
from tools.logs.series import Series

START = datetime(2025, 1, 2, tzinfo=UTC)

# "rose from 3 (2025-01-02 00:00:00Z) to 8 (…) and was 4 (…)": the direction and its two numbers.
CHANGE = re.compile(r"n (rose|fell) from (?:about )?(\S+)(?: \([^)]+\))? to (\S+)")

Values = Callable[[random.Random], Iterable[float]]

COURSES: dict[str, Values] = {
    "a noisy rise": lambda r: (100 + n / 4 + r.random() * 80 for n in range(400)),
    "a noisy fall": lambda r: (200 - n / 4 + r.random() * 80 for n in range(400)),
    "a peak that comes back lower": lambda r: (
        [30 + r.random() * 140 for _ in range(120)]
        + [900 + r.random() * 300 for _ in range(80)]
        + [10 + r.random() * 40 for _ in range(100)]
    ),
    "a peak that comes back in part": lambda r: (
        [r.choice((5, 10, 60)) for _ in range(100)]
        + [500 + r.random() for _ in range(60)]
        + [r.choice((20, 40)) for _ in range(100)]
    ),
    "an outlier before a rise": lambda r: [9000, *(10 + n + r.random() for n in range(1500))],
    "an outlier at the end of a rise": lambda r: [*(10 + n + r.random() for n in range(700)), 1],
    "a leap among negative numbers": lambda r: (
        [r.random() - 40 for _ in range(100)] + [r.random() - 3 for _ in range(100)]
    ),
    "a step in a few values": lambda r: [3, 2, 1 + r.random(), 12, 14, 11 + r.random()],
    "a walk": lambda r: accumulate(r.uniform(-5, 5) for _ in range(r.randrange(12, 90))),
}


def drift_of(values: Iterable[float]) -> Drift | None:
    series = Series()
    for number, value in enumerate(values):
        line = LogLine(Path("app.log"), number + 1, f"n={value}", False)
        series.add(value, START + timedelta(seconds=number), line)
    return series.drift()


@pytest.mark.parametrize("course", COURSES)
def test_a_direction_agrees_with_the_numbers_beside_it(course: str) -> None:
    num_told = 0
    for seed in range(60):
        drift = drift_of(COURSES[course](random.Random(seed)))
        if drift is not None:
            note = drift_note("n", drift)
            change = CHANGE.match(note)
            assert change is not None, note
            before, after = float(change[2]), float(change[3])
            assert after > before if change[1] == "rose" else after < before, note
            num_told += 1
    assert num_told


def test_a_lasting_rise_is_told_by_its_first_and_last_value() -> None:
    drift = drift_of([*[20.0] * 50, *[200.0] * 50])
    assert drift is not None
    assert drift_note("n", drift).startswith(
        "n rose from 20 (2025-01-02 00:00:00Z) to 200 (2025-01-02 00:01:39Z); lowest 20"
    )


def test_what_rose_and_came_back_is_told_with_its_peak() -> None:
    drift = drift_of([*[170.0, 60.0] * 60, *[2000.0, 2100.0] * 30, *[24.0, 22.0] * 60])
    assert drift is not None
    assert drift.returned
    assert drift_note("n", drift).startswith(
        "n rose from 170 (2025-01-02 00:00:00Z) to 2100 (2025-01-02 00:02:59Z) "
        "and was 22 (2025-01-02 00:04:59Z); lowest 22, highest 2100"
    )


def test_a_first_value_like_no_other_is_not_what_it_rose_from() -> None:
    drift = drift_of([9000.0, *[10.0] * 700, *[500.0] * 700])
    assert drift is not None
    note = drift_note("n", drift)
    assert note.startswith("n rose from about 10 to 500 (")
    assert "highest 9000" in note
