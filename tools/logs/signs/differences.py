"""Differences: what a program says of itself at a start or a reload that it said otherwise before.

`version=2.9.0 ttl_s=none` after `version=2.8.4 ttl_s=15` tells what a release or a new setting
changed, without anything having failed yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.logs.moments import clock
from tools.logs.reader import LogLine
from tools.logs.signs.changes import change_in
from tools.logs.signs.history import History
from tools.logs.signs.sign import Sign
from tools.logs.signs.startups import Startups

Lines = Callable[[Sequence[int]], Sequence[LogLine]]
"""The lines of the records at some positions."""

# `key=value`, `key="a value"` and `"key": value`; a word before a colon is often no key.
_PAIR = re.compile(
    r"(?<![\w./:-])(?:([A-Za-z_][\w.-]*)=|[\"']([A-Za-z_][\w.-]*)[\"']\s?:\s?)"
    r"(?:\"([^\"]*)\"|'([^']*)'|([^\s\"',;}{)\]]+))"
)
# Four numbers are an address.
_VERSION = re.compile(r"(?<![\w.:/-])v?(\d+\.\d+\.\d+(?:[-+][\w.]+)?)(?![\w:/]|\.\d)")
_VOLATILE = re.compile(
    r"(?:^|[._-])(?:p?pid|tid|time|timestamp|ts|date|id|uuid|seq|offset|duration|elapsed|took|ms|uptime"
    r"|level|lvl|caller|stream|hostname|host_?name|instance|seconds|start\w*|attempt|line|run|nonce|hash)$",
    re.IGNORECASE,
)
_MAX_RECORDS = 60
_MAX_VALUE_CHARS = 40
_MAX_LISTED = 3
_ABOUT_SETTINGS = ("configuration", "reload")
_SUSPICION = 0.25


@dataclass(frozen=True, slots=True)
class _Statement:
    """What one record says of the program: its keys and values, and the versions it names."""

    position: int
    time: int
    values: Mapping[str, str]


def differences(history: History, startups: Startups, lines: Lines) -> list[Sign]:
    """The records that state something else than the one before them of the same kind."""
    chosen = _statements_of_itself(history, startups)
    positions = sorted(
        position for number in chosen for position in history.positions(number).tolist()
    )
    positions = positions[-_MAX_RECORDS:]
    known: dict[frozenset[str], _Statement] = {}
    signs: dict[tuple[int, int], Sign] = {}
    for position, line in zip(positions, lines(positions), strict=True):
        time = history.time_at(position)
        if time is None:
            continue
        statement = _Statement(position, time, stated(line.text))
        before = known.get(frozenset(statement.values))
        known[frozenset(statement.values)] = statement
        if before is not None and before.values != statement.values:
            sign = _sign(history, before, statement)
            signs[sign.group, sign.onset] = sign
    return list(signs.values())


def stated(line: str) -> dict[str, str]:
    """The settings and versions that a line names; what differs in every line is left out."""
    values = {
        key: next(filter(None, match.groups()[2:]), "")[:_MAX_VALUE_CHARS]
        for match in _PAIR.finditer(line)
        if not _VOLATILE.search(key := match[1] or match[2])
    }
    for place, match in enumerate(_VERSION.finditer(line)):
        values.setdefault(f"version {place + 1}" if place else "version", match[1])
    return values


def _statements_of_itself(history: History, startups: Startups) -> list[int]:
    """The groups that announce a start or a configuration, more than once but not all the time."""
    banners = set(startups.banners)
    return [
        number
        for number in history.groups
        if not (group := history.group(number)).is_problem
        and group.count <= _MAX_RECORDS
        and (number in banners or change_in(group.message) in _ABOUT_SETTINGS)
    ]


def _sign(history: History, before: _Statement, after: _Statement) -> Sign:
    changed = [
        f"{key} {before.values[key]} -> {value}"
        for key, value in after.values.items()
        if before.values[key] != value
    ]
    more = f" and {len(changed) - _MAX_LISTED} more" if len(changed) > _MAX_LISTED else ""
    note = (
        f"changed since {clock(before.time, after.time)}: {', '.join(changed[:_MAX_LISTED])}{more}"
    )
    group = int(history.table.group_of[after.position])
    return Sign("difference", group, after.position, after.time, after.time, 1, note, _SUSPICION)
