"""Text from evidence and models within an answer: read, never acted upon by what renders it.

`tools.plain` makes text inert; an answer needs two exceptions. Its citations stay as they are, and
text in which nothing could be active is left alone, so that no backslash stands in a plain line.
"""

from __future__ import annotations

import re

from tools.plain import inactive, one_line, visible

_CITATION = re.compile(r"(\[[A-Z]\d+\])")
_MAY_BE_ACTIVE = re.compile(r"\]\s*[(\[:]|!\[|<|://|www\.|mailto:|\\", re.IGNORECASE)


def inert(markdown: str) -> str:
    """`markdown` without links, images, HTML and mentions; citations and all else stay."""
    if not _MAY_BE_ACTIVE.search(markdown):
        return visible(markdown)
    pieces = _CITATION.split(markdown)
    return "".join(p if _CITATION.fullmatch(p) else _edged(p) for p in pieces)


def inert_line(text: str) -> str:
    """`text` on one line, without anything active and without code spans of its own."""
    return inert(one_line(text).replace("`", "'"))


def _edged(piece: str) -> str:
    """`inactive(piece)` with the blanks around it, which mean something between citations."""
    words = piece.strip()
    if not words:
        return piece
    begin = piece.index(words)
    return f"{piece[:begin]}{inactive(words)}{piece[begin + len(words) :]}"
