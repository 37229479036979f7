from datetime import UTC, datetime

import pytest

from tools.captures.quantities import age_s, in_words, number, percent, size_bytes, time_of


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("1K", 1024),
        ("1.5Gi", 1.5 * 1024**3),
        ("2,0G", 2 * 1024**3),
        ("3TiB", 3 * 1024**4),
        ("-", None),
        ("1.2.3", None),
        (".", None),
        ("12 apples", None),
    ],
)
def test_sizes(text: str, size: float | None) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("3h37m", 3 * 3600 + 37 * 60),
        ("2d1h", 49 * 3600),
        ("2y", 2 * 31_536_000),
        ("5 minutes", 300),
        ("2 weeks", 1_209_600),
        ("3 months", 3 * 2_592_000),
        ("<unknown>", None),
        ("", None),
    ],
)
def test_ages(text: str, seconds: float | None) -> None:
    assert age_s(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (59, "59 seconds"), (120, "2 minutes"), (3600, "1 hour"), (90_000, "1 day")],
)
def test_spans_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    "text",
    [
        "Jan  5 12:00:00 2025 GMT",
        "Sun, 05 Jan 2025 13:00:00 +0100",
        "2025-01-05T12:00:00Z",
        "2025-01-05 12:00:00+00:00",
        "2025-01-05 12:00:00",
    ],
)
def test_times(text: str) -> None:
    assert time_of(text) == datetime(2025, 1, 5, 12, tzinfo=UTC)


def test_what_is_no_time_or_figure() -> None:
    assert time_of("tomorrow") is None
    assert number("n/a") == 0
    assert number("2,5") == 2.5


@pytest.mark.parametrize(
    ("part", "share"), [(0, "0 %"), (0.4, "0.4 %"), (0.96, "1 %"), (50, "50 %"), (100, "100 %")]
)
def test_shares(part: float, share: str) -> None:
    assert percent(part, 100) == share
