from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # ISO 8601, with and without a zone
    (
        "2025-01-02T03:04:05.678+02:00 INFO started",
        "2025-01-02T01:04:05.678000Z", "INFO", "started", "", "2025-01-02T03:04:05.678+02:00",
        None,
    ),
    (
        "2025-01-02 03:04:05,678 started",
        "2025-01-02T03:04:05.678000Z", None, "started", "", "2025-01-02 03:04:05,678", None,
    ),
    (
        "[2025-01-02 03:04:05] DEBUG: cache",
        "2025-01-02T03:04:05Z", "DEBUG", "cache", "", "2025-01-02 03:04:05", None,
    ),
    (
        "2025-01-02T03:04:05.123456789Z x",
        "2025-01-02T03:04:05.123456Z", None, "x", "", "2025-01-02T03:04:05.123456789Z", None,
    ),
    (
        "2025-01-02 03:04:05.5 +0530 x",
        "2025-01-01T21:34:05.500000Z", None, "x", "", "2025-01-02 03:04:05.5 +0530", None,
    ),
    (
        "2025-01-02 03:04:05 CET x",
        "2025-01-02T02:04:05Z", None, "x", "", "2025-01-02 03:04:05 CET", None,
    ),
    (
        "2025-01-02 03:04:05 UTC x",
        "2025-01-02T03:04:05Z", None, "x", "", "2025-01-02 03:04:05 UTC", None,
    ),
    # a zone that could be several, a date that is none
    (
        "2025-01-02 03:04:05 PST [7] FATAL:  no",
        None, "FATAL", "no", "", None, None,
    ),
    (
        "2025-01-02 03:04:05 CST x",
        None, None, "x", "", None, None,
    ),
    (
        "2025-13-45 99:99:99 nonsense",
        None, None, "2025-13-45 99:99:99 nonsense", "", None, None,
    ),
    (
        "2025-02-30 03:04:05 ERROR x",
        None, "ERROR", "2025-02-30 03:04:05 ERROR x", "", None, None,
    ),
    # twelve hours, and an hour of one digit
    (
        "2025-01-02 06:04:05.163 PM [Agent] inactive",
        "2025-01-02T18:04:05.163000Z", None, "[Agent] inactive", "",
        "2025-01-02 06:04:05.163 PM", None,
    ),
    (
        "2025-01-02 12:04:05 AM x",
        "2025-01-02T00:04:05Z", None, "x", "", "2025-01-02 12:04:05 AM", None,
    ),
    (
        "2025-01-02  3:04:05 0 [Note] InnoDB: ok",
        "2025-01-02T03:04:05Z", "INFO", "InnoDB: ok", "", "2025-01-02  3:04:05", None,
    ),
    # compact
    (
        "20250102-03:04:05 x",
        "2025-01-02T03:04:05Z", None, "x", "", "20250102-03:04:05", None,
    ),
    (
        "20250102-22:15:9:6|Pulse_Meter|3000|rate 72",
        "2025-01-02T22:15:09.006000Z", None, "rate 72", "Pulse_Meter", "20250102-22:15:9:6",
        None,
    ),
    (
        "20250102-0:0:0:60|Pulse_SP|3000| total = 3",
        "2025-01-02T00:00:00.060000Z", None, "total = 3", "Pulse_SP", "20250102-0:0:0:60", None,
    ),
    # two digits for the year
    (
        "17/06/09 20:10:40 INFO executor.Backend: Registered",
        "2017-06-09T20:10:40Z", "INFO", "Registered", "executor.Backend", "17/06/09 20:10:40",
        None,
    ),
    (
        "250109 203615 148 INFO fs.Node$Responder: sent",
        "2025-01-09T20:36:15Z", "INFO", "sent", "fs.Node$Responder", "250109 203615", None,
    ),
    (
        "250102 03:04:05 [ERROR] mysqld: table full",
        "2025-01-02T03:04:05Z", "ERROR", "mysqld: table full", "", "250102 03:04:05", None,
    ),
    (
        "17/06/09 20:10:40 is a day in a text",
        None, None, "17/06/09 20:10:40 is a day in a text", "", None, None,
    ),
    # the month's name
    (
        "20-Nov-2024 12:00:00.123 INFO [main] org.apache.catalina.Foo.start Server startup",
        "2024-11-20T12:00:00.123000Z", "INFO", "Server startup", "org.apache.catalina.Foo.start",
        "20-Nov-2024 12:00:00.123", None,
    ),
    (
        "[20-Nov-2024 12:00:00 UTC] PHP Fatal error:  Uncaught",
        "2024-11-20T12:00:00Z", None, "PHP Fatal error:  Uncaught", "",
        "20-Nov-2024 12:00:00 UTC", None,
    ),
    (
        "20 Nov 2024 12:00:00,123 [INFO] (main) ready",
        "2024-11-20T12:00:00.123000Z", "INFO", "(main) ready", "", "20 Nov 2024 12:00:00,123",
        None,
    ),
    (
        "Nov 20, 2024 1:00:00 PM org.apache.Foo bar",
        "2024-11-20T13:00:00Z", None, "org.apache.Foo bar", "", "Nov 20, 2024 1:00:00 PM", None,
    ),
    (
        "[Thu Jan  2 03:04:05 2025] usb 1-1: new device",
        "2025-01-02T03:04:05Z", None, "usb 1-1: new device", "", "Jan  2 03:04:05 2025", None,
    ),
    (
        "Thu, 02 Jan 2025 03:04:05 GMT done",
        "2025-01-02T03:04:05Z", None, "done", "", "02 Jan 2025 03:04:05 GMT", None,
    ),
    (
        "[20-Nov-2024 12:00:00 Europe/Berlin] PHP Warning:  Undefined",
        "2024-11-20T11:00:00Z", None, "PHP Warning:  Undefined", "",
        "20-Nov-2024 12:00:00 Europe/Berlin", None,
    ),
    (
        "[20-Nov-2024 12:00:00 Nowhere/Land] x",
        None, None, "x", "", None, None,
    ),
    # only a time of the day
    (
        "03:04:05.123 [main] ERROR c.acme.Foo - bad",
        None, "ERROR", "bad", "c.acme.Foo", None, None,
    ),
    (
        "[03:04:05 INF] started",
        None, "INFO", "started", "", None, None,
    ),
    (
        "03:04:05 x",
        None, None, "x", "", None, None,
    ),
    # behind a word
    (
        "INFO 2025-01-02 03:04:05,123 hello",
        "2025-01-02T03:04:05.123000Z", "INFO", "hello", "", "2025-01-02 03:04:05,123", None,
    ),
    (
        "[WARN] 2025-01-02T03:04:05Z hello",
        "2025-01-02T03:04:05Z", "WARN", "hello", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        "Thu 2025-01-02 03:04:05 UTC web cron[1]: done",
        "2025-01-02T03:04:05Z", None, "done", "cron", "2025-01-02 03:04:05 UTC", None,
    ),
    (
        "app.log:2025-01-02 03:04:05 ERROR x",
        "2025-01-02T03:04:05Z", "ERROR", "x", "", "2025-01-02 03:04:05", None,
    ),
    (
        "api.log.1.2025-01-02_13:53:08 2025-01-02 00:00:00.008 257 INFO cloud.api [req-3 a "
        "b - - -] x",
        "2025-01-02T00:00:00.008000Z", "INFO", "x", "cloud.api", "2025-01-02 00:00:00.008", None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
