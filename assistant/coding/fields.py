"""The fields of a line, numbered as awk counts them: a small model miscounts, code does not.

Text alone; where the lines come from is the caller's concern.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

_MAX_FIELDS = 14
_MAX_KEYS = 12
_MAX_FIELD_CHARS = 32
_SEPARATORS = ((",", "-F,"), ("\t", "-F'\\t'"), (";", "-F';'"), ("|", "-F'|'"), (":", "-F:"))
_MIN_SEPARATED = 3
# What stands before the first colon of a time is no field of its own.
_TIME = re.compile(r"\dT\d\d$|^\[?\d\d$")


def numbered_fields(lines: Sequence[str]) -> str:
    """One line on the columns of `lines` ("awk: $1=GET $2=/ …"); empty where they have none.

    The first line is taken for all; under a header the names stand beside the values.
    """
    filled = [line for line in lines if line.strip()]
    if not filled:
        return ""
    if keys := _json_keys(filled[0]):
        return f"JSON keys: {', '.join(keys)}"
    separator, option = _separator(filled)
    if not separator:
        return _blank_separated(filled)
    names = filled[0].split(separator)
    values = filled[1].split(separator) if len(filled) > 1 else names
    return f"fields for awk {option}: {_numbered(_with_values(names, values))}"


def _blank_separated(lines: Sequence[str]) -> str:
    """The fields of a table or a log; a line of one or two words is no table."""
    header, row = lines[0].split(), (lines[1] if len(lines) > 1 else lines[0]).split()
    shown = _with_values(header, row) if _is_header(header) else header
    if len(shown) < _MIN_SEPARATED:
        return ""
    return f"fields for awk: {_numbered(shown)}, last=$NF"


def _with_values(names: Sequence[str], values: Sequence[str]) -> list[str]:
    """Each name with the value below it; what has no counterpart is left out."""
    pairs = zip(names, values, strict=False)
    return [f"{name} ({value})" if name != value else name for name, value in pairs]


def _is_header(words: Sequence[str]) -> bool:
    """Whether these name columns: several words, no number among them."""
    return len(words) > 1 and not any(c.isdigit() for word in words for c in word)


def _numbered(values: Sequence[str]) -> str:
    numbered = (f"${n}={_short(value)}" for n, value in enumerate(values[:_MAX_FIELDS], start=1))
    return " ".join(numbered)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_FIELD_CHARS else f"{text[:_MAX_FIELD_CHARS]}…"


def _separator(lines: Sequence[str]) -> tuple[str, str]:
    """What stands equally often in the lines, with awk's option for it; empty for blanks."""
    for separator, option in _SEPARATORS:
        counts = {line.count(separator) for line in lines}
        firsts = [line.split(separator)[0] for line in lines]
        is_plain = not any(" " in first or _TIME.search(first) for first in firsts)
        if len(counts) == 1 and counts != {0} and is_plain:
            return separator, option
    return "", ""


def _json_keys(line: str) -> list[str]:
    """The keys of an object's line, `a.b` for those within another."""
    if not line.lstrip().startswith("{"):
        return []
    try:
        parsed = json.loads(line)
    except ValueError:
        return []
    return list(_keys(parsed))[:_MAX_KEYS] if isinstance(parsed, dict) else []


def _keys(parsed: dict[str, object], path: str = "") -> Iterator[str]:
    for key, value in parsed.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"
