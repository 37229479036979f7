from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

import pytest

from knowledge.usage import Usage

WAIT_S = 30.0  # that something happens
MOMENT_S = 0.05  # in which something that should not happen most likely would


def start(work: Callable[[], None]) -> Thread:
    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_closing_waits_for_the_last_user_and_keeps_new_ones_out() -> None:
    usage = Usage()
    steps: list[str] = []

    def close() -> None:
        with usage.closing():
            steps.append("closed")

    def use() -> None:
        with usage.using():
            steps.append("used again")

    with usage.using():
        closer = start(close)
        while not usage._is_closing:
            time.sleep(0.001)
        user = start(use)
        time.sleep(MOMENT_S)
        steps.append("left")
    closer.join()
    user.join()
    assert steps == ["left", "closed", "used again"]


def test_any_number_of_threads_use_it_at_a_time() -> None:
    usage = Usage()
    inside = Event()
    with usage.using():
        thread = start(lambda: _touch(usage, inside))
        assert inside.wait(WAIT_S)
    thread.join()


def _touch(usage: Usage, inside: Event) -> None:
    with usage.using():
        inside.set()


def test_a_user_may_use_it_again_while_somebody_waits_to_close_it() -> None:
    usage = Usage()
    closed = Event()

    def close() -> None:
        with usage.closing():
            closed.set()

    with usage.using():
        closer = start(close)
        assert not closed.wait(MOMENT_S)
        with usage.using():
            assert not closed.is_set()
        assert not closed.is_set()
    assert closed.wait(WAIT_S)
    closer.join()


def test_a_user_may_close_it() -> None:
    usage = Usage()
    with usage.using(), usage.closing():
        pass
    with usage.using():
        pass


def test_errors_leave_nothing_behind() -> None:
    usage = Usage()
    for attempt in (usage.using, usage.closing):
        with pytest.raises(ZeroDivisionError), attempt():
            raise ZeroDivisionError
    with usage.closing():
        pass
    with usage.using():
        pass
