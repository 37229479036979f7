from collections.abc import Callable

import pytest

from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]
Records = list[tuple[float, str]]

WORK: Records = [(5.0 + n, f"INFO served request {n}") for n in range(60)]


def routine(signs: SourceSigns) -> list[str]:
    history = signs.history
    return [
        history.group(number).message
        for number in history.groups
        if history.group(number).is_problem and signs.startups.is_routine(number)
    ]


def start(second: float, *warnings: str) -> Records:
    lines = ["INFO starting server 2.1", *warnings, "INFO ready to accept connections"]
    return [(second + n / 10, text) for n, text in enumerate(lines)]


def test_a_warning_at_the_start_is_routine_when_work_follows(look: Look) -> None:
    (warning,) = routine(look([*start(0, "CRIT no authentication is set up"), *WORK]))
    assert "no authentication" in warning


def test_so_is_one_that_comes_at_every_start(look: Look) -> None:
    again = [(100 + second, text) for second, text in WORK]
    records = [*start(0, "WARN using defaults"), *WORK, *start(95, "WARN using defaults"), *again]
    assert len(routine(look(records))) == 1


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([*start(0), *WORK, (40.0, "WARN using defaults")], id="not at the start"),
        pytest.param(
            [*start(0), *WORK, *start(100, "ERROR no such file: pool.conf"), (130, "INFO served")],
            id="a later start adds it",
        ),
        pytest.param([(0, "INFO starting server 2.1"), (1, "ERROR bad setting")], id="the end"),
        pytest.param(
            [
                (n * 2 + m / 10, text)
                for n in range(6)
                for m, text in enumerate(["INFO starting server 2.1", "ERROR bad setting"])
            ],
            id="a crash loop",
        ),
        pytest.param(
            [(0, "INFO starting server 2.1"), (1, "ERROR cannot connect"), (2, "FATAL giving up"),
             *((9.0 + n, "INFO another process") for n in range(9))],
            id="gave up",
        ),
        pytest.param([(5, "WARN using defaults"), *WORK], id="no start in the log"),
        pytest.param(
            [
                *((n * 2 + m / 10, text) for n in range(6)
                  for m, text in enumerate(["INFO starting server 2.1", "ERROR bad setting"])),
                (12.0, "INFO starting server 2.1"),
                *((20 + second, text) for second, text in WORK),
            ],
            id="a crash loop that was mended",
        ),
        pytest.param([*start(0, *["WARN retrying"] * 9), *WORK], id="nine times in one start"),
    ],
)  # fmt: skip
def test_what_is_no_routine(look: Look, records: Records) -> None:
    assert routine(look(records)) == []


def test_starting_up_explains_itself(look: Look) -> None:
    records = [*start(0), (0.5, "FATAL the database system is starting up")]
    assert len(routine(look(records))) == 1


def test_a_start_in_a_log_without_times_is_short(look: Look) -> None:
    records = [*start(0, "WARN using defaults"), *WORK]
    assert look(records).startups.is_within.sum() == 3
    untimed = look(records, "untimed", is_timed=False)
    assert 3 <= untimed.startups.is_within.sum() < 20
    assert len(routine(untimed)) == 1
