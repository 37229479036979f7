"""Lists of words that are easier to read as text than as a line for each."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of `text` in order."""
    return tuple(text.split())
