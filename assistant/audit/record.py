"""One record of the audit log: a line of canonical JSON that holds its own hash.

Canonical: keys sorted, no spaces, everything but printable ASCII escaped. So a record has exactly
one spelling, and no control character ever stands raw in the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

# What stands in `prev` of the first record of all.
NO_HASH = "0" * 64
MAX_LINE_BYTES = 1 << 20

# The kinds that the log itself writes: at the beginning of each file, and after a torn line.
OPENED = "log_opened"
MENDED = "log_mended"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record as it stands in the log. `time` is UTC in ISO form with microseconds.

    `prev` is the hash of the record before, `hash` the SHA-256 of the canonical JSON of all other
    fields, both in hexadecimal.
    """

    seq: int
    time: str
    kind: str
    data: Mapping[str, Any]
    host: str
    prev: str
    hash: str

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.time)

    def to_line(self) -> bytes:
        """The line of the log, with its line break."""
        return canonical({**self._hashed(), "hash": self.hash}) + b"\n"

    @property
    def own_hash(self) -> str:
        """What `hash` must be."""
        return hashlib.sha256(canonical(self._hashed())).hexdigest()

    def follows(self, seq: int, hash_: str) -> bool:
        """Whether this is the record after the one with that number and hash."""
        return self.seq == seq + 1 and self.prev == hash_

    def _hashed(self) -> dict[str, Any]:
        """All fields but the hash."""
        return {
            "seq": self.seq,
            "time": self.time,
            "kind": self.kind,
            "data": self.data,
            "host": self.host,
            "prev": self.prev,
        }


def made_record(
    *, seq: int, at: datetime, kind: str, data: Mapping[str, Any], host: str, prev: str
) -> AuditRecord:
    """The record with its hash. Raises TypeError or ValueError when `data` is not JSON."""
    time = at.astimezone(UTC).isoformat(timespec="microseconds")
    record = AuditRecord(seq, time, kind, data, host, prev, hash="")
    return replace(record, hash=record.own_hash)


def parse_record(line: bytes) -> AuditRecord | None:
    """The record in `line`; None unless it is spelt exactly as it was written, and its hash fits.

    Whether it stands where it belongs is `assistant.audit.chain`'s to say.
    """
    try:
        record = AuditRecord(**json.loads(line))
        is_whole = _has_right_types(record) and record.to_line() == line
        return record if is_whole and record.own_hash == record.hash else None
    except (ValueError, TypeError, RecursionError):
        return None


def _has_right_types(record: AuditRecord) -> bool:
    texts = (record.time, record.kind, record.host, record.prev, record.hash)
    return (
        type(record.seq) is int
        and isinstance(record.data, dict)
        and all(isinstance(text, str) for text in texts)
        and record.at.utcoffset() == timedelta()
    )


def canonical(fields: Mapping[str, Any]) -> bytes:
    """`fields` in their one spelling. Raises TypeError or ValueError when they are not JSON."""
    text = json.dumps(
        fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return text.encode("ascii")
