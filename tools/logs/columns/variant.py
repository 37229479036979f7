"""What one line tells of all lines of its variant: what it is, and where its numbers matter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from tools.logs.columns.clocks import stamp_pattern
from tools.logs.columns.places import end_of, place_of
from tools.logs.groups import STATUS_IN_TEXT, Kind, Kinds
from tools.logs.moments import to_micros
from tools.logs.multiline import State, settled
from tools.logs.numbers import numeric_fields
from tools.logs.records import Level, Record
from tools.logs.table import NO_TIME

LIKE_STAMP = (
    r"[0-9]:[0-9]{2}|\b[1-3][0-9]{9}|(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]|\b(?:19|20)[0-9]{6}"
)
"""What might be read as a time stamp."""

PRIORITY = "<"
"""What stands before the number of a syslog line, whose every value may be another level."""

_STAMP_LIKE = re.compile(LIKE_STAMP)
_DIGIT = re.compile(r"[0-9]")
_STATUS_CLASS = re.compile(r"\b[1-5]xx\b")
_MAX_CODES = 4


class StampPlace(NamedTuple):
    """Where a time stamp stands: `pattern` finds it.

    Where it begins at the same place in all lines of the shape, `start` is the place, and `stamp`
    how it is written, each digit as 0.
    """

    pattern: str
    start: int | None
    stamp: str


@dataclass(slots=True)
class Variant:
    """Lines that say the same but for numbers and times; `row` is one of them.

    `settled` is the state of continuations after one of the lines, where it depends on no other.
    `stamp` is the place of their time stamp, None where there is none or where it must be read line
    by line. `may_be_timed`: it has none, but other lines with other numbers might have one;
    `seems_timed`: it has something like one. `codes` are the places of digits that say a level or
    a status. `kind` is None until one of the lines is known to be a record.
    """

    row: int
    is_blank: bool
    is_timed: bool
    settled: State | None
    level: Level | None
    time: int
    stamp: StampPlace | None
    may_be_timed: bool
    seems_timed: bool
    codes: tuple[str, ...]
    number_fields: tuple[str, ...]
    kind: Kind | None

    @classmethod
    def of(cls, row: int, text: str, record: Record, kinds: Kinds) -> Variant:
        """The variant of the line `row`, which says `text`."""
        state = settled(record)
        is_timed = record.time is not None
        return cls(
            row,
            not text or text.isspace(),
            is_timed,
            state,
            record.level,
            to_micros(record.time) if record.time is not None else NO_TIME,
            _stamp(text, record),
            not is_timed and _DIGIT.search(text) is not None,
            not is_timed and _STAMP_LIKE.search(text) is not None,
            _codes(text, record),
            numeric_fields(record.fields),
            kinds.of(record, row) if state is not None else None,
        )


def _stamp(text: str, record: Record) -> StampPlace | None:
    """Where the time stamp stands in lines like `text`."""
    if record.stamp is None:
        return None
    start, end = record.stamp
    stamp = text[start:end]
    if not stamp.isascii():
        return None
    pattern = f"{place_of(text, start)}({stamp_pattern(stamp)}){end_of(text, end)}"
    if _DIGIT.search(text, 0, start):
        return StampPlace(pattern, None, "")
    return StampPlace(pattern, start, _DIGIT.sub("0", stamp))


def _codes(text: str, record: Record) -> tuple[str, ...]:
    """The places of the digits in `text` that say a level or a status."""
    starts = {record.coded[0]} if record.coded is not None else set()
    if "tatus" in text or "HTTP/" in text:
        starts.update(match.start(match.lastindex or 0) for match in STATUS_IN_TEXT.finditer(text))
    if "xx" in text:
        starts.update(match.start() for match in _STATUS_CLASS.finditer(text))
    return tuple(_code_place(text, start) for start in sorted(starts)[:_MAX_CODES])


def _code_place(text: str, start: int) -> str:
    is_priority = text.startswith(PRIORITY, start - 1)
    return place_of(text, start - 1) + PRIORITY if is_priority else place_of(text, start)
