from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.logs.records import Level, Record, RecordParser

REFERENCE = datetime(2025, 3, 1, 12, tzinfo=UTC)

# One line of each way to stamp, all at 03:04:05, or at that second of the epoch.
STAMPED = [
    "2025-01-02T03:04:05Z INFO started",
    "2025-01-02 03:04:05,678 - ERROR - root - failed",
    "[2025/01/02 03:04:05] DEBUG: cache",
    "2025-01-02 03:04:05 +0200 x",
    "2025-01-02 03:04:05.5 CET x",
    "2025-01-02 03:04:05.5 PM x",
    "2025-01-02T03:04:05Z stderr F panic: out of ideas",
    "2025-01-02T03:04:05Z stdout F 2025-01-02T02:04:05+01:00 x",
    "Feb 28 03:04:05 web sshd[42]: Failed password",
    "<34>1 2025-01-02T03:04:05Z web su 12 ID47 - su root failed",
    '<13>Feb 28 03:04:05 web app[7]: {"level":50,"time":"2025-02-28T03:04:05Z"}',
    "E0102 03:04:05.000123   99 sync.go:12] cannot sync",
    '10.0.0.1 - - [02/Jan/2025:03:04:05 +0000] "GET /a HTTP/1.1" 503 12 "-" "curl"',
    '[2025-01-02T03:04:05Z] "GET /x HTTP/1.1" 503 UF',
    "[Thu Jan 02 03:04:05 2025] [error] child in error state",
    "20-Nov-2024 03:04:05 GMT x",
    "Nov 20, 2024 3:04:05 AM x",
    "1:M 02 Jan 2025 03:04:05.006 # Out of memory",
    "17/06/09 03:04:05 INFO a.B: x",
    "20250102-3:04:05:6|Pulse|30|x",
    "01-02 03:04:05.811  1702  2395 D Manager: x",
    "[01.30 03:04:05] browser.exe - proxy",
    "ts=2025-01-02T03:04:05Z level=warn msg=two n=3",
    '{"timestamp":"2025-01-02T03:04:05Z","level":"error","msg":"boom"}',
    '{"a":{"time":"2024-01-02T03:04:05Z"}, "time": "2025-01-02 03:04:05", "msg":"boom"}',
    '{"t":{"$date":"2025-01-02T03:04:05.123+00:00"},"s":"I","c":"N","msg":"x"}',
    r'{"log":"\"2\" {\"ts\":\"x\"}\n","stream":"stdout","time":"2025-01-02T03:04:05Z"}',
    r'{"log":"{\"ts\":\"2025-01-02T03:04:05Z\",\"msg\":\"ü \u2713\"}","stream":"e","time":"1"}',
    '{"level":50,"time":1735787045123,"msg":"pino"}',
    '{"__REALTIME_TIMESTAMP":"1735787045123456","PRIORITY":"3","MESSAGE":"x"}',
    "1735787045.5 hello",
    "2025-01-02 03:04:05.123 -03 [123] LOG:  x",
    "[20-Nov-2024 03:04:05 Europe/Berlin] x",
    "Feb 28 03:04:05 web app[1]: 2025-02-28 03:04:05,123 ERROR x",
    '2025-01-02 03:04:05.123 UTC,"app","db",1,,6.7,1,,2025-01-02 03:00:00 UTC,,0,LOG,0,"x"',
    "- 1735787045 2025.01.02 n1 Jan 2 04:04:05 n1 cron[2]: x",
    "\x1b[2m2025-01-02T03:04:05Z\x1b[0m \x1b[32m INFO\x1b[0m my_crate::mod: started",
]


def parsed(line: str) -> Record:
    return RecordParser(REFERENCE).parse(line)


@pytest.mark.parametrize("line", STAMPED)
def test_the_digits_in_the_stamp_are_the_time(line: str) -> None:
    record = parsed(line)
    assert record.time is not None
    assert record.stamp is not None
    start, end = record.stamp
    stamp = line[start:end]
    later = stamp.replace(":04:", ":16:") if ":" in stamp else stamp.replace("87045", "87765")
    assert later != stamp
    moved = parsed(line[:start] + later + line[end:])
    assert moved.time == record.time + timedelta(minutes=12)
    assert moved.stamp == record.stamp


@pytest.mark.parametrize("line", STAMPED)
def test_what_stands_around_the_stamp_is_not_the_time(line: str) -> None:
    record = parsed(line)
    assert record.stamp is not None
    before, after = line[: record.stamp[0]], line[record.stamp[1] :]
    for clock in (":04:", "87045"):
        other = before.replace(clock, ":59:") + line[slice(*record.stamp)] + after
        if len(other) == len(line):
            assert parsed(other).time == record.time


def test_lines_of_many_formats_mean_the_same_in_any_order() -> None:
    alone = [parsed(line) for line in STAMPED]
    parser = RecordParser(REFERENCE)
    assert [parser.parse(line) for line in STAMPED] == alone
    assert [parser.parse(line) for line in reversed(STAMPED)] == alone[::-1]


