"""What stands behind the record that the head names: nothing, or what a killed writer left."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from assistant.audit.chain import Chain, Gap
from assistant.audit.folder import file_name
from assistant.audit.head import NOTHING, Head
from assistant.audit.record import MAX_LINE_BYTES

# A record, and the torn line before it; each killed writer adds a little to that.
_MAX_BYTES = 8 * MAX_LINE_BYTES


@dataclass(frozen=True, slots=True)
class Leftover:
    """`head` names the last whole record, also one that the head in the folder does not name yet.

    `gap` is what stands behind that and is no record. All of it may lack its last line break.
    """

    head: Head
    gap: Gap | None = None
    lacks_break: bool = False


def find_leftover(folder: Path, head: Head) -> Leftover | str:
    """What a killed writer left behind `head`; what is wrong, when no writer can have left this.

    Raises OSError.
    """
    number, start = _end(folder, head)
    path = folder / file_name(number)
    if not path.exists():
        return Leftover(head) if head == NOTHING else f"{path.name} is gone"
    if (size_bytes := path.stat().st_size) < start:
        return f"{path.name} is shorter than it was"
    if size_bytes - start > _MAX_BYTES:
        return f"{path.name} goes on behind its last record"
    with path.open("rb") as file:
        file.seek(start)
        return _judged(head, number, start, file.read(_MAX_BYTES))


def _end(folder: Path, head: Head) -> tuple[int, int]:
    """The file and the byte where the record after that of `head` begins, if there is one.

    A new file appears under its name with its first record in it.
    """
    following = head.file_number + 1
    has_begun = (folder / file_name(following)).exists()
    return (following, 0) if has_begun or head == NOTHING else (head.file_number, head.size_bytes)


def _judged(head: Head, number: int, start: int, behind: bytes) -> Leftover | str:
    lacks_break = bool(behind) and not behind.endswith(b"\n")
    chain = Chain(head.seq, head.hash)
    last = head
    for line in io.BytesIO(behind + b"\n" if lacks_break else behind):
        step = chain.take(line)
        start += len(line)
        if step == "break" or last != head:
            return f"{file_name(number)} goes on behind its last record"
        if step == "record" and chain.record:
            last = Head.at(chain.record, number, start)
    if chain.gap and number != head.file_number:
        return f"{file_name(number)} does not begin with a record"
    return Leftover(last, chain.gap, lacks_break)
