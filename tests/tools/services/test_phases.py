from datetime import UTC, datetime, timedelta

import pytest

from tools.scope import ServiceState
from tools.services.phases import has_changed, is_coming_up, phase_of, told

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "is_healthy", "phase"),
    [
        ("RUNNING", True, "up"),
        ("STARTING", False, "moving"),
        ("BACKOFF", False, "moving"),
        ("STOPPING", False, "moving"),
        ("STOPPED", False, "down"),
        ("STOPPED", True, "down"),
        ("EXITED", True, "down"),
        ("FATAL", False, "down"),
        ("active", True, "up"),
        ("reloading", True, "moving"),
        ("activating", False, "moving"),
        ("auto-restart", False, "moving"),
        ("inactive", True, "down"),
        ("failed", False, "down"),
        ("running", True, "up"),
        ("running", False, "moving"),
        ("exited", False, "down"),
        ("restarting", False, "moving"),
        ("Running", True, "up"),
        ("CrashLoopBackOff", False, "moving"),
        ("Succeeded", True, "down"),
    ],
)
def test_the_words_of_all_managers(word: str, is_healthy: bool, phase: str) -> None:
    assert phase_of(ServiceState("web", word, is_healthy)) == phase


@pytest.mark.parametrize(
    ("word", "is_healthy", "expected"),
    [("RUNNING", True, True), ("STARTING", False, True), ("BACKOFF", False, False)],
)
def test_what_comes_up_already(word: str, is_healthy: bool, expected: bool) -> None:
    assert is_coming_up(ServiceState("web", word, is_healthy)) is expected


@pytest.mark.parametrize(
    ("pid", "later", "expected"),
    [(7, 0, False), (8, 0, True), (7, 1, True), (None, 0, True)],
)
def test_another_process_or_time_is_another_run(
    pid: int | None, later: int, expected: bool
) -> None:
    before = ServiceState("web", "RUNNING", True, pid=7, since=NOON)
    since = NOON + timedelta(seconds=later)
    assert has_changed(before, ServiceState("web", "FATAL", False, "", pid, since)) is expected


def test_without_process_and_time_nothing_can_be_told_apart() -> None:
    state = ServiceState("web", "active", True)
    assert has_changed(state, state)


def test_a_state_in_words_is_one_line() -> None:
    assert told(ServiceState("web", "FATAL", False, "gave\nup")) == "FATAL (gave up)"
    assert told(ServiceState("web", "FATAL", False)) == "FATAL (no more is known)"
