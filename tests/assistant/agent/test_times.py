from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.agent.times import read_moment, read_window, without_times
from tools.window import EVERYTHING, Window

NOW = datetime(2026, 3, 5, 15, 30, tzinfo=UTC)


def at(hour: int, minute: int = 0, second: int = 0, *, day: int = 5) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("What is wrong?", EVERYTHING),
        ("What failed in the last 30 minutes?", Window(NOW - timedelta(minutes=30))),
        ("What failed since 14:00?", Window(at(14))),
        ("What failed since the deploy at 14:02:40?", Window(at(14, 2, 40))),
        ("Slower after our release at 2pm?", Window(at(14))),
        # Later than now is yesterday's.
        ("What failed since 23:30?", Window(at(23, 30, day=4))),
        ("How many before 14:03:02?", Window(None, at(14, 3, 2))),
        ("What failed between 13:00 and 14:15?", Window(at(13), at(14, 15))),
        ("Errors from 13:00 to 14:00", Window(at(13), at(14))),
        ("Errors between 23:00 and 01:00?", Window(at(23, day=4), at(1))),
        ("Why slow yesterday between 03:00 and 04:00?", Window(at(3, day=4), at(4, day=4))),
        ("What happened yesterday?", Window(at(0, day=4), at(0))),
        ("What happened today?", Window(at(0))),
        ("What happened on 2026-03-02?", Window(at(0, day=2), at(0, day=3))),
        ("What happened on March 2nd?", Window(at(0, day=2), at(0, day=3))),
        ("Events on 2 Mar after 10:00", Window(at(10, day=2))),
        ("The last 5 minutes before 10:00", Window(at(9, 55), at(10))),
        # A day that is still to come this year was last year's.
        (
            "What happened on June 12?",
            Window(datetime(2025, 6, 12, tzinfo=UTC), datetime(2025, 6, 13, tzinfo=UTC)),
        ),
        ("since 25:00 and 99:99", EVERYTHING),
        ("on February 31", EVERYTHING),
        ("from 10.0.0.7 to 10.0.0.8", EVERYTHING),
        ("since version 4.2", EVERYTHING),
    ],
)
def test_the_time_that_a_question_is_about(text: str, window: Window) -> None:
    assert read_window(text, NOW) == window


@given(st.text(max_size=120))
def test_any_text_has_a_window_whose_ends_are_in_order(text: str) -> None:
    window = read_window(text, NOW)
    assert window.start is None or window.end is None or window.start < window.end


def test_the_moment_of_a_comparison() -> None:
    assert read_moment("slower since the deploy at 14:02:40?", NOW) == at(14, 2, 40)
    assert read_moment("is it slower?", NOW) is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("How many errors in the last 5 minutes?", "How many errors in the ?"),
        ("How many errors since the deploy at 14:00?", "How many errors ?"),
        ("How many errors?", "How many errors?"),
    ],
)
def test_words_of_time_are_taken_out(text: str, left: str) -> None:
    assert " ".join(without_times(text).split()) == left
