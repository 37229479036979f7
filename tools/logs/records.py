"""Records: what one log line says, in the formats that logs come in.

A line becomes a `Record`: time, level, message, service and fields, and where in the line they
stand. A time that cannot be read with certainty is None, never guessed, except for the year where a
format has none: it is taken from a reference time. The formats are in `tools.logs.formats`. Reading
files is left to `tools.logs.reader`, grouping to `tools.logs.templates`, judging to
`tools.logs.severity`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from tools.logs.formats import BY_INITIAL
from tools.logs.formats.bodies import plain
from tools.logs.formats.form import Record, Span
from tools.logs.formats.jsonlines import read_json
from tools.logs.levels import Level, http_level, level_of
from tools.logs.stamps import parse_time

__all__ = ["Level", "Record", "RecordParser", "Span", "http_level", "level_of", "parse_time"]

_MAX_WRAPPINGS = 4
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])?")


class RecordParser:
    """Parses the lines of one source, each by itself: the order of the lines changes nothing.

    `reference` gives the year to formats that have none; `zone` is the zone of stamps that name
    none. The text is also a `Reader` for the formats.
    """

    def __init__(self, reference: datetime, zone: tzinfo = UTC) -> None:
        self.zone = zone
        latest = (reference + timedelta(days=1)).astimezone(zone)
        self._year, self._latest = latest.year, f"{latest:%m-%d}"
        self._depth = 0

    def parse(self, text: str) -> Record:
        """The record that one line holds by itself."""
        if "\x1b" in text:
            return self._parse_coloured(text)
        return self._read(text, 0) or plain(text, 0)

    def date(self, month: str, day: str) -> str:
        """`YYYY-MM-DD`, in the year that puts it at or before the reference time (a day's slack).

        `month` has two digits, `day` one or two.
        """
        date = f"{month}-{day:0>2}"
        return f"{self._year if date <= self._latest else self._year - 1}-{date}"

    def nested(self, text: str, start: int) -> Record | None:
        """The record that begins at `start`, in a format that says so; None for plain text."""
        if self._depth == _MAX_WRAPPINGS:
            return None
        self._depth += 1
        try:
            return self._read(text, start)
        finally:
            self._depth -= 1

    def json(self, text: str, start: int) -> Record | None:
        """The record of the JSON object that is the rest of the line; None where it is none."""
        return self.nested(text, start) if text.startswith("{", start) else None

    def decoded(self, text: str) -> Record:
        """The record of a line that stands, encoded, in another one."""
        if self._depth == _MAX_WRAPPINGS:
            return plain(text, 0)
        self._depth += 1
        try:
            return self.parse(text)
        finally:
            self._depth -= 1

    def _read(self, text: str, start: int) -> Record | None:
        initial = text[start : start + 1]
        if initial == "{":
            return read_json(self, text, start)
        for _, pattern, build in BY_INITIAL.get(initial, ()):
            match = pattern.match(text, start)
            if match is not None:
                record = build(self, match)
                if record is not None:
                    return record
        return None

    def _parse_coloured(self, text: str) -> Record:
        """Terminal colours are no part of what a line says, only of where it says it."""
        bare = _ESCAPE.sub("", text)
        record = self.parse(bare)
        return record._replace(
            stamp=_recoloured(text, bare, record.stamp), coded=_recoloured(text, bare, record.coded)
        )


def _recoloured(text: str, bare: str, span: Span | None) -> Span | None:
    """Where a part of the bare text stands in the coloured one; None where colours split it."""
    if span is None:
        return None
    begin, end = _coloured_place(text, span[0]), _coloured_place(text, span[1] - 1) + 1
    return (begin, end) if text[begin:end] == bare[span[0] : span[1]] else None


def _coloured_place(text: str, place: int) -> int:
    for escape in _ESCAPE.finditer(text):
        if escape.start() > place:
            break
        place += escape.end() - escape.start()
    return place
