from __future__ import annotations

from assistant.observing.recent import WINDOW_S, RecentTurns

from .scene import Clock


def test_percentiles_are_of_what_was_measured() -> None:
    recent = RecentTurns(Clock())
    for number in range(100, 0, -1):
        recent.add(float(number), 10.0 * number, has_failed=False)
    figures = recent.figures()
    assert (figures.ttft_p50_s, figures.ttft_p95_s) == (50, 95)
    assert (figures.total_p50_s, figures.total_p95_s) == (500, 950)


def test_failed_and_wordless_turns_count_but_are_no_times() -> None:
    recent = RecentTurns(Clock())
    recent.add(None, 7.0, has_failed=True)
    figures = recent.figures()
    assert (figures.num_turns, figures.num_failed) == (1, 1)
    assert (figures.ttft_p50_s, figures.total_p50_s) == (None, None)
    recent.add(1.0, 2.0, has_failed=False)
    figures = recent.figures()
    assert (figures.num_turns, figures.num_failed) == (2, 1)
    assert (figures.ttft_p95_s, figures.total_p95_s) == (1.0, 2.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    clock = Clock()
    recent = RecentTurns(clock)
    recent.add(1.0, 1.0, has_failed=False)
    clock.now += WINDOW_S / 2
    recent.add(3.0, 3.0, has_failed=False)
    clock.now += WINDOW_S / 2 + 1
    figures = recent.figures()
    assert (figures.num_turns, figures.ttft_p50_s) == (1, 3.0)
