import pytest

from tools.captures import parse

TRACKING = """Reference ID    : C0A80101 (ntp.example.net)
Stratum         : 3
Ref time (UTC)  : Mon Jan 06 10:00:00 2025
System time     : 0.000012345 seconds slow of NTP time
Last offset     : -0.000010011 seconds
Leap status     : Normal
"""
SOURCES = """MS Name/IP address         Stratum Poll Reach LastRx Last sample
===============================================================================
^* ntp.example.net               2   6   377    33    -12us[  -15us] +/-   11ms
^- 192.0.2.1                     3   6   377    35   +200us[ +200us] +/-   80ms
"""
SETTINGS = """               Local time: Mon 2025-01-06 10:00:00 UTC
System clock synchronized: yes
              NTP service: active
"""


@pytest.mark.parametrize("text", [TRACKING, SOURCES, SETTINGS])
def test_a_clock_that_is_right_is_no_finding(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (TRACKING.replace("0.000012345", "3.5"), "the clock is 3.5 seconds slow"),
        (TRACKING.replace("Normal", "Not synchronised"), "the clock follows no time server"),
        (SOURCES.replace("^*", "^?"), "none of 2 time servers is followed"),
        (SETTINGS.replace("yes", "no"), "the clock is not synchronised"),
        (SETTINGS.replace(" active", " inactive"), "no time service runs, so the clock drifts"),
    ],
)
def test_a_clock_that_is_wrong(text: str, note: str) -> None:
    assert [one.note for one in parse(text)] == [note]


def test_a_larger_offset_is_worse() -> None:
    small, large = (parse(TRACKING.replace("0.000012345", by))[0] for by in ("0.2", "20"))
    assert small.suspicion < large.suspicion
