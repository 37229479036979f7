"""How one record follows another, and what a crash may leave between them.

A process that is killed while it writes leaves a torn line. The next one to write keeps it and
closes it off with a record of kind `log_mended`, which holds its length and hash; so bytes that
are no record are in order exactly when such a record follows and says what they are.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from assistant.audit.record import MENDED, NO_HASH, AuditRecord, parse_record

Step = Literal["record", "gap", "break"]


class Gap:
    """Bytes that are no record. The line break before whatever follows is not one of them."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.ends_line = False
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return self._digest.hexdigest()

    def add(self, line: bytes) -> None:
        """Take in the next line, or piece of one."""
        if self.ends_line:
            self._take(b"\n")
        body = line.removesuffix(b"\n")
        self._take(body)
        self.ends_line = body != line

    def is_closed_by(self, record: AuditRecord) -> bool:
        """Whether `record` was written to close off exactly these bytes."""
        claimed = (record.data.get("size_bytes"), record.data.get("sha256"))
        return record.kind == MENDED and claimed == (self.size_bytes, self.sha256)

    def _take(self, data: bytes) -> None:
        self._digest.update(data)
        self.size_bytes += len(data)


class Chain:
    """A walk along the records, line by line.

    `seq` and `hash` are those of the last record that stood where it belongs, `gap` what came
    after it and is no record. After a step "break", `record` is the one that does not belong.
    """

    def __init__(self, seq: int = 0, hash_: str = NO_HASH) -> None:
        self.seq = seq
        self.hash = hash_
        self.gap: Gap | None = None
        self.record: AuditRecord | None = None
        self._is_inside_line = False

    def take(self, line: bytes) -> Step:
        """The next line, or a piece of one that is too long to be a record."""
        is_line = line.endswith(b"\n") and not self._is_inside_line
        self._is_inside_line = not line.endswith(b"\n")
        self.record = parse_record(line) if is_line else None
        if self.record is None:
            self.gap = self.gap or Gap()
            self.gap.add(line)
            return "gap"
        if not self._belongs(self.record):
            return "break"
        self.gap = None
        self.seq, self.hash = self.record.seq, self.record.hash
        return "record"

    def begin_file(self) -> None:
        """What comes now is the first line of the next file, however the last one ended."""
        self._is_inside_line = False

    def _belongs(self, record: AuditRecord) -> bool:
        if not record.follows(self.seq, self.hash):
            return False
        if self.gap is None:
            return record.kind != MENDED
        return self.gap.is_closed_by(record)
