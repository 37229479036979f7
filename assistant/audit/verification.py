"""Checking the audit log: whether each record is there, in its place, as it was written.

What this proves has limits, which docs/security.md states: who can rewrite all files and the head
can make a log that holds together. Only a hash that is kept elsewhere shows that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assistant.audit.faults import Fault
from assistant.audit.folder import LOCK_TIMEOUT_S, AuditFile, find_files, read_lock
from assistant.audit.head import Head, read_head
from assistant.audit.record import AuditRecord
from assistant.audit.walk import Missing, Walk
from assistant.errors import AuditError


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking came to. Without a `fault` each record that is there is as it was written.

    `num_records` and `num_files` count what is fine, up to the fault. `num_mended` torn lines were
    closed off, and `torn_bytes` of one stand at the end, for the next writer to close off. So does
    it take in the one record (`num_unnamed`) that the head may not name yet.
    """

    num_records: int
    num_files: int
    num_mended: int
    torn_bytes: int
    num_unnamed: int
    missing: tuple[Missing, ...]
    last: AuditRecord | None
    fault: Fault | None


def verify_log(
    folder: Path, expect: str = "", *, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> Verification:
    """Check the log in `folder`, as it is at this moment; memory does not grow with it.

    With `expect`, a hash that the log had earlier, it must also contain the record with that hash.
    Raises AuditError when it cannot be read.
    """
    try:
        with read_lock(folder, lock_timeout_s):
            files = [(file, _size(file)) for file in find_files(folder)]
            head = _head(folder)
        walk = Walk(head, expect)
        fault = walk.over(files)
    except OSError as error:
        raise AuditError(
            f"the audit log in {folder} cannot be read: {error.strerror or error}",
            "check its permissions",
        ) from error
    return Verification(
        num_records=walk.num_records,
        num_files=walk.num_files,
        num_mended=walk.num_mended,
        torn_bytes=0 if fault else walk.torn_bytes,
        num_unnamed=0 if fault else walk.num_unnamed,
        missing=tuple(walk.missing),
        last=walk.last.record if walk.last else None,
        fault=fault,
    )


def _size(file: AuditFile) -> int | None:
    """How much of the file to read: what is appended meanwhile is not looked at."""
    return None if file.path.suffix == ".gz" else file.path.stat().st_size


def _head(folder: Path) -> Head | None:
    """The head; None when it is damaged."""
    try:
        return read_head(folder)
    except ValueError:
        return None
