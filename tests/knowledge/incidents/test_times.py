from __future__ import annotations

import pytest

from knowledge.incidents.times import date_in_name, read_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-14", "2026-03-14T00:00:00"),
        ("2026/3/4", "2026-03-04T00:00:00"),
        ("2026-03-14T09:30", "2026-03-14T09:30:00"),
        ("2026-03-14 09:30:15.25Z", "2026-03-14T09:30:15.250000"),
        ("2026-03-14T09:30:00+01:00", "2026-03-14T08:30:00"),
        ("2026-03-14 23:30 -0200", "2026-03-15T01:30:00"),
        ("2026-03-14 09:30 UTC - 10:45 UTC", "2026-03-14T09:30:00"),
        ("2026-03-14, about noon", "2026-03-14T00:00:00"),
        ("March 14th, 2026", "2026-03-14T00:00:00"),
        ("Mar. 4 2026 at 9:05", "2026-03-04T09:05:00"),
        ("14 march 2026, 09:30 GMT", "2026-03-14T09:30:00"),
        ("Saturday, 14. Mar 2026", "2026-03-14T00:00:00"),
        ("  2026-03-14\n09:30", "2026-03-14T09:30:00"),
    ],
)
def test_times_as_people_write_them(text: str, time: str) -> None:
    read = read_time(text)
    assert read is not None
    assert read.isoformat() == f"{time}+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "03/04/2026",
        "2026-02-31",
        "2026-13-01",
        "2026-03-14 25:00",
        "0001-01-01 00:30 +09:00",
        "2026-03-145",
        "2026-03-14 09:30 +99:00",
        "May be",
        "on 2026-03-14",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2026-03-14-checkout", "2026-03-14"),
        ("checkout_20260314", "2026-03-14"),
        ("INC-4711 2026.03.14", "2026-03-14"),
        ("20269999-checkout", None),
        ("2026-02-31", None),
        ("checkout", None),
        ("120260314", None),
    ],
)
def test_dates_in_names(name: str, day: str | None) -> None:
    found = date_in_name(name)
    assert (found and found.date().isoformat()) == day
