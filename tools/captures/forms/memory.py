"""`free` and `/proc/meminfo`: memory that is nearly spent, swap that is full."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import percent, size_bytes

_HEADER = re.compile(r"^\s*total\s+used\s+free\b")
_ROW = re.compile(r"^\s*(Mem|Swap|-/\+ buffers/cache)\s*:\s+(.*)$")
_MEMINFO = re.compile(r"^([\w()]+):\s+(\d+)(?: kB)?$")


def read_free(lines: Sequence[str], now: datetime | None) -> Reading:
    """Less than a tenth of the memory available, or swap that is nine tenths used."""
    notes = Notes()
    columns: list[str] = []
    for place, line in enumerate(lines):
        if _HEADER.match(line):
            columns = line.split()
            notes.know(place)
        match = _ROW.match(line)
        if match and columns:
            notes.know(place)
            _judge(match[1], dict(zip(columns, match[2].split(), strict=False)), place, notes)
    return notes.reading()


def _judge(name: str, cells: Mapping[str, str], place: int, notes: Notes) -> None:
    values = {column: size_bytes(cell) for column, cell in cells.items()}
    total = values.get("total")
    if not total:
        return
    if name == "Swap":
        _judge_swap(values.get("used"), total, place, cells, notes)
    elif name == "Mem" and (available := values.get("available")) is not None:
        _judge_memory(available, total, place, f"{cells['available']} of {cells['total']}", notes)


def _judge_memory(available: float, total: float, place: int, figures: str, notes: Notes) -> None:
    share = available / total
    if share < 0.1:
        note = f"{percent(available, total)} of the memory is available ({figures})"
        notes.add(place, note, 0.9 if share < 0.03 else 0.75 if share < 0.06 else 0.6)


def _judge_swap(
    used: float | None, total: float, place: int, cells: Mapping[str, str], notes: Notes
) -> None:
    if used is not None and used >= 0.9 * total:
        figures = f"{cells['used']} of {cells['total']}"
        notes.add(place, f"{percent(used, total)} of the swap space is used ({figures})", 0.5)


def read_meminfo(lines: Sequence[str], now: datetime | None) -> Reading:
    """The same, from the kernel's own list."""
    notes = Notes()
    values: dict[str, tuple[int, int]] = {}
    for place, line in enumerate(lines):
        match = _MEMINFO.match(line)
        if match:
            values[match[1]] = (place, int(match[2]))
            notes.know(place)
    total = values.get("MemTotal")
    available = values.get("MemAvailable")
    if total and available and total[1]:
        figures = f"{available[1] // 1024:,} of {total[1] // 1024:,} MiB"
        _judge_memory(available[1], total[1], available[0], figures, notes)
    return notes.reading()
