"""Metric names with labels: `name{a="b"}` read and written in one canonical form.

The form is Prometheus' own exposition text, labels sorted by name, so that the same series reads
the same from an HTTP API, a table and a query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import regex  # type: ignore[import-untyped]

from tools.errors import InvalidQuery

_SELECTOR = re.compile(r"\s*([^{}()\[\]\s,+*/<>=]*)\s*(?:\{(.*)\}\s*)?", re.DOTALL)
_MATCHER = re.compile(r'\s*([^\s=!~,"]+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PATTERN_TIMEOUT_S = 0.2

Operator = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that is missing counts as empty, as in PromQL."""

    label: str
    operator: Operator
    value: str

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` fulfil it. Raises InvalidQuery for a bad regular expression."""
        actual = labels.get(self.label, "")
        matches = self.value == actual if "~" not in self.operator else self._fits(actual)
        return matches != self.operator.startswith("!")

    def _fits(self, actual: str) -> bool:
        try:
            return bool(regex.fullmatch(self.value, actual, timeout=_PATTERN_TIMEOUT_S))
        except (regex.error, TimeoutError) as error:
            raise InvalidQuery(
                f"the pattern {self.value!r} cannot be used: {error}",
                'write a regular expression in quotation marks: name{label=~"a.*"}',
            ) from error


def parse_selector(text: str) -> tuple[str, tuple[Matcher, ...]]:
    """The name (perhaps empty) and matchers of `name{a="b",c!="d"}`. Raises InvalidQuery."""
    match = _SELECTOR.fullmatch(text)
    matchers = _matchers(match[2] or "") if match else None
    if match is None or matchers is None or not (match[1] or matchers):
        raise InvalidQuery(f"{text!r} is not a metric name", 'write a name, or name{label="value"}')
    return match[1], matchers


def parse_series_name(text: str) -> tuple[str, dict[str, str]]:
    """Name and labels of `name{a="b"}`; what is no such name is a name as it stands."""
    try:
        name, matchers = parse_selector(text)
    except InvalidQuery:
        return text.strip(), {}
    if not name or any(matcher.operator != "=" for matcher in matchers):
        return text.strip(), {}
    return name, {matcher.label: matcher.value for matcher in matchers}


def render_series_name(name: str, labels: Mapping[str, str]) -> str:
    """`name{a="b",c="d"}`, labels by name; without labels the name alone."""
    if not labels:
        return name or "{}"
    pairs = ",".join(f'{label}="{_escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{pairs}}}"


def _matchers(text: str) -> tuple[Matcher, ...] | None:
    """The matchers between the braces; None when something else stands there."""
    found: list[Matcher] = []
    place = 0
    while text[place:].strip():
        match = _MATCHER.match(text, place)
        if match is None:
            return None
        found.append(Matcher(match[1], _operator(match[2]), _ESCAPE.sub(_unescaped, match[3])))
        place = match.end()
    return tuple(found)


def _operator(text: str) -> Operator:
    operators: tuple[Operator, ...] = ("=", "!=", "=~", "!~")
    return next(operator for operator in operators if operator == text)


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
