from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tools.logs.records import Level, RecordParser
from tools.logs.sources.kube_events import event_lines
from tools.window import EVERYTHING, Window

OLD = {
    "type": "Warning",
    "reason": "BackOff",
    "message": "Back-off restarting\nfailed container app",
    "count": 14,
    "involvedObject": {"kind": "Pod", "name": "web-0"},
    "firstTimestamp": "2026-03-01T11:20:00Z",
    "lastTimestamp": "2026-03-01T12:00:00Z",
    "eventTime": None,
}
NEW = {
    "type": "Normal",
    "reason": "Scheduled",
    "message": "Successfully assigned shop/web-0 to node-1",
    "involvedObject": {"kind": "Pod", "name": "web-0"},
    "eventTime": "2026-03-01T11:19:59.123456Z",
    "lastTimestamp": None,
}
SERIES = NEW | {"series": {"count": 3, "lastObservedTime": "2026-03-01T12:30:00.000000Z"}}
BARE = {"metadata": {"creationTimestamp": "2026-03-01T10:00:00Z"}}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            OLD,
            "2026-03-01T12:00:00Z WARNING BackOff Pod/web-0: "
            "Back-off restarting failed container app (14 times since 2026-03-01T11:20:00Z)",
        ),
        (
            NEW,
            "2026-03-01T11:19:59Z NORMAL Scheduled Pod/web-0: "
            "Successfully assigned shop/web-0 to node-1",
        ),
        (
            SERIES,
            "2026-03-01T12:30:00Z NORMAL Scheduled Pod/web-0: Successfully assigned shop/web-0 "
            "to node-1 (3 times since 2026-03-01T11:19:59Z)",
        ),
        (BARE, "2026-03-01T10:00:00Z NORMAL Unknown ?/?: "),
        (BARE | {"count": 2}, "2026-03-01T10:00:00Z NORMAL Unknown ?/?:  (2 times)"),
    ],
)
def test_an_event_is_one_line(event: dict[str, Any], line: str) -> None:
    assert event_lines([event], EVERYTHING) == [line]


def test_a_line_is_read_back_with_its_time_and_level() -> None:
    (line,) = event_lines([OLD], EVERYTHING)
    record = RecordParser(datetime(2026, 3, 2, tzinfo=UTC)).parse(line)
    assert (record.time, record.level) == (datetime(2026, 3, 1, 12, tzinfo=UTC), Level.WARN)


def test_events_come_in_the_order_of_time_within_the_window() -> None:
    items = [OLD, NEW, BARE, SERIES]
    window = Window(datetime(2026, 3, 1, 11, tzinfo=UTC), datetime(2026, 3, 1, 12, 15, tzinfo=UTC))
    times = [line[:20] for line in event_lines(items, EVERYTHING)]
    assert times == sorted(times)
    within = [line[:20] for line in event_lines(items, window)]
    assert within == ["2026-03-01T11:19:59Z", "2026-03-01T12:00:00Z"]


@pytest.mark.parametrize(
    "odd",
    [
        3,
        None,
        {},
        {"metadata": {}},
        OLD | {"lastTimestamp": "yesterday"},
        OLD | {"lastTimestamp": "2026-03-01T12:00:00"},
        OLD | {"lastTimestamp": "9999-12-31T23:59:59-12:00"},
        OLD | {"count": "many"},
    ],
)
def test_what_is_no_event_is_left_out(odd: object) -> None:
    assert len(event_lines([odd, NEW], EVERYTHING)) == 1


def test_control_characters_and_long_messages_do_not_get_through() -> None:
    hostile = OLD | {"message": "\x1b[2J" + "x" * 10_000, "reason": "a\nb", "count": 1}
    (line,) = event_lines([hostile], EVERYTHING)
    assert line.startswith("2026-03-01T12:00:00Z WARNING a b Pod/web-0: ?[2Jxx")
    assert len(line) < 2200
