"""`supervisorctl status`: programs that do not run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading

_ROW = re.compile(
    r"^(?P<name>[\w:.@-]+)\s+(?P<state>RUNNING|STARTING|STOPPED|STOPPING|BACKOFF|EXITED|FATAL"
    r"|UNKNOWN)\b\s*(?P<rest>.*)$"
)
_UPTIME = re.compile(r"uptime (?:(\d+) days?, )?(\d+):(\d\d):(\d\d)")
_MEANINGS = {
    "FATAL": (0.85, "could not be started, and supervisor has given up"),
    "BACKOFF": (0.8, "ends right after its start, and supervisor tries again"),
    "UNKNOWN": (0.7, "is in a state that supervisor does not know"),
    "EXITED": (0.5, "has ended and is not started again"),
    "STOPPED": (0.35, "was stopped"),
    "STARTING": (0.3, "is starting"),
    "STOPPING": (0.3, "is stopping"),
}
_YOUNG_S = 60
_OLD_S = 600


def read_programs(lines: Sequence[str], now: datetime | None) -> Reading:
    """Programs in any state but RUNNING, and one that started long after the others."""
    notes = Notes()
    running: list[tuple[int, str, int]] = []
    for place, line in enumerate(lines):
        match = _ROW.match(line)
        if match is None:
            continue
        notes.know(place)
        if match["state"] == "RUNNING":
            uptime = _UPTIME.search(match["rest"])
            if uptime:
                running.append((_seconds(uptime), match["name"], place))
            continue
        suspicion, meaning = _MEANINGS[match["state"]]
        if match["rest"].startswith("Not started"):
            suspicion, meaning = 0.25, "was not started"
        notes.add(place, f"{match['name']} {meaning}", suspicion)
    _judge_uptimes(running, notes)
    return notes.reading()


def _seconds(match: re.Match[str]) -> int:
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _judge_uptimes(running: Sequence[tuple[int, str, int]], notes: Notes) -> None:
    oldest = max((uptime for uptime, _, _ in running), default=0)
    for uptime, name, place in running:
        if uptime < _YOUNG_S and oldest > _OLD_S:
            note = (
                f"{name} started {uptime} seconds before this was recorded, long after the others"
            )
            notes.add(place, note, 0.45)
