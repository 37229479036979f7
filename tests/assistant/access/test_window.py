"""Never more than the limit within any span, and no longer refused than it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.access.window import SlidingWindow

STEPS = st.lists(st.floats(0, 40, allow_nan=False), max_size=60)


def admitted(window: SlidingWindow, steps: list[float]) -> list[float]:
    """The times at which one more was let in, asked after each of `steps` seconds."""
    now, times = 1000.0, []
    for step in steps:
        now += step
        if not window.wait_s(now):
            window.take(now)
            times.append(now)
    return times


@given(STEPS, st.integers(1, 5))
def test_no_span_has_more_than_the_limit(steps: list[float], limit: int) -> None:
    times = admitted(SlidingWindow(60.0, limit), steps)
    for start in times:
        assert sum(start <= time < start + 60.0 for time in times) <= limit


@given(STEPS, st.integers(1, 5))
def test_the_wait_is_long_enough_and_no_longer_than_a_slot_too_long(
    steps: list[float], limit: int
) -> None:
    window = SlidingWindow(60.0, limit)
    times = admitted(window, [*steps, 0.0])
    now = 1000.0 + sum(steps)
    wait_s = window.wait_s(now)
    assert wait_s <= 61.0
    if wait_s:
        oldest_that_counts = times[-limit]
        assert oldest_that_counts + 60.0 <= now + wait_s <= oldest_that_counts + 61.0 + 1e-6
        assert window.wait_s(now + wait_s + 1e-6) == 0.0


def test_what_was_taken_at_once_counts_as_a_whole() -> None:
    window = SlidingWindow(60.0, 1000)
    window.take(0.0, 700)
    assert window.wait_s(0.0) == 0.0
    window.take(30.0, 5000)
    assert (window.used(30.0), window.wait_s(30.0)) == (5700, 61.0)
    assert window.used(61.0) == 5000
    assert window.used(91.0) == 0


def test_a_clock_that_runs_back_stands_still() -> None:
    window = SlidingWindow(60.0, 1)
    window.take(1000.0)
    assert window.used(0.0) == 1
    window.take(0.0)
    assert window.used(1000.0) == 2
    assert window.wait_s(0.0) == 61.0
    assert window.used(1061.0) == 0


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 10**9)), max_size=300))
def test_it_never_grows(taken: list[tuple[float, int]]) -> None:
    window = SlidingWindow(60.0, 1)
    for now, amount in taken:
        window.take(now, amount)
        assert len(window._slots) <= 62
