from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # events of nodes
    (
        "- 1117838570 2005.06.03 N1-A 2005-06-03-15.42.50.675872 N1-A EVT CORE INFO ready",
        "2005-06-03T22:42:50Z", "INFO", "ready", "EVT CORE", "1117838570", None,
    ),
    (
        "DISKFULL 1118536327 2005.06.11 N3 2005-06-11-17.32.07.581048 N3 EVT DISK FATAL no "
        "space",
        "2005-06-12T00:32:07Z", "FATAL", "no space", "EVT DISK", "1118536327", None,
    ),
    (
        "- 1131566461 2005.11.09 n7 Nov 9 12:01:01 n7/n7 cron(pam)[29]: closed",
        "2005-11-09T20:01:01Z", None, "closed", "cron(pam)", "1131566461", None,
    ),
    (
        "- 1131566461 2005.11.09 n7 text alone",
        "2005-11-09T20:01:01Z", None, "text alone", "", "1131566461", None,
    ),
    # columns
    (
        "13 node-2 unix.fs state_full 1077804742 1 Filesystem",
        "2004-02-26T14:12:22Z", None, "Filesystem", "node-2", "1077804742", None,
    ),
    (
        "26 all partition status 1079241153 -1 running",
        "2004-03-14T05:12:33Z", None, "running", "all", "1079241153", None,
    ),
    (
        "12 users logged in at 1735787045",
        None, None, "12 users logged in at 1735787045", "", None, None,
    ),
    # seconds since 1970
    (
        "1735787045 hello",
        "2025-01-02T03:04:05Z", None, "hello", "", "1735787045", None,
    ),
    (
        "1735787045123 ERROR hello",
        "2025-01-02T03:04:05.123000Z", "ERROR", "hello", "", "1735787045123", None,
    ),
    (
        "1735787045.5 hello",
        "2025-01-02T03:04:05.500000Z", None, "hello", "", "1735787045.5", None,
    ),
    (
        "1000 hello",
        None, None, "1000 hello", "", None, None,
    ),
    # behind the name of a container
    (
        "web-1  | 2025-01-02T03:04:05Z ERROR x",
        "2025-01-02T03:04:05Z", "ERROR", "x", "web-1", "2025-01-02T03:04:05Z", None,
    ),
    (
        "db_1  | ready",
        None, None, "ready", "db_1", None, None,
    ),
    (
        "[pod/web-1/app] ERROR x",
        None, "ERROR", "x", "web-1", None, None,
    ),
    (
        '[pod/web-1/app] {"level":"warn","msg":"x"}',
        None, "WARN", "x", "web-1", None, None,
    ),
    (
        "a | b",
        None, None, "a | b", "", None, None,
    ),
    # CRI and docker --timestamps
    (
        "2025-01-02T03:04:05.123456789Z stdout F 2025-01-02 03:04:05 INFO ok",
        "2025-01-02T03:04:05.123456Z", "INFO", "ok", "", "2025-01-02T03:04:05.123456789Z", None,
    ),
    (
        '2025-01-02T03:04:05.123456789Z stderr P   File "x.py"',
        "2025-01-02T03:04:05.123456Z", None, '  File "x.py"', "",
        "2025-01-02T03:04:05.123456789Z", None,
    ),
    (
        '2025-01-02T03:04:05.123456789Z stderr F {"level":"error","msg":"x"}',
        "2025-01-02T03:04:05.123456Z", "ERROR", "x", "", "2025-01-02T03:04:05.123456789Z", None,
    ),
    (
        "2025-01-02T03:04:05.123456789Z stdout F 2025-01-02T05:04:04+02:00 x",
        "2025-01-02T03:04:04Z", None, "x", "", "2025-01-02T05:04:04+02:00", None,
    ),
    (
        "2025-01-02T03:04:05.123456789Z [2025-01-02 03:04:00 +0000] [7] [INFO] Listening",
        "2025-01-02T03:04:05.123456Z", "INFO", "Listening", "", "2025-01-02T03:04:05.123456789Z",
        None,
    ),
    (
        "2025-01-02T03:04:05.123456789Z W0102 03:04:05.000123 1 x.go:3] watch",
        "2025-01-02T03:04:05.123456Z", "WARN", "watch", "x.go:3",
        "2025-01-02T03:04:05.123456789Z", None,
    ),
    (
        "2025-01-02T03:04:05Z level=error msg=x",
        "2025-01-02T03:04:05Z", "ERROR", "x", "", "2025-01-02T03:04:05Z", None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
