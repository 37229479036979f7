from collections.abc import Callable

import pytest

from tools.logs.signs.differences import stated
from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]
WORK = [(5.0 + n, f"INFO served request {n}") for n in range(100)]


def differences(signs: SourceSigns) -> list[str]:
    return [sign.note for sign in signs.signs if sign.kind == "difference"]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("starting version=2.9.0 ttl_s=none pid=12", {"version": "2.9.0", "ttl_s": "none"}),
        (
            '"configuration loaded" url="http://a:80/x" ttl="0"',
            {"url": "http://a:80/x", "ttl": "0"},
        ),
        ('{"time": "03:00", "msg": "up", "version": "1.2"}', {"msg": "up", "version": "1.2"}),
        ("search 2.14.1 ready on 127.0.0.1:8030", {"version": "2.14.1"}),
        ("2025-01-02 03:04:05 LOG:  listening on port 80", {}),
        ("took=5 seq=7 size=12", {"size": "12"}),
    ],
)
def test_what_a_line_states(line: str, values: dict[str, str]) -> None:
    assert stated(line) == values


def test_a_start_that_says_something_else_tells_what(look: Look) -> None:
    records = [
        (0.0, "INFO listening port=80 version=2.8.4 ttl_s=15"),
        *WORK,
        (50.5, "INFO listening port=80 version=2.9.0 ttl_s=none"),
    ]
    signs = look(records)
    assert differences(signs) == [
        "changed since 03:00:00: version 2.8.4 -> 2.9.0, ttl_s 15 -> none"
    ]
    (sign,) = (sign for sign in signs.signs if sign.kind == "difference")
    assert "2.9.0" in signs.lines[sign.position].text


def test_a_reload_that_says_something_else_tells_what(look: Look) -> None:
    records = [
        (0.0, 'INFO "configuration loaded" ttl="300"'),
        *WORK,
        (50.5, 'INFO "configuration loaded" ttl="0"'),
    ]
    assert differences(look(records)) == ["changed since 03:00:00: ttl 300 -> 0"]


def test_a_start_like_the_one_before_is_none(look: Look) -> None:
    banner = "INFO listening port=80 version=2.8.4"
    assert differences(look([(0.0, f"{banner} pid=7"), *WORK, (50.5, f"{banner} pid=9")])) == []


def test_requests_differ_all_the_time(look: Look) -> None:
    assert differences(look((n, f"INFO served size={n}") for n in range(50))) == []