def test_colours_are_no_part_of_what_a_line_says() -> None:
    line = '\x1b[31mERROR\x1b[0m \x1b[1m2025-01-02T03:04:05Z\x1b[0m "GET / HTTP/1.1" \x1b[1m503'
    record = parsed(line)
    assert record.level is Level.ERROR
    assert record.message == '"GET / HTTP/1.1" 503'
    assert record.stamp is not None
    assert line[slice(*record.stamp)] == "2025-01-02T03:04:05Z"


def test_the_digits_of_a_coloured_status_are_found() -> None:
    line = '10.0.0.1 - - [02/Jan/2025:03:04:05 +0000] "GET / HTTP/1.1" \x1b[31m503\x1b[0m 1'
    record = parsed(line)
    assert record.coded is not None
    assert line[slice(*record.coded)] == "503"


def test_a_stamp_that_colours_split_has_a_time_but_no_place() -> None:
    record = parsed("2025-01-02T\x1b[1m03:04:05Z\x1b[0m x")
    assert record.time == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert record.stamp is None


@pytest.mark.parametrize(
    ("line", "hour"),
    [
        ("2025-01-02 03:04:05 x", 2),
        ("2025-07-02 03:04:05 x", 1),
        ("2025-01-02T03:04:05Z x", 3),
        ("2025-01-02 03:04:05 CEST x", 1),
        ("Feb 28 03:04:05 web cron[1]: x", 2),
        ("E0102 03:04:05.000123   99 sync.go:12] x", 2),
        ('{"time":"2025-01-02 03:04:05","msg":"x"}', 2),
        ("time=2025-01-02T03:04:05 msg=x", 2),
        ("2025-03-30 02:30:00 skipped by the clocks", None),
        ("2024-10-27 02:30:00 twice on the clocks", None),
    ],
)
def test_a_source_may_have_a_zone_of_its_own(line: str, hour: int | None) -> None:
    record = RecordParser(REFERENCE, ZoneInfo("Europe/Berlin")).parse(line)
    assert (record.time and record.time.hour) == hour


def test_the_year_is_that_of_the_source_s_own_day() -> None:
    reference = datetime(2024, 12, 30, 23, 30, tzinfo=UTC)
    line = "Jan  1 00:10:00 web cron[1]: x"
    assert RecordParser(reference).parse(line).time == datetime(2024, 1, 1, 0, 10, tzinfo=UTC)
    tokyo = RecordParser(reference, ZoneInfo("Asia/Tokyo"))
    assert tokyo.parse(line).time == datetime(2024, 12, 31, 15, 10, tzinfo=UTC)


def test_logfmt_and_nested_json_fields() -> None:
    assert parsed('a=1 b="x y" c=2.5').fields == {"a": 1, "b": "x y", "c": 2.5}
    assert parsed("rate=5 is low").fields == {}
    record = parsed('{"msg":"done","res":{"statusCode":500}}')
    assert record.fields["res.statusCode"] == 500


def test_records_within_records_within_records_end() -> None:
    line = "2025-01-02T03:04:05Z stdout F " * 50 + "x"
    assert parsed(line).time == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert parsed("<1>" * 2000 + "x").message.endswith("x")
    text = '{"a":' * 5000
    assert parsed(text).message == text


@given(st.sampled_from(STAMPED), st.integers(0, 100), st.integers(0, 3), st.text(max_size=8))
def test_no_line_makes_the_parser_fail(line: str, place: int, removed: int, added: str) -> None:
    text = line[:place] + added + line[place + removed :]
    record = parsed(text)
    assert record.time is None or record.time.tzinfo is UTC
    for span in (record.stamp, record.coded):
        assert span is None or 0 <= span[0] < span[1] <= len(text)
    assert record.stamp is None or record.time is not None


@given(st.lists(st.sampled_from([*STAMPED, *'[](){}<>":=\\- |\t\x1b', "ERROR", "x"]), max_size=6))
def test_no_mixture_makes_the_parser_fail(parts: list[str]) -> None:
    text = "".join(parts)
    record = parsed(text)
    for span in (record.stamp, record.coded):
        assert span is None or 0 <= span[0] < span[1] <= len(text)


@pytest.mark.parametrize(
    "before", ["", "[", "2025-01-02 03:04:05 ", "Feb 28 03:04:05 w a[1]: ", 'a="']
)
@pytest.mark.parametrize(
    "part", ["a", " ", "[", ":", "|", "1", ".", '"', "\\", "a.", "a=", "[a", "x - "]
)
def test_a_line_of_a_megabyte_is_parsed(before: str, part: str) -> None:
    # A pattern that tries all ways to split this would not come back.
    text = before + part * (1_000_000 // len(part))
    assert len(parsed(text).message) <= len(text)
