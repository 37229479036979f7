from collections.abc import Callable

from tools.logs.signs.sign import Sign
from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]


def restarts(signs: SourceSigns) -> list[Sign]:
    return [sign for sign in signs.signs if sign.kind == "restart"]


def life(start: float, *texts: str) -> list[tuple[float, str]]:
    return [(start + n, text) for n, text in enumerate(("INFO api listening on :80", *texts))]


def test_a_planned_restart_is_counted_and_harmless(look: Look) -> None:
    work = ["INFO served"] * 20
    (sign,) = restarts(look([*life(0, *work), *life(60, *work)]))
    assert sign.note == "started 2 times (03:00:00, 03:01:00)"
    assert sign.suspicion < 0.3


def test_a_crash_loop_is_one(look: Look) -> None:
    lives = [entry for n in range(8) for entry in life(n * 4, "ERROR KeyError: 'REGION'")]
    signs = look(lives)
    (sign,) = restarts(signs)
    assert "KeyError" in signs.lines[sign.position].text
    assert sign.note == (
        "started 8 times from 03:00:00 to 03:00:28, about every 4 s: crash loop, "
        "this stands before a new start"
    )
    assert sign.suspicion > 0.6


def test_a_job_that_runs_every_minute_does_not_crash(look: Look) -> None:
    runs = [entry for n in range(8) for entry in life(n * 60, "INFO copied 40 tables")]
    assert all(sign.suspicion < 0.3 for sign in restarts(look(runs)))


def test_a_job_that_fails_every_day_is_no_loop(look: Look) -> None:
    runs = [entry for n in range(8) for entry in life(n * 86_400, "ERROR no space left")]
    assert all(sign.suspicion < 0.3 for sign in restarts(look(runs)))


def test_crashes_that_a_supervisor_tells_are_counted(look: Look) -> None:
    records = [(n * 3.0, "WARN exited: api (exit status 1; not expected)") for n in range(5)]
    (sign,) = restarts(look([*records, (1.0, "INFO tick")]))
    assert sign.note == (
        "ended unexpectedly 5 times from 03:00:00 to 03:00:12, about every 3 s: crash loop"
    )
    assert (sign.count, sign.suspicion) == (5, 0.72)


def test_what_fails_once_a_day_is_no_loop(look: Look) -> None:
    day = 86_400.0
    records = [(n * day, "WARN backup exited with code 1") for n in range(6)]
    (sign,) = restarts(look(records))
    assert sign.note == (
        "ended unexpectedly 6 times from 2025-01-02 03:00:00 to 2025-01-07 03:00:00, "
        "about every 24 h"
    )
    assert sign.suspicion < 0.5
