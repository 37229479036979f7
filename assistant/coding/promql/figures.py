"""The figures of a question: its thresholds, and the ranges of time that it looks back.

"over the last 5 minutes" is a range and "over 5 hours ago" a threshold; a small model mixes them
up, and both are grammatical. The words around a figure tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Sign = Literal[">", "<", ">=", "<="]
Unit = Literal["number", "percent", "seconds"]

_WORDS: dict[str, float] = {
    **{"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7},
    **{"eight": 8, "nine": 9, "ten": 10, "once": 1, "twice": 2, "a": 1, "an": 1},
}
_SHARES: dict[str, float] = {"half": 50, "a third": 100 / 3, "a quarter": 25, "a tenth": 10}
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"k": 1e3, "ki": 2.0**10, "m": 1e6, "mi": 2.0**20, "g": 1e9, "gi": 2.0**30, "t": 1e12}
_FIGURE = re.compile(
    rf"""(?<![\w.{{"'-]) (?: (?P<share> half | a\ (?:third|quarter|tenth) )
      | (?P<count> \d[\d,]*(?:\.\d+)? | (?:{"|".join(_WORDS)})\b ) (?:
            \s*(?P<percent> % | per\s?cent(?:age)?\b )
          | [ -]?(?P<time> (?:ms|millisecond|s|sec|second|m|min|minute|h|hr|hour|d|day|w|week)s? )\b
          | \s?(?P<bytes> [kmgt]i? )(?:b|bytes?)\b
          | (?P<thousands> k )\b
        )? ) (?!\w)""",
    re.VERBOSE,
)
_PERIOD = re.compile(r"\b(?:last|past|previous|each|every)\s+(?P<time>minute|hour|day|week)\b")
_SIGNS: tuple[tuple[re.Pattern[str], Sign], ...] = (
    (re.compile(r"\b(?:at least|no (?:less|fewer) than|a minimum of)\s+$|>=\s*$"), ">="),
    (re.compile(r"\b(?:at most|no more than|up to|a maximum of)\s+$|<=\s*$"), "<="),
    (
        re.compile(
            r"\b(?:(?:more|greater|higher|larger|bigger|longer|older|further) than|above|over"
            r"|exceed(?:s|ed|ing)?|beyond)\s+$|>\s*$"
        ),
        ">",
    ),
    (
        re.compile(
            r"\b(?:(?:less|fewer|lower|smaller|shorter|younger|sooner) than|below|under"
            r"|(?:with)?in the next|expir\w+ (?:with)?in)\s+$|<\s*$"
        ),
        "<",
    ),
)
_IN_THE_COURSE = re.compile(r"\b(?:averaged?|avg|mean|rate|summed|measured)\s+over\s+$")
_OVER = re.compile(r"\bover\s+$")
_FROM_NOW = re.compile(r"\s*(?:ago|old|behind|late|from now)\b")
_LOOKS_BACK = re.compile(
    r"\b(?:over|last|past|previous|during|every|each|per|in|within|for|across)\s+$"
)
_IS_LOOKED_BACK = re.compile(r"\s*(?:rate|window|average|avg|range|interval|period|mean)\b")


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a value is compared with. `is_of`: the words go on with "of", a share of another."""

    sign: Sign
    value: float
    unit: Unit = "number"
    is_of: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What a question says in numbers; `ranges` are durations of PromQL (`5m`)."""

    thresholds: tuple[Threshold, ...] = ()
    ranges: tuple[str, ...] = ()

    def without_times(self) -> Figures:
        """The same where no value is a time: what looks like a threshold in seconds is a range."""
        kept = tuple(one for one in self.thresholds if one.unit != "seconds")
        times = [_shortest(one.value) for one in self.thresholds if one.unit == "seconds"]
        return Figures(kept, tuple(dict.fromkeys([*self.ranges, *times])))


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure and the words around it; `time` is its unit of time (`m`), or empty."""

    value: float
    unit: Unit
    time: str
    before: str
    after: str

    @property
    def sign(self) -> Sign | None:
        if self.time and _IN_THE_COURSE.search(self.before):
            return None
        return next((sign for pattern, sign in _SIGNS if pattern.search(self.before)), None)

    @property
    def may_be_range(self) -> bool:
        """Whether `over` before it may mean "in the course of"."""
        is_over = bool(_OVER.search(self.before)) and not _FROM_NOW.match(self.after)
        return bool(self.time) and (is_over or bool(_IS_LOOKED_BACK.match(self.after)))

    @property
    def looks_back(self) -> bool:
        is_before = bool(_LOOKS_BACK.search(self.before))
        return bool(self.time) and (is_before or bool(_IS_LOOKED_BACK.match(self.after)))

    @property
    def duration(self) -> str:
        return f"{self.value:g}{self.time}"

    @property
    def threshold(self) -> Threshold:
        assert self.sign is not None
        return Threshold(
            self.sign, self.value * _SECONDS.get(self.time, 1), self.unit, self.after[:4] == " of "
        )


def figures_in(question: str) -> Figures:
    """The thresholds and ranges that the words of `question` state."""
    text = question.lower()
    found = list(_figures(text))
    compared = [one for one in found if one.sign is not None]
    certain = [one for one in compared if not one.may_be_range]
    thresholds = certain or compared
    ranges = [one.duration for one in found if one not in thresholds and _is_range(one)]
    ranges += [f"1{match['time'][0]}" for match in _PERIOD.finditer(text)]
    return Figures(tuple(one.threshold for one in thresholds), tuple(dict.fromkeys(ranges)))


def _shortest(seconds: float) -> str:
    """Seconds as a duration of PromQL, in its largest whole unit."""
    units = [unit for unit, size in _SECONDS.items() if size <= seconds and seconds % size == 0]
    return f"{seconds / _SECONDS[units[-1]]:g}{units[-1]}" if units else f"{seconds:g}s"


def _is_range(figure: _Figure) -> bool:
    return figure.looks_back or figure.may_be_range


def _figures(text: str) -> Iterator[_Figure]:
    for match in _FIGURE.finditer(text):
        before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() :]
        # "the 5 minutes", "a full day": the article is no word that tells.
        before = re.sub(r"\b(?:the|full)\s+$", "", before)
        if match["share"]:
            yield _Figure(_SHARES[match["share"]], "percent", "", before, after)
        elif match["time"] or match["count"] not in ("a", "an"):
            yield _figure(match, before, after)


def _figure(match: re.Match[str], before: str, after: str) -> _Figure:
    count = match["count"].replace(",", "")
    value = _WORDS.get(count, 0.0) if count in _WORDS else float(count)
    value *= _BYTES.get(match["bytes"] or "", 1.0) * (1000 if match["thousands"] else 1)
    if match["percent"]:
        return _Figure(value, "percent", "", before, after)
    word = match["time"] or ""
    time = "ms" if word.startswith(("ms", "milli")) else word[:1]
    return _Figure(value, "seconds" if time else "number", time, before, after)
