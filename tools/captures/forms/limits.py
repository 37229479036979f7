"""`ulimit -a` and `/proc/PID/limits`: what a process may use, which is seldom a problem alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading

_ULIMIT = re.compile(r"^(?P<what>[a-z][^()]*)\((?:[^()]+, )?-\w\)\s+(?P<most>\S+)$")
_PROC = re.compile(r"^(?P<what>Max(?: [a-z]+)+)\s+(?P<most>\d+|unlimited)\s")
_FEW_FILES = 1024


def read_limits(lines: Sequence[str], now: datetime | None) -> Reading:
    """A limit of open files that a server soon reaches."""
    notes = Notes()
    for place, line in enumerate(lines):
        match = _ULIMIT.match(line) or _PROC.match(line)
        if match is None:
            continue
        notes.know(place)
        if match["what"].rstrip().endswith("open files") and match["most"].isdecimal():
            _judge_files(int(match["most"]), place, notes)
    return notes.reading()


def _judge_files(most: int, place: int, notes: Notes) -> None:
    if most < _FEW_FILES:
        notes.add(place, f"a process may hold {most:,} files and connections open: few", 0.5)
