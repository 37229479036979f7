"""Text without terminal styles, and the way back: colours split no secret and no name.

A console logger writes `\\x1b[36mpassword=\\x1b[0mhunter2`, and JSON writes that with its escapes.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

_STYLE = re.compile(r"(?:\x1b|\\{1,7}(?:x1[bB]|u001[bB]|033|e))\[[0-9;:]{0,32}m")


@dataclass(frozen=True, slots=True)
class Unstyled:
    """`text` is the bare text; the rest says where its characters stood."""

    text: str
    _places: tuple[int, ...]  # where a style was taken out, in the bare text, ascending
    _shifts: tuple[int, ...]  # how many characters were taken out up to and with each

    def outer(self, begin: int, end: int) -> tuple[int, int]:
        """Where in the styled text the bare characters from `begin` up to `end` stand."""
        return self._shifted(bisect_right(self._places, begin), begin), self._shifted(
            bisect_left(self._places, end), end
        )

    def _shifted(self, num_before: int, place: int) -> int:
        return place + (self._shifts[num_before - 1] if num_before else 0)


def unstyled(text: str) -> Unstyled:
    """`text` without the sequences that set colours and weights."""
    places: list[int] = []
    shifts: list[int] = []
    pieces: list[str] = []
    end = removed = 0
    for style in _STYLE.finditer(text):
        pieces.append(text[end : style.start()])
        places.append(style.start() - removed)
        end = style.end()
        removed += end - style.start()
        shifts.append(removed)
    if not shifts:
        return Unstyled(text, (), ())
    return Unstyled("".join([*pieces, text[end:]]), tuple(places), tuple(shifts))
