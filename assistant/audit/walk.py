"""A walk over all files of the audit log, from the first record to the head, up to the first fault.

It follows the chain; what a break in it means is explained in `assistant.audit.faults`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from assistant.audit.chain import Chain, Gap
from assistant.audit.faults import Break, Fault, Found, Place, explained, look_on, numbers
from assistant.audit.folder import AuditFile, FileDamaged, file_name
from assistant.audit.head import HEAD_NAME, NOTHING, Head
from assistant.audit.record import MENDED, OPENED, AuditRecord, parse_record


@dataclass(frozen=True, slots=True)
class Missing:
    """Files that were taken away, and the numbers of the records in them."""

    first_file: str
    last_file: str
    first_seq: int
    last_seq: int


class Walk:
    """What was seen so far; `head` is None when it is damaged, `expect` a hash to look out for."""

    def __init__(self, head: Head | None, expect: str) -> None:
        self.num_records = 0
        self.num_files = 0
        self.num_mended = 0
        self.missing: list[Missing] = []
        self.last: Found | None = None
        self._head = head
        self._expect = expect
        self._is_expected_found = False
        self._named: Head | None = None
        self._behind_head: Place | None = None
        self._chain = Chain()
        self._gap: Place | None = None
        self._file = ""
        self._ahead: deque[_Lines] = deque()

    @property
    def torn_bytes(self) -> int:
        """The size of what stands at the end and is no record, after a walk without a fault."""
        return self._chain.gap.size_bytes if self._chain.gap else 0

    @property
    def num_unnamed(self) -> int:
        """How many records the head does not name yet; after a walk without a fault at most one."""
        return max(0, self._chain.seq - self._head.seq) if self._head else 0

    def over(self, files: Sequence[tuple[AuditFile, int | None]]) -> Fault | None:
        """Walk over the files, each up to that size; what is wrong first."""
        self._ahead = deque(_Lines(file, size_bytes) for file, size_bytes in files)
        number_before = 0
        while self._ahead:
            lines = self._ahead.popleft()
            self._file = lines.file.name
            fault = self._through(lines, number_before)
            if fault:
                return fault
            self.num_files += 1
            number_before = lines.file.number
        return self._end()

    def _through(self, lines: _Lines, number_before: int) -> Fault | None:
        self._chain.begin_file()
        try:
            return self._follow(lines, number_before)
        except FileDamaged as error:
            return Fault.of("changed", lines.place, self._chain.seq + 1, f"{error}")

    def _follow(self, lines: _Lines, number_before: int) -> Fault | None:
        is_resuming = lines.file.number != number_before + 1
        for line in lines:
            if is_resuming and (fault := self._resume(lines, line, number_before)):
                return fault
            is_resuming = False
            match self._chain.take(line):
                case "gap":
                    self._gap = self._gap or lines.place
                case "record":
                    self._accept(lines)
                case "break":
                    return self._broken(lines)
        return None

    def _resume(self, lines: _Lines, line: bytes, number_before: int) -> Fault | None:
        """Go on after files that are not there, from the record that begins this one."""
        if self._chain.gap:
            return self._unclosed(self._chain.gap)
        first, before = parse_record(line), file_name(lines.file.number - 1)
        if not first or first.kind != OPENED or first.data.get("file_before") != before:
            detail = f"it does not begin with the record that goes on from {before}"
            return Fault("removed", lines.file.name, 1, None, detail)
        left_out = Missing(file_name(number_before + 1), before, self._chain.seq + 1, first.seq - 1)
        self.missing.append(left_out)
        self._chain = Chain(first.seq - 1, first.prev)
        if self._head and (self._head.seq, self._head.hash) == (first.seq - 1, first.prev):
            self._named = self._head
        self._is_expected_found |= first.prev == self._expect
        return None

    def _accept(self, lines: _Lines) -> None:
        record = self._chain.record
        assert record is not None
        self.num_records += 1
        self.num_mended += record.kind == MENDED
        self.last = Found(record, lines.place)
        self._gap = None
        self._is_expected_found |= record.hash == self._expect
        if self._head and record.seq == self._head.seq:
            self._named = Head.at(record, lines.file.number, lines.end_bytes)
        if self._head and record.seq == self._head.seq + 2:
            self._behind_head = lines.place

    def _broken(self, lines: _Lines) -> Fault:
        assert self._chain.record is not None
        here = Found(self._chain.record, lines.place)
        found = Break(self._chain.seq, self._chain.hash, self.last, self._gap, here)
        gap = self._chain.gap
        if gap and not found.is_followed_by(here.record):
            return self._unclosed(gap)
        head_hash = self._head.hash if self._head else ""
        return explained(found, look_on(found, self._rest(lines), head_hash))

    def _rest(self, lines: _Lines) -> Iterator[AuditRecord]:
        """The records from here to the end of all files, as far as they can be read."""
        for source in (lines, *self._ahead):
            with suppress(FileDamaged):
                yield from filter(None, map(parse_record, source))

    def _unclosed(self, gap: Gap) -> Fault:
        """The fault of bytes where a record was. They lack a line break only at a file's end."""
        assert self._gap is not None
        seq = self._chain.seq + 1
        if gap.ends_line:
            return Fault.of("changed", self._gap, seq, "it is not spelt as it was written")
        return Fault.of("cut off", self._gap, seq, "the end of the line is missing")

    def _end(self) -> Fault | None:
        return self._end_fault() or self._expectation()

    def _end_fault(self) -> Fault | None:
        """What the head says against the end of the log."""
        head, seq = self._head, self._chain.seq
        if head is None:
            return Fault("changed", HEAD_NAME, None, None, "it is not spelt as it was written")
        if head == NOTHING:
            detail = "it is gone, and with it the proof that the log ends where it should"
            return Fault("removed", HEAD_NAME, None, None, detail) if seq > 1 else None
        if head.seq > seq:
            return self._cut_off(head)
        return self._against_head(head)

    def _cut_off(self, head: Head) -> Fault:
        if self._chain.gap:
            return self._unclosed(self._chain.gap)
        detail = f"{numbers(self._chain.seq + 1, head.seq)} missing"
        end = Place(self._file or head.file_name, 1)
        if self.last and self.last.place.file == self._file:
            end = Place(self._file, self.last.place.line + 1)
        return Fault.of("cut off", end, self._chain.seq + 1, detail)

    def _against_head(self, head: Head) -> Fault | None:
        """Whether the record that the head names is there, and is the last one or that before."""
        if self._named is None or (self._named != head and head.seq < self._chain.seq):
            return Fault("changed", HEAD_NAME, None, None, f"it does not name record {head.seq}")
        if self._named.hash != head.hash and self.last:
            detail = "its hash is not the one that the head names"
            return Fault.of("changed", self.last.place, head.seq, detail)
        if self._named != head:
            return Fault("changed", HEAD_NAME, None, None, "it does not say where the log ends")
        if self._behind_head:
            detail = f"{numbers(head.seq + 2, self._chain.seq)} behind the end that the head names"
            return Fault.of("inserted", self._behind_head, head.seq + 2, detail)
        return None

    def _expectation(self) -> Fault | None:
        if not self._expect or self._is_expected_found:
            return None
        detail = "no record has the expected hash: the log was written anew"
        if self.missing:
            detail += ", or the record is in a file that is missing"
        return Fault("not found", "", None, None, detail)


class _Lines:
    """A file's lines, with the place of the current one and the byte that it ends at."""

    def __init__(self, file: AuditFile, size_bytes: int | None) -> None:
        self.file = file
        self.end_bytes = 0
        self._num_ended = 0
        self._lines = file.lines(size_bytes=size_bytes)

    @property
    def place(self) -> Place:
        """Where the current line stands."""
        return Place(self.file.name, self._num_ended + 1)

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.end_bytes += len(line)
            yield line
            self._num_ended += line.endswith(b"\n")
