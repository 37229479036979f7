from datetime import UTC, datetime

import pytest

from tools.logs.stamps import certainty, clock_time, parse_time

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2025-11-20T12:00:00Z",
        "2025-11-20 12:00:00",
        "2025-11-20 12:00:00,000",
        "2025/11/20 12:00:00 UTC",
        "2025.11.20 12:00:00",
        "2025-11-20T13:00:00+01",
        "2025-11-20T13:00:00.000+0100",
        "2025-11-20 13:00:00 CET",
        "2025-11-20 07:00:00 EST",
        "2025-11-20 12:00:00 +0000 UTC",
        "20251120T120000Z",
        "20251120120000",
        "20/Nov/2025:13:00:00 +0100",
        "Thu, 20 Nov 2025 12:00:00 GMT",
        "1763640000",
        "1763640000000",
        "1763640000.000",
        1763640000,
        1763640000.0,
        1763640000_000,
        1763640000_000_000,
        1763640000_000_000_000,
    ],
)
def test_times_in_all_their_forms(value: object) -> None:
    assert parse_time(value) == NOON


@pytest.mark.parametrize(
    "value",
    [
        "tomorrow", "12", True, None, -5, 10**30, 10**400, float("nan"), float("inf"), "",
        "2025-99-99T00:00:00Z", "2025-11-20 12:00:00 PST", "2025-11-20 12:00:00 CST",
        "2025-11-20 12:00:00 IST", "2025-11-20 12:00:00 nonsense", "2025-11-20 12:00:00+99:00",
        "20/Foo/2025:12:00:00 +0000", "0001-01-01T00:00:00+14:00", "١٧٦٣٦٤٠٠٠٠", ["2025"],
    ],
)  # fmt: skip
def test_times_are_never_invented(value: object) -> None:
    assert parse_time(value) is None


def test_fractions_beyond_microseconds_are_cut() -> None:
    time = parse_time("2025-11-20T12:00:00.123456789Z")
    assert time == NOON.replace(microsecond=123456)


def test_a_clock_with_a_zone_of_its_own() -> None:
    assert clock_time("2025-11-20", "14:00:00", zone_text=" +0200") == NOON
    assert clock_time("2025-11-20", "14:00:00", zone_text="PST") is None
    assert clock_time("2025-11-31", "14:00:00") is None


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2025-11-20T12:00:00Z", 2),
        ("2025-11-20 12:00:00.123 +0200", 2),
        ("2025-11-20 12:00:00-05:00", 2),
        ("2025-11-20 12:00:00 CET", 2),
        ("1763640000123", 2),
        ("2025-11-20 12:00:00 -03", 2),
        ("20-Nov-2025 12:00:00 Europe/Berlin", 2),
        ("1763640000.5", 2),
        ("2025-11-20 12:00:00,123", 1),
        ("2025/11/20 12:00:00", 1),
        ("20/Nov/2025:12:00:00", 1),
        ("Nov 20 12:00:00 2025", 1),
        ("20251120-1:0:0", 1),
        ("Nov 20 12:00:00.1234", 0),
        ("1120 12:00:00.000123", 0),
        ("11-20 12:00:00.5", 0),
    ],
)
def test_certainty(stamp: str, expected: int) -> None:
    assert certainty(stamp) == expected
