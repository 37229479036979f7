from datetime import UTC, datetime

import pytest

from tools.captures import parse

NOW = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("notAfter=Jan  5 12:00:00 2025 GMT", "the certificate expired 5 days ago"),
        ("            Not After : Jan 12 12:00:00 2025 GMT", "the certificate expires in 2 days"),
        ("*  expire date: Jan 10 13:00:00 2025 GMT", "the certificate expires in 1 hour"),
        ("notBefore=Jan 11 12:00:00 2025 GMT", "the certificate becomes valid only 1 day from now"),
        ("  Not After:   2025-01-09T12:00:00Z", "the certificate expired 1 day ago"),
        (
            "   v:NotBefore: Jan  1 00:00:00 2024 GMT; NotAfter: Jan  1 00:00:00 2025 GMT",
            "the certificate expired 9 days ago",
        ),
    ],
)
def test_dates_are_judged_at_the_moment_of_the_record(line: str, note: str) -> None:
    (found,) = parse(line, NOW)
    assert found.note == note
    assert found.text == line.strip()


@pytest.mark.parametrize(
    "line", ["notAfter=Jan  5 12:00:00 2026 GMT", "notBefore=Jan  5 12:00:00 2024 GMT"]
)
def test_a_valid_certificate_is_no_finding(line: str) -> None:
    assert parse(line, NOW) == []


def test_without_a_moment_nothing_is_said_of_dates() -> None:
    assert parse("notAfter=Jan  5 12:00:00 2025 GMT") == []


def test_the_sooner_it_expires_the_more_suspicious_it_is() -> None:
    lines = [f"notAfter=Jan {day:>2} 12:00:00 2025 GMT" for day in (5, 14, 28)]
    found = parse("\n".join(lines), NOW)
    assert [one.line for one in found] == [1, 2, 3]
    assert found[0].suspicion > 0.9 > 0.7 <= found[1].suspicion < 0.9 > 0.5 > found[2].suspicion


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("Verify return code: 10 (certificate has expired)", True),
        ("verify error:num=18:self-signed certificate", True),
        ("    Verify return code: 0 (ok)", False),
    ],
)
def test_what_a_client_says_about_trust(line: str, is_wrong: bool) -> None:
    assert bool(parse(line)) is is_wrong
