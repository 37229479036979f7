"""`LogQuery` and its answer: a question about a log in a form that code can answer exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tools.logs.reader import LogLine
from tools.logs.records import Level

Operation = Literal[
    "count", "exists", "distinct", "top", "values", "max", "min", "first", "last", "kinds"
]
"""`distinct`: how many values a field has. `values`: which. `top`: the most frequent of them.
`max`, `min`: of a number. `kinds`: which messages there are. `exists`: whether there is any."""

Tier = Literal["exact", "stem", "inside", "alike"]
"""How a word has to stand in a line: as it is, in another form, within a word, or as a synonym."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are meant, and what about them is asked.

    A line is meant when all `words` and all `literals` stand in it (letter case does not matter)
    and it has the `level` (with `or_worse`, at least that) and the HTTP `status` that are given.
    `optional` words count only when some line has them. `field` names what is counted or compared
    (`source address`, `hour`, `time`); empty for the lines themselves. `limit`: how many values to
    tell.
    """

    operation: Operation
    words: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    level: Level | None = None
    or_worse: bool = False
    status: int | None = None
    field: str = ""
    limit: int = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """A value, in how many lines it stands, and one of them with the name of its log."""

    value: str
    count: int
    line: LogLine
    source: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A line and its time (UTC)."""

    time: datetime
    line: LogLine
    source: str


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """The exact answer of one query over one or more logs.

    `total` lines are meant, of `searched`. `values` are those of the field, most frequent first
    (for `max` and `min` the one extreme); `num_values` counts all of them. `kinds` are the first
    templates of the lines meant, of `num_kinds`. `matched_words` are the words that were required
    in the end, `tier` how they had to stand, `missing` those that stand in no line. `field` is the
    name under which the field was found in the lines; empty where it was asked for and not found.
    """

    query: LogQuery
    sources: tuple[str, ...]
    total: int
    searched: int
    matched_words: tuple[str, ...]
    missing: tuple[str, ...]
    tier: Tier = "exact"
    kinds: tuple[Counted, ...] = ()
    num_kinds: int = 0
    values: tuple[Counted, ...] = ()
    num_values: int = 0
    field: str = ""
    first: Moment | None = None
    last: Moment | None = None
    notes: tuple[str, ...] = ()
