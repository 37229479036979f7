from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.logs.records import Level, RecordParser, level_of, parse_time

REFERENCE = datetime(2025, 3, 1, 12, tzinfo=UTC)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


CASES = [
    (
        '{"timestamp":"2025-01-02T03:04:05Z","level":"error","msg":"boom","service":"api"}',
        at(2025, 1, 2, 3, 4, 5), Level.ERROR, "boom",
    ),
    (
        '{"level":50,"time":1735787045123,"msg":"pino"}',
        at(2025, 1, 2, 3, 4, 5, 123000), Level.ERROR, "pino",
    ),
    (
        '{"log":"2025-01-02 03:04:05 WARN slow\\n","stream":"stdout","time":"2025-01-02"}',
        at(2025, 1, 2, 3, 4, 5), Level.WARN, "WARN slow",
    ),
    ('{"severity":"WARNING","error":{"message":"deep"}}', None, Level.WARN, "deep"),
    ("2025-01-02T03:04:05.678+02:00 INFO started", at(2025, 1, 2, 1, 4, 5, 678000), Level.INFO,
     "INFO started"),
    ("2025-01-02 03:04:05,678 - ERROR - root - failed", at(2025, 1, 2, 3, 4, 5, 678000),
     Level.ERROR, "ERROR - root - failed"),
    ("[2025-01-02 03:04:05] DEBUG: cache", at(2025, 1, 2, 3, 4, 5), Level.DEBUG, "DEBUG: cache"),
    ("2025/01/02 03:04:05 [error] 7#7: *1 connect() failed", at(2025, 1, 2, 3, 4, 5),
     Level.ERROR, "[error] 7#7: *1 connect() failed"),
    ("2025-01-02T03:04:05Z stderr F panic: out of ideas", at(2025, 1, 2, 3, 4, 5),
     Level.FATAL, "panic: out of ideas"),
    ("Feb 28 03:04:05 web sshd[42]: Failed password", at(2025, 2, 28, 3, 4, 5), None,
     "Failed password"),
    ("Dec 31 23:59:59 web cron[1]: done", at(2024, 12, 31, 23, 59, 59), None, "done"),
    ("<34>1 2025-01-02T03:04:05Z web su 12 ID47 - su root failed", at(2025, 1, 2, 3, 4, 5),
     Level.FATAL, "su root failed"),
    ("E0102 03:04:05.000123   99 sync.go:12] cannot sync", at(2025, 1, 2, 3, 4, 5, 123),
     Level.ERROR, "cannot sync"),
    ('10.0.0.1 - - [02/Jan/2025:03:04:05 +0000] "GET /a HTTP/1.1" 503 12 "-" "curl"',
     at(2025, 1, 2, 3, 4, 5), Level.ERROR, "GET /a HTTP/1.1 503"),
    ('10.0.0.1 - bob [02/Jan/2025:03:04:05 +0100] "GET /a HTTP/1.1" 404 12',
     at(2025, 1, 2, 2, 4, 5), Level.WARN, "GET /a HTTP/1.1 404"),
    ("[Thu Jan 02 03:04:05 2025] [error] child in error state", at(2025, 1, 2, 3, 4, 5),
     Level.ERROR, "[error] child in error state"),
    ("1:M 02 Jan 2025 03:04:05.006 # Out of memory", at(2025, 1, 2, 3, 4, 5, 6000), Level.WARN,
     "Out of memory"),
    ('ts=2025-01-02T03:04:05Z level=warn msg="two words" n=3', at(2025, 1, 2, 3, 4, 5),
     Level.WARN, "two words"),
    ("2025-01-02 03:04:05 ERROR db.pool: no connection", at(2025, 1, 2, 3, 4, 5), Level.ERROR,
     "ERROR db.pool: no connection"),
    ("2025-01-02T03:04:05Z web sshd[42]: bye", at(2025, 1, 2, 3, 4, 5), None, "bye"),
    ("1735787045 hello", at(2025, 1, 2, 3, 4, 5), None, "hello"),
    ("WARNING:root:disk", None, Level.WARN, "WARNING:root:disk"),
    ("2025-13-45 99:99:99 nonsense", None, None, "2025-13-45 99:99:99 nonsense"),
    ("Feb 31 03:04:05 web cron[1]: never", None, None, "never"),
    ("2025-01-02 03:04:05} [error] odd", at(2025, 1, 2, 3, 4, 5), Level.ERROR, "} [error] odd"),
    ("plain words", None, None, "plain words"),
    ("no error here, LOG_LEVEL=DEBUG", None, None, "no error here, LOG_LEVEL=DEBUG"),
    ("{not json at all", None, None, "{not json at all"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "time", "level", "message"), CASES)
def test_parse(text: str, time: datetime | None, level: Level | None, message: str) -> None:
    record = RecordParser(REFERENCE).parse(text)
    assert (record.time, record.level, record.message) == (time, level, message)


def test_formats_may_alternate_in_one_source() -> None:
    parser = RecordParser(REFERENCE)
    for text, time, level, message in CASES * 2:
        assert parser.parse(text)[:3] == (time, level, message)


def test_logfmt_and_nested_json_fields() -> None:
    parser = RecordParser(REFERENCE)
    assert parser.parse('a=1 b="x y" c=2.5').fields == {"a": 1, "b": "x y", "c": 2.5}
    record = parser.parse('{"msg":"done","res":{"statusCode":500}}')
    assert record.fields["res.statusCode"] == 500


@given(st.sampled_from(CASES), st.integers(0, 100), st.text(max_size=8))
def test_no_line_makes_the_parser_fail(
    case: tuple[str, object, object, object], place: int, inserted: str
) -> None:
    text = case[0][:place] + inserted + case[0][place:]
    record = RecordParser(REFERENCE).parse(text)
    assert record.time is None or record.time.tzinfo is not None


def test_deeply_nested_json_is_text() -> None:
    text = '{"a":' * 5000
    assert RecordParser(REFERENCE).parse(text).message == text


@pytest.mark.parametrize(
    "value", ["tomorrow", "12", True, None, -5, 10**30, "2025-99-99T00:00:00Z"]
)
def test_times_are_never_invented(value: object) -> None:
    assert parse_time(value) is None


@pytest.mark.parametrize(
    ("value", "level"),
    [("Warning", Level.WARN), ("critical", Level.FATAL), (30, Level.INFO), ("", None), (7, None)],
)
def test_level_of(value: object, level: Level | None) -> None:
    assert level_of(value) == level
