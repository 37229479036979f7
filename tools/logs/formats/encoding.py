"""Encoding: where the values of a JSON object stand in its text, and the characters of a value.

A key is looked for as text first, which is right in nearly all lines and costs little; where it
stands there twice, the object is taken apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from tools.logs.formats.form import Span

# The parser below `json.loads`: from a place in a text, and without a check of each argument.
scan_json: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\r\n]*")
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_NUMBER = re.compile(r"-?\d[\d.eE+-]*")
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.",
    re.DOTALL,
)


def value_span(text: str, start: int, key: str, value: object) -> Span | None:
    """Where `value`, a string or a number, stands in the object at `start`, without its quotes.

    `key` may be `outer.inner` for a value of an object within. None where the value is written with
    escapes.
    """
    lead = f'"{key}":'
    at = text.find(lead, start)
    if at >= 0 and text.find(lead, at + 1) < 0:
        begin = at + len(lead)
        if text.startswith(" ", begin):
            begin += 1
        if isinstance(value, str):
            end = begin + len(value) + 1
            if text[begin : end + 1] == f'"{value}"':
                return begin + 1, end
        else:
            end = begin + len(str(value))
            if text[begin:end] == str(value) and text[end] in ",}":
                return begin, end
    return _walked_span(text, start, key, value)


def _walked_span(text: str, start: int, key: str, value: object) -> Span | None:
    begin = _value_start(text, start, key)
    if begin is None and "." in key:
        outer, inner = key.split(".", 1)
        begin = _value_start(text, start, outer)
        begin = None if begin is None else _value_start(text, begin, inner)
    if begin is None:
        return None
    if isinstance(value, str):
        end = begin + len(value) + 1
        return (begin + 1, end) if text[begin : end + 1] == f'"{value}"' else None
    number = _NUMBER.match(text, begin)
    return number.span() if number else None


def place_in(text: str, start: int, decoded: str, span: Span | None) -> Span | None:
    """Where a part of a decoded string stands in its encoded text, which begins at `start`."""
    if span is None:
        return None
    first, last = span
    if text.startswith(decoded[:last], start):
        return start + first, start + last
    begin = _after_characters(text, start, first)
    end = begin + last - first
    return (begin, end) if text[begin:end] == decoded[first:last] else None


def string_start(text: str, start: int, key: str) -> int | None:
    """Where the characters of a string begin, behind its quote."""
    begin = _value_start(text, start, key)
    return begin + 1 if begin is not None and text.startswith('"', begin) else None


def _after_characters(text: str, start: int, count: int) -> int:
    position = start
    for _ in range(count):
        character = _CHARACTER.match(text, position)
        position = character.end() if character else position
    return position


def _value_start(text: str, start: int, key: str) -> int | None:
    lead = f'"{key}":'
    at = text.find(lead, start)
    if at < 0 or text.find(lead, at + 1) >= 0:
        return _walk_to(text, start, key)
    begin = at + len(lead)
    while text[begin] in " \t":
        begin += 1
    return begin


def _walk_to(text: str, start: int, key: str) -> int | None:
    """Where the value of `key` begins, member by member; of several the last one counts."""
    found = None
    position = _skip(_SPACE, text, start + 1)
    while text.startswith('"', position):
        name, position = scanstring(text, position + 1, True)
        position = _skip(_COLON, text, position)
        if name == key:
            found = position
        _, position = scan_json(text, position)
        position = _skip(_COMMA, text, position)
    return found


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
