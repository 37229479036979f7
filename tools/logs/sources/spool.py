"""`Spool`: a log being copied into files, of which the newest part within the limits stays.

What comes may be hostile or broken: lines of any length, zero bytes, no end. Disk and memory stay
bounded, and the spool says what it left out. Where the bytes come from is the origins' business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tools.logs.reader import format_size
from tools.logs.sources.names import file_stem
from tools.logs.sources.origin import Fetched
from tools.logs.sources.watch import FetchLimits
from tools.scope import LogSource

MAX_LINE_BYTES = 64 * 1024
_REPLACEMENT = "\ufffd".encode()


@dataclass(slots=True)
class Spool:
    """A log that comes oldest line first, in pieces of any size; close it in the end.

    It is kept in two segments of half the limit each, and the older one is given up for the next:
    at least the newest half of the limit is there. With `end` (`2025-01-31T12:00:00`), lines that
    begin with that time or a later one are left out, and `is_past_end` says that one came.
    """

    folder: Path
    number: int
    name: str
    limits: FetchLimits
    end: str = ""
    is_past_end: bool = False
    _rest: bytes = b""
    _is_dropping: bool = False
    _cut_lines: int = 0
    _seen_lines: int = 0
    _segments: list[_Segment] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        """Add the next piece of the log."""
        if self._is_dropping:
            _, line_end, data = data.partition(b"\n")
            if not line_end:
                return
            self._is_dropping = False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._add(line)
        if len(self._rest) > MAX_LINE_BYTES:
            self._add(self._rest)
            self._rest, self._is_dropping = b"", True

    def end_line(self) -> None:
        """End the line that was begun: what comes next is none of it."""
        if self._rest:
            self._add(self._rest)
        self._rest, self._is_dropping = b"", False

    def close(self, *notes: str) -> Fetched:
        """The log as it was kept; `notes` are the origin's own."""
        self.end_line()
        segments = self._segments or [self._begin_segment()]
        for segment in segments:
            segment.close()
        lines = sum(segment.lines for segment in segments)
        return Fetched(
            LogSource(self.name, tuple(segment.path for segment in segments)),
            lines,
            sum(segment.size_bytes for segment in segments),
            (*notes, *self._own_notes(lines)),
        )

    def _add(self, line: bytes) -> None:
        if self.end and _is_stamped_from(line, self.end):
            self.is_past_end = True
            return
        self._seen_lines += 1
        self._cut_lines += len(line) > MAX_LINE_BYTES
        if not self._segments or self._segments[-1].is_full(self.limits):
            self._begin_segment()
        self._segments[-1].write(cleaned(line[:MAX_LINE_BYTES]) + b"\n")

    def _begin_segment(self) -> _Segment:
        if len(self._segments) == 2:
            self._segments.pop(0).discard()
        stem = file_stem(self.number, self.name)
        paths = [self.folder / f"{stem}.{part}.log" for part in "ab"]
        taken = [segment.path for segment in self._segments]
        segment = _Segment(next(path for path in paths if path not in taken))
        self._segments.append(segment)
        return segment

    def _own_notes(self, lines: int) -> list[str]:
        notes = []
        # As many lines as the limit are also what an origin sends that was asked for no more.
        if lines < self._seen_lines or self._seen_lines >= self.limits.max_log_lines:
            notes.append(f"only the newest {lines:,} lines are here")
        if self._cut_lines:
            limit = format_size(MAX_LINE_BYTES)
            notes.append(f"{self._cut_lines:,} lines longer than {limit} were cut")
        return notes


def cleaned(line: bytes) -> bytes:
    """`line` without zero bytes, which would make a reader take the log for a binary file."""
    return line.replace(b"\0", _REPLACEMENT)


def _is_stamped_from(line: bytes, moment: str) -> bool:
    return line[:1].isdigit() and line[: len(moment)] >= moment.encode()


class _Segment:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self.size_bytes = 0
        self._file = path.open("wb")

    def is_full(self, limits: FetchLimits) -> bool:
        return self.lines * 2 >= limits.max_log_lines or self.size_bytes * 2 >= limits.max_log_bytes

    def write(self, line: bytes) -> None:
        self._file.write(line)
        self.lines += 1
        self.size_bytes += len(line)

    def close(self) -> None:
        self._file.close()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink()
