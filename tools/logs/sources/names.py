"""Names for logs, made from what others chose: printable, short and unlike each other."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.logs.files import free_name

_MAX_CHARS = 160
_MAX_FILE_CHARS = 80


def printable(text: str, max_chars: int = _MAX_CHARS) -> str:
    """`text` on one line, without control characters, at most `max_chars` long."""
    shown = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return shown if len(shown) <= max_chars else f"{shown[: max_chars - 1]}…"


def unique(names: Iterable[str]) -> list[str]:
    """`names` in their order, with a number behind each that came before."""
    taken: dict[str, None] = {}
    for name in names:
        taken[free_name(name, taken)] = None
    return list(taken)


def file_stem(number: int, name: str) -> str:
    """The name of a file for log `number` of a fetch, whatever its name may hold."""
    return f"{number:03}-{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[:_MAX_FILE_CHARS]}"
