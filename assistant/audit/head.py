"""The head: a small file beside the log that says which record is the last.

Without it nobody could tell that the end of the log was cut off. It is written after the record
that it names, so it may lag behind by the one record whose writer was killed in between; it never
names a record that is not there.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from assistant.audit.disk import replace_file
from assistant.audit.folder import file_name
from assistant.audit.record import NO_HASH, AuditRecord

HEAD_NAME = "head.json"
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Head:
    """The last record, and where it ends: after `size_bytes` of the file with that number."""

    seq: int
    hash: str
    time: str
    file_number: int
    size_bytes: int

    @classmethod
    def at(cls, record: AuditRecord, file_number: int, size_bytes: int) -> Head:
        """The head that names `record`."""
        return cls(record.seq, record.hash, record.time, file_number, size_bytes)

    @property
    def file_name(self) -> str:
        """The file that the record stands in."""
        return file_name(self.file_number)

    @property
    def month(self) -> tuple[int, int]:
        """Year and month of the record, in UTC."""
        moment = datetime.fromisoformat(self.time).astimezone(UTC)
        return moment.year, moment.month


# Before the first record.
NOTHING = Head(0, NO_HASH, "", 0, 0)


def read_head(folder: Path) -> Head:
    """The head; `NOTHING` when there is none. Raises OSError, and ValueError when it is damaged."""
    try:
        with (folder / HEAD_NAME).open("rb") as file:
            content = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return NOTHING
    try:
        head = Head(**json.loads(content))
        if content == _content(head) and head.month and _has_right_types(head):
            return head
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    raise ValueError("it is not spelt as it was written")


def write_head(folder: Path, head: Head) -> None:
    """Replace the head; it is on disk when this returns. Raises OSError: the old one stands."""
    replace_file(folder / HEAD_NAME, _content(head))


def _has_right_types(head: Head) -> bool:
    numbers = (head.seq, head.file_number, head.size_bytes)
    return all(type(number) is int and number > 0 for number in numbers) and type(head.hash) is str


def _content(head: Head) -> bytes:
    return json.dumps(asdict(head), sort_keys=True, indent=1).encode() + b"\n"
