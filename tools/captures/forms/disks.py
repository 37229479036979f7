"""`df` in all its dresses (-h, -P, -i, -T) and `mount`: full disks, spent inodes, read-only disks.

A row of `df` is known by its own form, so that a wrapped row, a header in another language or no
header at all do no harm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import size_bytes

_ROW = re.compile(
    r"(?<=\s)(?P<size>[\d.,]+[KMGTPEi]*B?)\s+(?P<used>[\d.,]+[KMGTPEi]*B?)"
    r"\s+(?P<free>-?[\d.,]+[KMGTPEi]*B?)\s+(?P<share>\d+)%\s+(?P<mount>/.*)$"
)
# In any language one column is a share: `Use%`, `Verw%`, or `Capacity` in the portable form.
_HEADER = re.compile(r"^Filesystem\s|^\S.*(?<!\d)%\s")
_INODES = re.compile(r"\bI(?:nodes|Use%|Used|Free)", re.IGNORECASE)
# Always full, because nobody writes to them.
_READ_ONLY = re.compile(r"^/dev/(?:loop|sr)\d|squashfs|iso9660|\budf\b|efivars")
_SNAP = re.compile(r"^/(?:var/lib/)?snap(?:d/snap)?/|^/sys/|^/(?:media|cdrom)")
_PLENTY_BYTES = 200 * 1024**3
_MOUNT = re.compile(
    r"^(?P<disk>/dev/\S+) on (?P<mount>/\S*) type (?:ext[234]|xfs|btrfs) \((?P<options>[^)]*)\)"
)


def read_disks(lines: Sequence[str], now: datetime | None) -> Reading:
    """Disks of which 90 % or more are used; inodes likewise."""
    notes = Notes()
    header, header_place = "", 0
    for place, line in enumerate(lines):
        match = _ROW.search(line) if "% " in line else None
        if match is None:
            if _HEADER.match(line):
                header, header_place = line, place
            continue
        notes.know((place, header_place) if header else place)
        is_wrapped = not line[: match.start()].strip() and place and lines[place - 1].strip()
        start = place - 1 if is_wrapped else place
        if not _READ_ONLY.search(lines[start]) and not _SNAP.match(match["mount"]):
            _judge(match, start, place + 1, header, notes)
    return notes.reading()


def _judge(match: re.Match[str], start: int, end: int, header: str, notes: Notes) -> None:
    share = int(match["share"])
    if share < 90:
        return
    mount = match["mount"].rstrip()
    if _INODES.search(header):
        note = (
            f"{mount} has used {share} % of its inodes ({match['free']} of {match['size']} left): "
            "no new files when they are spent, even with space left"
        )
    else:
        free = _with_unit(match["free"], header)
        size = _with_unit(match["size"], header)
        note = f"{mount} is {share} % full: {free} of {size} free"
    notes.add(
        start, note, _suspicion(share, size_bytes(_with_unit(match["free"], header))), end=end
    )


def _suspicion(share: int, free_bytes: float | None) -> float:
    if share >= 99 or not free_bytes:
        return 0.95
    if free_bytes > _PLENTY_BYTES and share < 97:
        return 0.35
    return 0.85 if share >= 95 else 0.65


def _with_unit(number: str, header: str) -> str:
    """A number of blocks as a size: `df` without -h counts kibibytes, or megabytes with -m."""
    if not number.lstrip("-").isdecimal():
        return number
    if number.lstrip("-0") == "":
        return "0 bytes"
    if "1K-blocks" in header or "1024-blocks" in header:
        return f"{float(number) / 1024**2:.1f}G"
    return f"{number}M" if "1M-blocks" in header else number


def read_mounts(lines: Sequence[str], now: datetime | None) -> Reading:
    """Disks for data that are mounted read-only."""
    notes = Notes()
    for place, line in enumerate(lines):
        match = _MOUNT.match(line)
        if match is None:
            continue
        notes.know(place)
        if "ro" in match["options"].split(",") and not _SNAP.match(match["mount"]):
            note = f"{match['mount']} is mounted read-only: writing to it fails"
            notes.add(place, note, 0.7)
    return notes.reading()
