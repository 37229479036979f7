"""Reading the audit log: the newest records that somebody asks for, and those that are yet to come.

Reading does not check the chain (`assistant.audit.verification` does), but only a line whose own
hash fits is taken for a record. No more is held in memory than what is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from assistant.audit.folder import AuditFile, FileDamaged, find_files
from assistant.audit.record import MAX_LINE_BYTES, AuditRecord, parse_record
from assistant.audit.wanted import Filter, Wanted
from assistant.errors import AuditError

# A line; None when it is no record.
Entry = AuditRecord | None


class Cursor:
    """A place between two lines of the log, from which `read` goes on; at first its beginning."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        self._folder = folder
        self._number = number
        self._offset_bytes = 0

    def read(self) -> Iterator[Entry]:
        """All whole lines from here to the end, over as many files as there are by now.

        Raises AuditError.
        """
        while True:
            # In this order: nothing is added to a file once there is a following one.
            files = {file.number: file for file in _files(self._folder)}
            following = min((number for number in files if number > self._number), default=None)
            if self._number in files:
                yield from self._rest_of(files[self._number])
            if following is None:
                return
            self._number, self._offset_bytes = following, 0

    def _rest_of(self, file: AuditFile) -> Iterator[Entry]:
        for line in _lines(file, self._offset_bytes):
            if not line.endswith(b"\n") and len(line) < MAX_LINE_BYTES:
                return
            self._offset_bytes += len(line)
            yield parse_record(line)


@dataclass
class Trail:
    """The records that were asked for, the newest last, and how many lines were no records."""

    records: list[AuditRecord] = field(default_factory=list)
    num_unreadable: int = 0


class Reader:
    """Finds what is wanted in the log in `folder`: first the newest, then what comes after."""

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        self._folder = folder
        self._wanted = wanted
        self._filter = Filter(wanted)
        self._cursor = Cursor(folder)

    def newest(self, count: int | None) -> Trail:
        """The newest `count` records that are wanted; None: all of them. Raises AuditError."""
        if self._wanted.service:
            self._learn()
        trail = Trail()
        files = _files(self._folder)
        self._cursor = Cursor(self._folder, files[-1].number if files else 0)
        began_at = self._take(trail, self._cursor.read(), count)
        for file in reversed(files[:-1]):
            if self._is_enough(trail, count, began_at):
                break
            began_at = self._take(trail, map(parse_record, _lines(file)), count)
        return trail

    def following(self) -> Iterator[Entry]:
        """What is wanted of what came after the last look, and lines that are no record.

        Raises AuditError.
        """
        for entry in self._cursor.read():
            if entry is None or self._filter.accepts(entry):
                yield entry

    def _learn(self) -> None:
        """See all records once: which approvals are about a service may have been said long ago."""
        for entry in Cursor(self._folder).read():
            if entry is not None:
                self._filter.learn(entry)

    def _take(self, trail: Trail, entries: Iterable[Entry], count: int | None) -> datetime | None:
        """Put what is wanted of a file before what is in `trail`; when the file begins."""
        newest: deque[AuditRecord] = deque(maxlen=count and count - len(trail.records))
        began_at = None
        for entry in entries:
            if entry is None:
                trail.num_unreadable += 1
                continue
            began_at = began_at or entry.at
            if self._filter.accepts(entry):
                newest.append(entry)
        trail.records[:0] = newest
        return began_at

    def _is_enough(self, trail: Trail, count: int | None, began_at: datetime | None) -> bool:
        """Whether files before the one that begins then have nothing more that is wanted."""
        start = self._wanted.window.start
        is_before = start is not None and began_at is not None and began_at < start
        return is_before or (count is not None and len(trail.records) >= count)


def _files(folder: Path) -> list[AuditFile]:
    with _failing_by_name(folder):
        return find_files(folder)


def _lines(file: AuditFile, start: int = 0) -> Iterator[bytes]:
    with _failing_by_name(file.path):
        yield from file.lines(start)


@contextmanager
def _failing_by_name(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise AuditError(f"{path} cannot be read: {why}", "check its permissions") from error
    except FileDamaged as error:
        raise AuditError(f"{path} is damaged: {error}", "see midwatch audit verify") from error
