from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # RFC 3164
    (
        "Feb 28 03:04:05 web sshd[42]: error: no route",
        "2025-02-28T03:04:05Z", "ERROR", "error: no route", "sshd", "Feb 28 03:04:05", None,
    ),
    (
        "Feb  8 03:04:05.123456 web app[1]: started",
        "2025-02-08T03:04:05.123456Z", None, "started", "app", "Feb  8 03:04:05.123456", None,
    ),
    (
        "<34>Feb 28 03:04:05 web su: failed for root",
        "2025-02-28T03:04:05Z", "FATAL", "failed for root", "su", "Feb 28 03:04:05", "34",
    ),
    (
        "Dec 31 23:59:59 web cron[1]: done",
        "2024-12-31T23:59:59Z", None, "done", "cron", "Dec 31 23:59:59", None,
    ),
    (
        "Feb 31 03:04:05 web cron[1]: never",
        None, None, "never", "cron", None, None,
    ),
    (
        "Jul  4 23:22:09 mac Mail Agent[144]: scripting",
        "2024-07-04T23:22:09Z", None, "scripting", "Mail Agent", "Jul  4 23:22:09", None,
    ),
    (
        "Jul  7 10:37:43 mac com.apple.xpc.launchd[1] (com.apple.q[16]): exited",
        "2024-07-07T10:37:43Z", None, "exited", "com.apple.xpc.launchd", "Jul  7 10:37:43", None,
    ),
    (
        "Jun 19 04:09:11 web syslogd 1.5: restart.",
        "2024-06-19T04:09:11Z", None, "restart.", "syslogd", "Jun 19 04:09:11", None,
    ),
    (
        "Jul 16 04:07:34 web rotate: ALERT exited",
        "2024-07-16T04:07:34Z", "FATAL", "ALERT exited", "rotate", "Jul 16 04:07:34", None,
    ),
    # what programs write to it
    (
        '<13>Feb 28 03:04:05 web app[7]: {"level":"error","time":"2025-02-28T03:04:05.5Z","'
        'msg":"x"}',
        "2025-02-28T03:04:05.500000Z", "ERROR", "x", "app", "2025-02-28T03:04:05.5Z", None,
    ),
    (
        'Feb 28 03:04:05 web dockerd[9]: time="2025-02-28T03:04:05.5Z" level=error msg="no"',
        "2025-02-28T03:04:05.500000Z", "ERROR", "no", "dockerd", "2025-02-28T03:04:05.5Z", None,
    ),
    (
        "Feb 28 03:04:05 web kubelet[1]: E0228 03:04:05.123456    9 pod.go:12] sync failed",
        "2025-02-28T03:04:05.123456Z", "ERROR", "sync failed", "kubelet", "0228 03:04:05.123456",
        None,
    ),
    (
        "Feb 28 03:04:05 web app[1]: 2025-02-28 03:04:05,123 ERROR [main] org.acme.Foo: boom",
        "2025-02-28T03:04:05.123000Z", "ERROR", "boom", "org.acme.Foo",
        "2025-02-28 03:04:05,123", None,
    ),
    (
        "<14>Feb 28 03:04:05 web app[1]: [WARN] low",
        "2025-02-28T03:04:05Z", "WARN", "low", "app", "Feb 28 03:04:05", None,
    ),
    # RFC 5424
    (
        "<34>1 2025-01-02T03:04:05.003Z web su 12 ID47 - su root failed",
        "2025-01-02T03:04:05.003000Z", "FATAL", "su root failed", "su",
        "2025-01-02T03:04:05.003Z", "34",
    ),
    (
        r'<165>1 2025-01-02T03:04:05+02:00 web evnt - ID47 [ex@1 iut="3" src="a\]b"][b@2 '
        'c="d"] \ufeffan event',
        "2025-01-02T01:04:05Z", "INFO", "an event", "evnt", "2025-01-02T03:04:05+02:00", "165",
    ),
    (
        "<11>1 - - app - - - no time",
        None, "ERROR", "no time", "app", None, "11",
    ),
    (
        '<14>1 2025-01-02T03:04:05Z web app 1 - - {"level":"error","msg":"x"}',
        "2025-01-02T03:04:05Z", "ERROR", "x", "app", "2025-01-02T03:04:05Z", None,
    ),
    # the journal
    (
        "2025-01-02T03:04:05+0000 web sshd[42]: bye",
        "2025-01-02T03:04:05Z", None, "bye", "sshd", "2025-01-02T03:04:05+0000", None,
    ),
    (
        "2025-01-02T03:04:05.123456+01:00 web app[1]: ERROR x",
        "2025-01-02T02:04:05.123456Z", "ERROR", "ERROR x", "app",
        "2025-01-02T03:04:05.123456+01:00", None,
    ),
    (
        "1735787045.123456 web app[3]: hi",
        "2025-01-02T03:04:05.123456Z", None, "hi", "app", "1735787045.123456", None,
    ),
    # the kernel
    (
        "[12345.678901] usb 1-1: device not accepting address",
        None, None, "usb 1-1: device not accepting address", "", None, None,
    ),
    (
        "<4>[12345.678901] CPU0: throttled",
        None, "WARN", "CPU0: throttled", "", None, "4",
    ),
    (
        "Feb 28 03:04:05 web kernel: [ 1234.567890] Out of memory: Killed process 12",
        "2025-02-28T03:04:05Z", None, "Out of memory: Killed process 12", "kernel",
        "Feb 28 03:04:05", None,
    ),
    # a priority alone
    (
        "<3>disk failed",
        None, "ERROR", "disk failed", "", None, "3",
    ),
    (
        "<999>no priority",
        None, None, "<999>no priority", "", None, None,
    ),
    (
        "<6>2025-01-02 03:04:05 ERROR x",
        "2025-01-02T03:04:05Z", "ERROR", "x", "", "2025-01-02 03:04:05", None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
