from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # its own levels and names
    (
        '{"__REALTIME_TIMESTAMP":"1735787045123456","PRIORITY":"3","_SYSTEMD_UNIT":"nginx.s'
        'ervice","SYSLOG_IDENTIFIER":"nginx","MESSAGE":"bind() failed","_PID":"42"}',
        "2025-01-02T03:04:05.123456Z", "ERROR", "bind() failed", "nginx", "1735787045123456",
        "3",
    ),
    (
        '{"__REALTIME_TIMESTAMP":"1735787045123456","PRIORITY":"4","SYSLOG_IDENTIFIER":"app'
        '","MESSAGE":[104,105,255,10]}',
        "2025-01-02T03:04:05.123456Z", "WARN", "hi�", "app", "1735787045123456", "4",
    ),
    (
        '{"__REALTIME_TIMESTAMP":"1735787045123456","PRIORITY":"6","_SYSTEMD_UNIT":"app.ser'
        'vice","MESSAGE":null}',
        "2025-01-02T03:04:05.123456Z", "INFO", "", "app", "1735787045123456", "6",
    ),
    # lines with a level or a time of their own
    (
        '{"__REALTIME_TIMESTAMP":"1735787045123456","PRIORITY":"6","_SYSTEMD_UNIT":"app.ser'
        'vice","MESSAGE":"2025-01-02 03:04:05,123 ERROR [main] org.acme.Foo: boom"}',
        "2025-01-02T03:04:05.123456Z", "ERROR", "boom", "org.acme.Foo", "1735787045123456", None,
    ),
    (
        '{"__REALTIME_TIMESTAMP":"1735787045123456","PRIORITY":"6","SYSLOG_IDENTIFIER":"app'
        r'","MESSAGE":"{\"level\":50,\"time\":1735787044000,\"msg\":\"x\"}"}',
        "2025-01-02T03:04:04Z", "ERROR", "x", "app", "1735787044000", "50",
    ),
    (
        '{"MESSAGE":"no time","PRIORITY":"2"}',
        None, "FATAL", "no time", "", None, "2",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
