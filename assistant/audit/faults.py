"""What is wrong with a log whose records do not follow each other any more, and where first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from assistant.audit.record import MENDED, OPENED, AuditRecord

What = Literal["changed", "removed", "inserted", "reordered", "cut off", "not found"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line (from 1) of a file, by the name that it was written under."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong. `seq` is the number of the record that it happened to."""

    what: What
    file: str
    line: int | None
    seq: int | None
    detail: str

    @classmethod
    def of(cls, what: What, place: Place, seq: int, detail: str) -> Fault:
        """The fault at `place`."""
        return cls(what, place.file, place.line, seq, detail)


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and where it stands."""

    record: AuditRecord
    place: Place


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain breaks: `here` does not follow the record with that number and hash.

    That record is `last`, None where there is none. `gap` is where bytes begin that are no record
    and stand between the two.
    """

    after_seq: int
    after_hash: str
    last: Found | None
    gap: Place | None
    here: Found

    @property
    def seq(self) -> int:
        """The number that should come next."""
        return self.after_seq + 1

    def is_followed_by(self, record: AuditRecord) -> bool:
        """Whether `record` follows the last one that stood where it belongs."""
        return record.follows(self.after_seq, self.after_hash)


@dataclass(slots=True)
class Later:
    """What the rest of the log says of the record at which the chain breaks.

    `continues`: the record that belongs in its place is there. `repeats`: its number is there once
    more. `leads_here`: the one that it was written after is there. `next_names`: the very next
    record goes on from it, or the head names it and there is no next one.
    """

    continues: bool = False
    repeats: bool = False
    leads_here: bool = False
    next_names: bool = False


def look_on(found: Break, rest: Iterable[AuditRecord], head_hash: str) -> Later:
    """Read the `rest` of the log; `head_hash` is what the head says of the last record of all."""
    record = found.here.record
    later = Later(next_names=head_hash == record.hash)
    for number, other in enumerate(rest):
        if number == 0:
            later.next_names = other.prev == record.hash
        later.continues |= found.is_followed_by(other)
        later.repeats |= other.seq == record.seq
        later.leads_here |= other.hash == record.prev
    return later


def explained(found: Break, later: Later) -> Fault:
    """The fault behind a break; bytes that took a record's place are not for here to explain."""
    if found.gap:
        return _around_gap(found, found.gap)
    record, place = found.here.record, found.here.place
    if found.is_followed_by(record):
        # The chain takes a record that follows, but for one that closes off a torn line.
        detail = "the torn line that it closes off is not there"
        return Fault.of("removed", place, record.seq, detail)
    if record.seq == found.seq:
        return _wrong_link(found)
    if record.seq < found.seq:
        return _twice(found, later)
    return _too_far(found, later)


def _around_gap(found: Break, gap: Place) -> Fault:
    """`here` follows, and so there was no record in between."""
    record = found.here.record
    if record.kind == MENDED:
        detail = f"record {record.seq} closes off a torn line, which is not as it was"
        return Fault.of("changed", gap, found.seq, detail)
    return Fault.of("inserted", gap, found.seq, "it is no record, and the records go on behind it")


def _wrong_link(found: Break) -> Fault:
    record, place = found.here.record, found.here.place
    if found.last is None:
        detail = "it is not the beginning of a log"
        return Fault.of("changed", place, record.seq, detail)
    detail = f"its hash is not the one that record {record.seq} was written after"
    return Fault.of("changed", found.last.place, found.last.record.seq, detail)


def _twice(found: Break, later: Later) -> Fault:
    """Two records have one number; the one that the next record names was there first."""
    record, last = found.here.record, found.last
    is_other = last is not None and last.record.hash != record.hash
    if last and is_other and last.record.seq == record.seq and later.next_names:
        detail = f"another record {record.seq} is the one that the log goes on from"
        return Fault.of("inserted", last.place, record.seq, detail)
    detail = f"there is a record {record.seq} before it already"
    return Fault.of("inserted", found.here.place, record.seq, detail)


def _too_far(found: Break, later: Later) -> Fault:
    record, place = found.here.record, found.here.place
    if not later.continues:
        return _missing(found)
    if later.leads_here and not later.repeats:
        return Fault.of("reordered", place, record.seq, f"record {found.seq} stands behind it")
    return Fault.of("inserted", place, record.seq, f"record {found.seq} belongs here")


def _missing(found: Break) -> Fault:
    last, record = found.last, found.here.record
    detail = f"{numbers(found.seq, record.seq - 1)} missing"
    if record.kind != OPENED:
        return Fault.of("removed", found.here.place, found.seq, detail)
    # The end of the file before, of which nothing need be left.
    file = str(record.data.get("file_before"))
    line = last.place.line + 1 if last and last.place.file == file else 1
    return Fault.of("cut off", Place(file, line), found.seq, detail)


def numbers(first: int, last: int) -> str:
    """`record 7 is` or `records 7 to 9 are`."""
    return f"record {first} is" if first == last else f"records {first} to {last} are"
