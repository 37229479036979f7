"""`uptime`, `top`, `ps`, `vmstat`, `iostat`: what processors, disks and processes are busy with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import age_s, number, percent

_UPTIME = re.compile(r"\bup (?P<up>.+?),\s+(?:\d+ users?,\s+)?load average: (?P<load>[\d.]+)")
_CPU = re.compile(r"^%?Cpu\(s\):")
_CPU_PART = re.compile(r"([\d.]{1,8})[ %]{0,4}(us|sy|ni|id|wa|hi|si|st)\b")
_TOP_MEMORY = re.compile(r"^[KMG]iB Mem\s*:\s*([\d.]+) total")
_TOP_AVAILABLE = re.compile(r"([\d.]{1,20}) avail Mem")
_ZOMBIES = re.compile(r"^Tasks:.*?(\d+) zombie")
_PROCESSES = re.compile(r"^\s*(?:PID\s+USER|USER\s+PID)\s.*%CPU\s+%MEM\s")
_VMSTAT = re.compile(r"^\s*r\s+b\s+swpd\s+free\s")
_IOSTAT = re.compile(r"^Device:?\s.*%util\s*$")
_NEW_BOOT_S = 900


def read_load(lines: Sequence[str], now: datetime | None) -> Reading:
    """A machine that just started, busy processors, waiting for disks, memory nearly spent."""
    notes = Notes()
    for place, line in enumerate(lines):
        if match := _UPTIME.search(line):
            _judge_uptime(match, place, notes)
        elif _CPU.match(line):
            _judge_cpu(line, place, notes)
        elif match := _TOP_MEMORY.match(line):
            _judge_memory(lines, place, number(match[1]), notes)
        elif match := _ZOMBIES.match(line):
            notes.know(place)
            if int(match[1]) >= 20:
                note = f"{match[1]} ended processes that their parents do not collect (zombies)"
                notes.add(place, note, 0.4)
        elif _PROCESSES.match(line):
            _judge_processes(lines, place, notes)
    return notes.reading()


def _judge_uptime(match: re.Match[str], place: int, notes: Notes) -> None:
    notes.know(place)
    up = match["up"].replace(":", "h") + "m" if ":" in match["up"] else match["up"]
    seconds = age_s(up)
    if seconds is not None and seconds < _NEW_BOOT_S:
        notes.add(place, f"the machine started {match['up']} before this was recorded", 0.5)
    elif number(match["load"]) >= 50:
        note = f"{match['load']} processes run or wait for a disk on average (load)"
        notes.add(place, note, 0.5)


def _judge_cpu(line: str, place: int, notes: Notes) -> None:
    notes.know(place)
    parts = {name: number(figure) for figure, name in _CPU_PART.findall(line)}
    _judge_shares(parts, place, notes)


def _judge_shares(parts: Mapping[str, float], place: int, notes: Notes) -> None:
    if parts.get("st", 0) >= 10:
        note = f"{parts['st']:g} % of the processor time goes to other virtual machines (steal)"
        notes.add(place, note, 0.65)
    elif parts.get("wa", 0) >= 20:
        notes.add(place, f"{parts['wa']:g} % of the processor time waits for disks", 0.65)
    elif parts.get("id", 100) < 5:
        notes.add(place, f"the processors are busy: {parts['id']:g} % idle", 0.55)


def _judge_memory(lines: Sequence[str], place: int, total: float, notes: Notes) -> None:
    notes.know((place, place + 1))
    below = lines[place + 1] if place + 1 < len(lines) else ""
    available = _TOP_AVAILABLE.search(below)
    if available and total and number(available[1]) < 0.06 * total:
        note = f"{percent(number(available[1]), total)} of the memory is available"
        notes.add(place, note, 0.75, end=place + 2)


def _judge_processes(lines: Sequence[str], header: int, notes: Notes) -> None:
    columns = lines[header].split()
    notes.know(header)
    stuck: list[int] = []
    for place in range(header + 1, len(lines)):
        cells = lines[place].split(None, len(columns) - 1)
        if len(cells) < len(columns):
            break
        row = dict(zip(columns, cells, strict=True))
        notes.know(place)
        if row.get("STAT", row.get("S", "")).startswith("D"):
            stuck.append(place)
        _judge_process(row, place, notes)
    if len(stuck) >= 3:
        note = f"{len(stuck)} processes wait for a disk or a network file system (state D)"
        notes.add(stuck[0], note, 0.6)


def _judge_process(row: Mapping[str, str], place: int, notes: Notes) -> None:
    memory, cpu = number(row.get("%MEM", "")), number(row.get("%CPU", ""))
    if memory >= 50:
        notes.add(place, f"process {row.get('PID')} uses {memory:g} % of the memory", 0.55)
    elif cpu >= 95:
        notes.add(place, f"process {row.get('PID')} uses {cpu:g} % of a processor", 0.4)


def read_statistics(lines: Sequence[str], now: datetime | None) -> Reading:
    """The last sample of `vmstat` and `iostat`: swapping, waiting, saturated disks."""
    notes = Notes()
    for place, line in enumerate(lines):
        if _VMSTAT.match(line):
            _judge_vmstat(lines, place, notes)
        elif _IOSTAT.match(line):
            _judge_iostat(lines, place, notes)
    return notes.reading()


def _judge_vmstat(lines: Sequence[str], header: int, notes: Notes) -> None:
    columns = lines[header].split()
    end = header + 1
    while (
        end < len(lines)
        and len(lines[end].split()) == len(columns)
        and lines[end].split()[0].isdecimal()
    ):
        end += 1
    notes.know(range(max(0, header - 1), end))
    if end == header + 1:
        return
    row = {name: number(cell) for name, cell in zip(columns, lines[end - 1].split(), strict=True)}
    if row.get("si", 0) + row.get("so", 0) >= 1000:
        note = f"memory is swapped in and out ({row['si']:g} and {row['so']:g} a second)"
        notes.add(end - 1, note, 0.65)
    else:
        _judge_shares(row, end - 1, notes)


def _judge_iostat(lines: Sequence[str], header: int, notes: Notes) -> None:
    for place in range(header + 1, len(lines)):
        cells = lines[place].split()
        if len(cells) < 3:
            break
        notes.know(place)
        if number(cells[-1]) >= 90:
            notes.add(place, f"disk {cells[0]} is busy {cells[-1]} % of the time", 0.65)
    notes.know(header)
