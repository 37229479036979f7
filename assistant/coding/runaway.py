"""Noticing that a model turns in circles, long before its limit of tokens does.

A small model that has lost its way writes the same line again and again, or a line without end. On
a busy machine that is minutes of waiting for nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_MAX_LINE_CHARS = 800
# Short lines (`fi`, a closing bracket, a YAML key) come back in good code too.
_MIN_TELLING_CHARS = 20
_MAX_SAME = 6


@dataclass(slots=True)
class LineWatch:
    """Reads a text piece by piece. `num_lines` are those that have ended."""

    num_lines: int = 0
    _line: str = ""
    _seen: Counter[str] = field(default_factory=Counter)

    def push(self, text: str) -> None:
        """More of the text."""
        *ended, self._line = (self._line + text).split("\n")
        self.num_lines += len(ended)
        self._seen.update(line.strip() for line in ended)

    @property
    def is_circling(self) -> bool:
        """Whether a telling line stands there too often, or one has no end."""
        if len(self._line) > _MAX_LINE_CHARS:
            return True
        return any(
            count >= _MAX_SAME and len(line) >= _MIN_TELLING_CHARS
            for line, count in self._seen.most_common(3)
        )
