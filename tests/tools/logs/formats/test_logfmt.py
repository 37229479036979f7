from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # with a message
    (
        'ts=2025-01-02T03:04:05Z level=error caller=main.go:12 msg="two words" err="x y"',
        "2025-01-02T03:04:05Z", "ERROR", "two words", "main.go:12", "2025-01-02T03:04:05Z", None,
    ),
    (
        'time="2025-01-02T03:04:05+01:00" level=warning msg="no route"',
        "2025-01-02T02:04:05Z", "WARN", "no route", "", "2025-01-02T03:04:05+01:00", None,
    ),
    (
        "t=1735787045 lvl=eror msg=x",
        "2025-01-02T03:04:05Z", "ERROR", "x", "", "1735787045", None,
    ),
    (
        'msg="time=12:00 x" time=2025-01-02T03:04:05Z',
        "2025-01-02T03:04:05Z", None, "time=12:00 x", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        r'level=50 msg="say \"hi\"" time=1735787045123',
        "2025-01-02T03:04:05.123000Z", "ERROR", 'say "hi"', "", "1735787045123", "50",
    ),
    # without
    (
        "t=2025-01-02T03:04:05Z lvl=info logger=http status=502 path=/a",
        "2025-01-02T03:04:05Z", "INFO", "lvl=info logger=http status=502 path=/a", "http",
        "2025-01-02T03:04:05Z", "502",
    ),
    (
        "method=GET path=/x status=500 duration=3ms",
        None, "ERROR", "method=GET path=/x status=500 duration=3ms", "", None, "500",
    ),
    (
        "a=1 b=2",
        None, None, "a=1 b=2", "", None, None,
    ),
    (
        "start_time=1 end_time=2",
        None, None, "start_time=1 end_time=2", "", None, None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
