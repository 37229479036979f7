"""What a format is: how its lines begin, what they look like, and how a record is made of one.

A record is always made from the whole line, with the place where the format begins: so the places
in it are right however often a line is wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple, Protocol

from tools.logs.levels import Level

Span = tuple[int, int]
DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"


class Record(NamedTuple):
    """One record. `time` is UTC, and None where the line has none that can be trusted.

    A tuple, because there is one for every line of a log. `message` is what the program said,
    without the header that its logging puts before it. `stamp` is where the text of the time
    stamp stands in the line, its zone included: None without a time, and where the text is written
    with escapes. `coded` is where the digits stand that say the level or the HTTP status. Both are
    (start, end) in the line as it was given to `parse`.
    """

    time: datetime | None
    level: Level | None
    message: str
    service: str = ""
    fields: Mapping[str, object] = {}
    stamp: Span | None = None
    coded: Span | None = None


# What the constructor of a named tuple does, without its names and defaults, in half the time.
make: Callable[[type[Record], tuple[object, ...]], Record] = tuple.__new__


class Reader(Protocol):
    """What a format may ask of the parser that it works for."""

    zone: tzinfo

    def date(self, month: str, day: str) -> str:
        """`YYYY-MM-DD` for a date without a year: a month of two digits, a day of one or two."""
        ...

    def nested(self, text: str, start: int) -> Record | None:
        """The record that begins at `start`, in a format that says so; None for plain text."""
        ...

    def json(self, text: str, start: int) -> Record | None:
        """The record of the JSON object that is the rest of the line; None where it is none."""
        ...

    def decoded(self, text: str) -> Record:
        """The record of a line that stands, encoded, in another one."""
        ...


class Form(NamedTuple):
    """A format: `build` makes a record of a match, or None where the match was deceptive."""

    initials: str
    pattern: re.Pattern[str]
    build: Callable[[Reader, re.Match[str]], Record | None]


def form(
    initials: str, pattern: str, build: Callable[[Reader, re.Match[str]], Record | None]
) -> Form:
    """A format whose lines begin with one of the characters `initials` (any, where empty)."""
    return Form(initials, re.compile(pattern, re.DOTALL | re.ASCII), build)


def first_seen(time: datetime | None, stamp: Span) -> Span | None:
    """The place of a stamp, if a time came of it."""
    return stamp if time is not None else None
