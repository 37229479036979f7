from collections.abc import Callable

import pytest

from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]
Records = list[tuple[float, str]]


def flapping(look: Look, records: Records) -> list[str]:
    noise = [(float(n), f"INFO served {n}") for n in range(300)]
    return [sign.note for sign in look([*noise, *records]).signs if sign.kind == "flapping"]


def turns(away: str, back: str, count: int = 5) -> Records:
    return [
        entry
        for n in range(count)
        for entry in ((n * 20 + 0.5, f"WARN {away}"), (n * 20 + 4.5, f"INFO {back}"))
    ]


@pytest.mark.parametrize(
    ("away", "back"),
    [
        ("server app-2 is DOWN", "server app-2 is UP"),
        ("link to db lost", "link to db restored"),
        ("node n3 is NotReady", "node n3 is Ready"),
        ("peer 4 disconnected", "peer 4 connected"),
        ("check failed for web", "check recovered for web"),
    ],
)
def test_opposite_words_in_turn_are_flapping(look: Look, away: str, back: str) -> None:
    (note,) = flapping(look, turns(away, back))
    assert note == "went and came back 5 times between 03:00:00 and 03:01:24, for 4 s each"


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(turns("server is DOWN", "server is UP", 2), id="twice"),
        pytest.param([(n, "WARN server is DOWN") for n in range(0, 50, 10)], id="never back"),
        pytest.param(
            [
                *((n, "WARN peer disconnected") for n in (0.5, 1.5, 2.5, 3.5)),
                *((n, "INFO peer connected") for n in (10.5, 11.5, 12.5, 13.5)),
            ],
            id="not in turn",
        ),
        pytest.param(turns("request failed", "request served"), id="no opposites"),
    ],
)
def test_no_flapping(look: Look, records: Records) -> None:
    assert flapping(look, records) == []
