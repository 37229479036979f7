"""`AuditLog`: the writer of the audit log, one of as many as there are processes.

An append holds the lock and goes through these steps, of which each is on disk before the next:
what a killed writer left is settled; a new file is begun when it is time; the record is written;
the head names it. Whoever is killed in between leaves a torn line, or a whole record that the head
does not name yet; both are settled by the next writer, and neither had been promised to anybody.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.audit.disk import append_to, make_folder, replace_file
from assistant.audit.folder import LOCK_TIMEOUT_S, file_name, write_lock
from assistant.audit.head import NOTHING, Head, read_head, write_head
from assistant.audit.leftover import Leftover, find_leftover
from assistant.audit.record import (
    MAX_LINE_BYTES,
    MENDED,
    NO_HASH,
    OPENED,
    AuditRecord,
    canonical,
    made_record,
)
from assistant.audit.redacting import redacted
from assistant.errors import AuditError

if TYPE_CHECKING:
    from pydantic import JsonValue

MAX_FILE_BYTES = 32 << 20
# The other fields of a record are short.
_MAX_DATA_BYTES = MAX_LINE_BYTES - 1024
_NO_ACT = "nothing is done that is not recorded"


def utc_now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class AuditLog:
    """Writes to the files of one folder; as many threads and processes as there are may do so.

    Each text is given to `redact` before it is hashed and written. A file that has reached
    `max_file_bytes`, or was last written to in an earlier month (UTC), is followed by a new one.
    """

    def __init__(
        self,
        folder: Path,
        redact: Callable[[str], str],
        clock: Callable[[], datetime] = utc_now,
        *,
        max_file_bytes: int = MAX_FILE_BYTES,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
    ) -> None:
        self._folder = folder
        self._redact = redact
        self._clock = clock
        self._max_file_bytes = max_file_bytes
        self._lock_timeout_s = lock_timeout_s
        self._host = socket.gethostname()

    def append(self, kind: str, data: Mapping[str, JsonValue]) -> None:
        """Record `data`; it is on disk when this returns. Blocks for the lock and the disk.

        Raises AuditError when that cannot be promised; the record may then be there all the same.
        """
        if kind in (OPENED, MENDED):
            raise AuditError(f"the kind {kind} is the audit log's own", "use another one")
        clean = self._cleaned(data)
        with self._failing_closed():
            make_folder(self._folder)
            with write_lock(self._folder, self._lock_timeout_s):
                head = self._settled()
                if self._is_over(head):
                    head = self._begin_file(head)
                self._add(head, kind, clean)

    def _cleaned(self, data: Mapping[str, JsonValue]) -> Mapping[str, Any]:
        """What is written of `data`. Raises AuditError when it does not fit into a record."""
        try:
            clean = redacted(data, self._redact)
            size_bytes = len(canonical(clean))
        except (TypeError, ValueError, RecursionError) as error:
            raise AuditError(
                f"this cannot be recorded, it is not JSON: {error}", _NO_ACT
            ) from error
        if size_bytes > _MAX_DATA_BYTES:
            raise AuditError(f"this cannot be recorded, it has {size_bytes} bytes", _NO_ACT)
        return clean

    def _settled(self) -> Head:
        """The head, after what a killed writer left behind it was put in order."""
        head = self._read_head()
        left = self._find_leftover(head)
        if left.head != head:
            if left.lacks_break:
                append_to(self._path(left.head.file_number), b"\n")
            write_head(self._folder, left.head)
        if left.gap is None:
            return left.head
        torn = {"size_bytes": left.gap.size_bytes, "sha256": left.gap.sha256}
        return self._add(left.head, MENDED, torn, before=b"\n" if left.lacks_break else b"")

    def _read_head(self) -> Head:
        try:
            return read_head(self._folder)
        except ValueError as error:
            raise _not_as_left(self._folder, f"its head is damaged ({error})") from error

    def _find_leftover(self, head: Head) -> Leftover:
        left = find_leftover(self._folder, head)
        if isinstance(left, str):
            raise _not_as_left(self._folder, left)
        return left

    def _is_over(self, head: Head) -> bool:
        """Whether the file of `head` takes no more records, or there is none."""
        if head == NOTHING or head.size_bytes >= self._max_file_bytes:
            return True
        now = self._clock().astimezone(UTC)
        return (now.year, now.month) > head.month

    def _begin_file(self, head: Head) -> Head:
        """The next file, with a record that names the one before and the hash that it ends with."""
        before = {"file_before": head.file_name, "hash_before": head.hash}
        if head == NOTHING:
            before = {"file_before": "", "hash_before": NO_HASH}
        record = self._made(head, OPENED, before)
        content = record.to_line()
        number = head.file_number + 1
        replace_file(self._path(number), content)
        return self._named(record, number, len(content))

    def _add(self, head: Head, kind: str, data: Mapping[str, Any], before: bytes = b"") -> Head:
        """Write the record after that of `head`; the head that names it."""
        record = self._made(head, kind, data)
        size_bytes = append_to(self._path(head.file_number), before + record.to_line())
        return self._named(record, head.file_number, size_bytes)

    def _named(self, record: AuditRecord, file_number: int, size_bytes: int) -> Head:
        head = Head.at(record, file_number, size_bytes)
        write_head(self._folder, head)
        return head

    def _made(self, head: Head, kind: str, data: Mapping[str, Any]) -> AuditRecord:
        return made_record(
            seq=head.seq + 1,
            at=self._clock(),
            kind=kind,
            data=data,
            host=self._host,
            prev=head.hash,
        )

    def _path(self, number: int) -> Path:
        return self._folder / file_name(number)

    @contextmanager
    def _failing_closed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            hint = "free some space" if is_full else "check its permissions, and the disk"
            raise AuditError(
                f"the audit log in {self._folder} cannot be written: {error.strerror or error}",
                f"{hint}; {_NO_ACT}",
            ) from error


def _not_as_left(folder: Path, why: str) -> AuditError:
    return AuditError(
        f"the audit log in {folder} is not as it was left: {why}",
        "see midwatch audit verify; to go on, keep the folder as evidence under another name",
    )
