"""Audit logs to look at, and to lay hands on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assistant.audit.log import AuditLog
from assistant.audit.record import AuditRecord, made_record, parse_record

_MEMORY = Path("/dev/shm")
START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where this machine has such a place."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="midwatch-test-", dir=place) as folder:
        yield Path(folder)


class Clock:
    """A clock that goes on by a second each time that somebody looks at it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def as_it_is(text: str) -> str:
    return text


def audit_log(folder: Path, **options: Any) -> AuditLog:
    """A log that redacts nothing and has a clock of its own."""
    return AuditLog(folder, **{"redact": as_it_is, "clock": Clock(), **options})


@dataclass(frozen=True)
class Stood:
    """A record, and where it stood before anybody laid hands on it."""

    record: AuditRecord
    file: str
    line: int
    end_bytes: int


class Files:
    """The files of a log in memory: changed there, and then written somewhere to be checked."""

    def __init__(self, content: Mapping[str, bytes]) -> None:
        self.content = dict(content)

    @classmethod
    def of(cls, folder: Path) -> Files:
        return cls({path.name: path.read_bytes() for path in folder.iterdir()})

    def copy(self) -> Files:
        return Files(self.content)

    def put(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        for name, content in self.content.items():
            (folder / name).write_bytes(content)
        return folder

    @property
    def names(self) -> list[str]:
        return sorted(name for name in self.content if name.endswith(".jsonl"))

    def lines(self, name: str) -> list[bytes]:
        return self.content[name].splitlines(keepends=True)

    def set_lines(self, name: str, lines: list[bytes]) -> None:
        self.content[name] = b"".join(lines)

    def records(self) -> list[Stood]:
        """All records in their order; every line must be one."""
        found = []
        for name in self.names:
            end = 0
            for number, line in enumerate(self.lines(name), 1):
                record = parse_record(line)
                assert record is not None
                end += len(line)
                found.append(Stood(record, name, number, end))
        return found


def forged(record: AuditRecord, **changes: Any) -> bytes:
    """The line of a record that was changed and given the hash that fits."""
    new = replace(record, **changes)
    made = made_record(
        seq=new.seq, at=new.at, kind=new.kind, data=new.data, host=new.host, prev=new.prev
    )
    return made.to_line()
