from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # klog and glog
    (
        "E0102 03:04:05.000123   99 sync.go:12] cannot sync",
        "2025-01-02T03:04:05.000123Z", "ERROR", "cannot sync", "sync.go:12",
        "0102 03:04:05.000123", None,
    ),
    (
        "I20250102 03:04:05.123456 12 x.cc:3] ok",
        "2025-01-02T03:04:05.123456Z", "INFO", "ok", "x.cc:3", "20250102 03:04:05.123456", None,
    ),
    (
        "W0102 03:04:05.000123       1 reflector.go:324] watch failed",
        "2025-01-02T03:04:05.000123Z", "WARN", "watch failed", "reflector.go:324",
        "0102 03:04:05.000123", None,
    ),
    (
        "E1399 03:04:05.000123 1 x.go:1] no date",
        None, "ERROR", "no date", "x.go:1", None, None,
    ),
    # redis, new and old
    (
        "1:M 02 Jan 2025 03:04:05.006 # Out of memory",
        "2025-01-02T03:04:05.006000Z", "WARN", "Out of memory", "redis",
        "02 Jan 2025 03:04:05.006", None,
    ),
    (
        "1:M 02 Jan 03:04:05.006 * Ready",
        "2025-01-02T03:04:05.006000Z", "INFO", "Ready", "redis", "02 Jan 03:04:05.006", None,
    ),
    (
        "[12] 02 Jan 03:04:05.006 - DB 0",
        "2025-01-02T03:04:05.006000Z", "DEBUG", "DB 0", "redis", "02 Jan 03:04:05.006", None,
    ),
    (
        "1:C 02 Jan 2025 03:04:05.006 . detail",
        "2025-01-02T03:04:05.006000Z", "DEBUG", "detail", "redis", "02 Jan 2025 03:04:05.006",
        None,
    ),
    # Android
    (
        "03-17 16:13:38.5  1702  2395 D ScreenManager: drawn",
        "2024-03-17T16:13:38.500000Z", "DEBUG", "drawn", "ScreenManager", "03-17 16:13:38.5",
        None,
    ),
    (
        "03-17 16:13:38.5 E/Tag( 1702): bad",
        "2024-03-17T16:13:38.500000Z", "ERROR", "bad", "Tag", "03-17 16:13:38.5", None,
    ),
    (
        "02-17 16:13:38.5  1702  2395 W chatty  : uid=1",
        "2025-02-17T16:13:38.500000Z", "WARN", "uid=1", "chatty", "02-17 16:13:38.5", None,
    ),
    # Proxifier
    (
        "[10.30 16:49:01] browser.exe - proxy:80 open",
        "2024-10-30T16:49:01Z", None, "proxy:80 open", "browser.exe", "10.30 16:49:01", None,
    ),
    (
        "[12.30 16:49:01] browser.exe *64 - proxy:80 close",
        "2024-12-30T16:49:01Z", None, "proxy:80 close", "browser.exe", "12.30 16:49:01", None,
    ),
    (
        "[30.10 16:49:01] day or month",
        None, None, "[30.10 16:49:01] day or month", "", None, None,
    ),
    # PostgreSQL's CSV
    (
        '2025-01-02 03:04:05.123 UTC,"app","db",123,"1.2.3.4:5",6.7,1,"SELECT",2025-01-02 '
        '03:00:00 UTC,3/4,0,ERROR,42P01,"relation ""x"" does not '
        'exist",,,,,,"select",15,,"psql"',
        "2025-01-02T03:04:05.123000Z", "ERROR", 'relation "x" does not exist', "",
        "2025-01-02 03:04:05.123 UTC", None,
    ),
    (
        "2025-01-02 03:04:05.123 UTC,,,123,,6.7,1,,2025-01-02 03:00:00 "
        'UTC,,0,LOG,00000,"ready",,,,,,,,,""',
        "2025-01-02T03:04:05.123000Z", "INFO", "ready", "", "2025-01-02 03:04:05.123 UTC", None,
    ),
    (
        '2025-01-02 03:04:05.123 UTC,"a"',
        "2025-01-02T03:04:05.123000Z", None, '"a"', "", "2025-01-02 03:04:05.123 UTC", None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
