"""`chronyc tracking`, `chronyc sources`, `timedatectl`, `ntpq -p`: clocks that are off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import number

_SYSTEM_TIME = re.compile(r"^System time\s*:\s*([\d.]+) seconds (slow|fast)")
_LEAP = re.compile(r"^Leap status\s*:\s*(.+?)\s*$")
_STRATUM = re.compile(r"^Stratum\s*:\s*(\d+)")
_OTHER = re.compile(
    r"^(?:Reference ID|Ref time \(UTC\)|Last offset|RMS offset|Frequency|Residual freq|Skew"
    r"|Root delay|Root dispersion|Update interval)\s*:"
)
_SOURCE_HEADER = re.compile(r"^MS Name/IP address|^\s+remote\s+refid")
_SOURCE = re.compile(
    r"^[\^=#](?P<state>[*+\-?x~ ])\s*(?P<name>\S+)|^(?P<tally>[*+\-x. o#])(?P<peer>\S+)\s+\S+"
)
_TIMEDATE = re.compile(
    r"^\s*(System clock synchronized|NTP synchronized|NTP service|NTP enabled): (\S+)"
)


def read_clocks(lines: Sequence[str], now: datetime | None) -> Reading:
    """A clock that is not synchronised, or off by a tenth of a second or more."""
    notes = Notes()
    for place, line in enumerate(lines):
        if match := _SYSTEM_TIME.match(line):
            _judge_offset(number(match[1]), match[2], place, notes)
        elif match := _LEAP.match(line):
            notes.know(place)
            if match[1] == "Not synchronised":
                notes.add(place, "the clock follows no time server", 0.85)
        elif match := _TIMEDATE.match(line):
            _judge_setting(match[1], match[2], place, notes)
        elif _OTHER.match(line) or _STRATUM.match(line):
            notes.know(place)
        elif _SOURCE_HEADER.match(line):
            _judge_sources(lines, place, notes)
    return notes.reading()


def _judge_offset(seconds: float, direction: str, place: int, notes: Notes) -> None:
    notes.know(place)
    if seconds >= 0.1:
        notes.add(
            place, f"the clock is {seconds:g} seconds {direction}", 0.85 if seconds >= 1 else 0.6
        )


def _judge_setting(name: str, value: str, place: int, notes: Notes) -> None:
    notes.know(place)
    if "synchronized" in name and value == "no":
        notes.add(place, "the clock is not synchronised", 0.75)
    elif "synchronized" not in name and value in ("inactive", "no"):
        notes.add(place, "no time service runs, so the clock drifts", 0.6)


def _judge_sources(lines: Sequence[str], place: int, notes: Notes) -> None:
    """Whether any of the time servers below the header is the one that is followed."""
    rows: list[tuple[int, str]] = []
    for row in range(place + 1, len(lines)):
        match = _SOURCE.match(lines[row])
        if match:
            rows.append((row, match["state"] or match["tally"]))
        elif not lines[row].startswith("="):
            break
    notes.know(range(place, place + 1))
    notes.know(row for row, _ in rows)
    if rows and not any(state in "*o" for _, state in rows):
        note = f"none of {len(rows)} time servers is followed"
        notes.add(rows[0][0], note, 0.8, end=rows[min(len(rows), 4) - 1][0] + 1)
