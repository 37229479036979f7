from collections.abc import Callable, Iterable

import pytest

from tools.logs.signs.sign import Sign
from tools.logs.signs.silences import silences
from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]
Records = list[tuple[float, str]]


def every(period: float, first: float, last: float, text: str) -> Records:
    count = int((last - first) / period) + 1
    return [(first + n * period, f"INFO {text}") for n in range(count)]


def requests(last: float, first: float = 0) -> Records:
    # In no rhythm: gaps of 0.1 to 1.3 s.
    records, second = [], first
    for n in range(10_000):
        second += 0.1 + (n * 7 % 13) / 10
        if second > last:
            break
        records.append((second, f"INFO served request {n}"))
    return records


def heard(look: Look, records: Iterable[tuple[float, str]], *others: Records) -> list[Sign]:
    source = look(records)
    beside = [look(other, f"other{n}").history for n, other in enumerate(others)]
    return list(silences(source.history, source.rhythms, beside))


def test_a_heartbeat_that_stopped_is_found_with_its_figures(look: Look) -> None:
    beats = every(10, 0, 600, "heartbeat, queue 0")
    (sign,) = heard(look, [*beats, *requests(1800)])
    assert sign.note == "came every 10 s until 03:10:00, then never again in 20 min"
    assert (sign.count, sign.kind) == (61, "silence")
    assert 0.6 <= sign.suspicion < 0.7


def test_its_line_is_the_last_one(look: Look) -> None:
    source = look([*every(10, 0, 600, "heartbeat"), *requests(1800)])
    (sign,) = silences(source.history, source.rhythms, [])
    assert source.lines[sign.position].text == "2025-01-02 03:10:00.000 INFO heartbeat"


def test_a_source_that_ended_long_before_the_others_is_one_silence(look: Look) -> None:
    records = [*every(5, 0, 300, "heartbeat"), *requests(300)]
    (sign,) = heard(look, records, requests(900))
    assert "came every 5 s" in sign.note
    assert sign.note.endswith("nothing else came from this source either")


def test_without_others_the_end_of_a_log_is_no_silence(look: Look) -> None:
    assert heard(look, [*every(5, 0, 300, "heartbeat"), *requests(300)]) == []


def test_what_came_without_a_rhythm_can_fall_silent_too(look: Look) -> None:
    (sign,) = heard(look, [*requests(400), *every(20, 0, 1200, "tick")])
    assert "at most 1.3 s apart, until 03:06:" in sign.note
    assert sign.suspicion < 0.6


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(every(0.2, 0, 3, "loading plugin"), id="a start"),
        pytest.param([(n**2.3, "INFO cache swept") for n in range(17)], id="ever rarer"),
        pytest.param(every(10, 0, 890, "heartbeat"), id="only the next one is due"),
        pytest.param(every(10, 0, 840, "heartbeat"), id="five are due"),
        pytest.param(every(0.5, 0, 880, "polled"), id="a short pause at the end"),
        pytest.param([(n * 10, "ERROR cannot connect") for n in range(30)], id="errors that ended"),
        pytest.param(
            [*every(8, 0, 400, "copied 5 of 50 tables"), (401, "INFO copy is complete")],
            id="work that was done",
        ),
        pytest.param(every(10, 0, 30, "heartbeat"), id="too few"),
    ],
)
def test_no_silence(look: Look, records: Records) -> None:
    assert heard(look, [*records, *every(7, 0, 900, "tick")]) == []


def test_a_log_that_was_rotated_away_is_no_silence(look: Look) -> None:
    assert heard(look, requests(600), requests(3000, first=590)) == []


def test_what_failures_took_the_place_of_is_no_silence(look: Look) -> None:
    failures = [(400.0 + n, f"ERROR request {n} failed") for n in range(400)]
    assert heard(look, [*requests(400), *failures]) == []


def test_a_process_that_said_goodbye_is_no_silence(look: Look) -> None:
    records = [*requests(400), (400.5, "INFO shutting down")]
    assert heard(look, records, requests(1200)) == []


def test_a_second_silence_is_told_of_its_own(look: Look) -> None:
    records = [*every(10, 0, 500, "heartbeat"), *every(5, 0, 600, "swept"), *requests(1800)]
    assert [sign.note[:15] for sign in heard(look, records)] == [
        "came every 5 s ",
        "came every 10 s",
    ]
