"""Variables: the places of templates where many values occur while all the rest stays the same.

A word with a few values is structure: two errors that differ in one word are two errors. Only with
many values it is a variable, and how many are needed depends on what they look like. A word that
tells a cause is never a value.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import ceil

from tools.logs.templates.words import ANY, Kind, is_named, is_verdict, role_of

# How many values make a variable: of words in general; where each has a number in it, or the words
# before say that a name follows; where one of them is nothing but a mark; beside just one word that
# stays; and of words in capitals, most of which are states or constants.
_MIN_VALUES = 4
_MIN_NAMED = 3
_MIN_BESIDE_MARK = 2
_MIN_BESIDE_ONE = 8
_MIN_CODES = 20

# The share of the words that must stay where several values vary together. Each of such values is
# seen this many times less often than they are.
_MIN_STAYING = 0.6
_RARER = 8

# Places behind these are compared but not searched.
_MAX_PLACES = 40

# The canonical words of a template.
Row = tuple[str, ...]
# By row and place: what is left there of a word that is a value.
Changes = Mapping[Row, Mapping[int, str]]


class _Found:
    """The changes found so far."""

    def __init__(self) -> None:
        self.changes: defaultdict[Row, dict[int, str]] = defaultdict(dict)

    def drop(self, values: Collection[str], place: int, rows: Iterable[Row]) -> None:
        """At `place` of `rows`, each of `values` is a value; a key that all have is kept."""
        keys = {role_of(value).key for value in values}
        kept = (keys.pop() if len(keys) == 1 else "") + ANY
        for row in rows:
            if row[place] in values and row[place] != kept:
                self.changes[row][place] = kept


def varying_names(rows: Iterable[Row]) -> Changes:
    """Names, in any number of places, where the plain words of templates are the same."""
    alike: defaultdict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        alike[tuple(map(_without_name, row))].append(row)
    found = _Found()
    for frame, members in alike.items():
        if len(members) > 1 and any(word != ANY for word in frame):
            for place in range(len(frame)):
                values = {member[place] for member in members}
                if len(values) >= _num_names(values):
                    found.drop(values, place, members)
    return found.changes


def _without_name(word: str) -> str:
    role = role_of(word)
    return role.key + ANY if role.kind in (Kind.MARK, Kind.NAME) else word


def _num_names(values: Iterable[str]) -> int:
    """How many names make a variable: where a mark stands, there surely is one."""
    if not all(ANY in value for value in values):
        return _MIN_VALUES
    return _MIN_BESIDE_MARK if any(map(_is_mark, values)) else _MIN_NAMED


def varying_words(rows: Iterable[Row]) -> Changes:
    """Words of any kind, in a single place where templates differ."""
    found = _Found()
    for place, members in _alike_but_for_one(rows):
        values = _values({member[place] for member in members}, members[0], place)
        found.drop(values, place, members)
    return found.changes


def _alike_but_for_one(rows: Iterable[Row]) -> Iterable[tuple[int, list[Row]]]:
    """(place, rows that differ there and nowhere else), leaving out words that tell a cause.

    Values of different keys are no values of one variable. Of what rows have beside the place, the
    hash is compared: comparing rows with one another would take quadratic time, and keeping what
    they have would take as much memory as there are words, squared.
    """
    first: dict[int, Row] = {}
    alike: dict[int, tuple[int, list[Row]]] = {}
    for row in rows:
        for place, word in enumerate(row[:_MAX_PLACES]):
            role = role_of(word)
            if role.kind is not Kind.CAUSE:
                rest = hash((place, role.key, row[:place], row[place + 1 :]))
                other = first.setdefault(rest, row)
                if other is not row:
                    alike.setdefault(rest, (place, [other]))[1].append(row)
    return alike.values()


def _values(words: Collection[str], row: Row, place: int) -> Collection[str]:
    """Those of `words`, which were seen at `place` of rows like `row`, that are values."""
    if is_verdict(row, place):
        return words if len(words) >= _MIN_CODES else ()
    if is_named(row, place):
        return words if len(words) >= _MIN_NAMED else ()
    codes = {word for word in words if role_of(word).kind is Kind.CODE}
    values = words if len(codes) >= _MIN_CODES else set(words) - codes
    return values if len(values) >= _num_values(values, row, place) else ()


def _num_values(values: Iterable[str], row: Row, place: int) -> float:
    """How many values make a variable at `place` of rows like `row`."""
    staying = [word for other, word in enumerate(row) if other != place and not _is_mark(word)]
    if not staying:
        return float("inf")
    if any(role_of(value).kind in (Kind.WORD, Kind.CODE) for value in values):
        return _MIN_VALUES if len(staying) > 1 else _MIN_BESIDE_ONE
    return _num_names(values)


def _is_mark(word: str) -> bool:
    return role_of(word).kind is Kind.MARK


def rare_words(rows: Collection[Row]) -> Changes:
    """Words that vary together with others: `user ann at home`, `user bo away`.

    They are far rarer, each in its place, than the words that stay.
    """
    counts = Counter(place for row in rows for place in enumerate(row))
    alike: defaultdict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        frame = _without_rare(row, [counts[place] for place in enumerate(row)])
        if frame is not None:
            alike[frame].append(row)
    found = _Found()
    for frame, members in alike.items():
        varying = _varying(frame, members)
        if all(len(values) >= _RARER for values in varying.values()):
            for place, values in varying.items():
                found.drop(values, place, members)
    return found.changes


def _without_rare(row: Row, counts: Sequence[int]) -> Row | None:
    """`row` with `<*>` for its rare words; None when it has none."""
    num_staying = ceil(_MIN_STAYING * len(row))
    most = sorted(counts, reverse=True)[num_staying - 1] / _RARER
    is_rare = [count <= most and _may_vary(row, place) for place, count in enumerate(counts)]
    if not any(is_rare):
        return None
    return tuple([ANY if rare else word for word, rare in zip(row, is_rare, strict=True)])


def _may_vary(row: Row, place: int) -> bool:
    return role_of(row[place]).kind in (Kind.WORD, Kind.NAME) and not is_verdict(row, place)


def _varying(frame: Row, members: Collection[Row]) -> dict[int, set[str]]:
    """By place, the values that `members` have where `frame` has none."""
    places = [place for place, word in enumerate(frame) if word == ANY]
    values = {place: {member[place] for member in members} for place in places}
    return {place: seen for place, seen in values.items() if seen != {ANY}}
