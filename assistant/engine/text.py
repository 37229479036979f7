"""From sampled tokens to text that may be shown: whole characters, no stop strings."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextAssembler:
    """Joins token pieces into text, and holds back what may still become part of a stop string.

    A character's bytes and a stop string may both span tokens; neither is ever shown in part.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.is_stopped = False

    def push(self, piece: bytes) -> str:
        """The text that `piece` makes safe to show; empty once a stop string was met."""
        if self.is_stopped:
            return ""
        self._held += self._decoder.decode(piece)
        found = [at for s in self._stop if (at := self._held.find(s)) >= 0]
        if found:
            self.is_stopped = True
            return self._release(min(found))
        return self._release(len(self._held) - self._overlap())

    def finish(self) -> str:
        """What was held back, when no stop string came of it."""
        if self.is_stopped:
            return ""
        self._held += self._decoder.decode(b"", final=True)
        return self._release(len(self._held))

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text

    def _overlap(self) -> int:
        """The length of the longest tail of the held text that begins a stop string."""
        longest = max((len(s) for s in self._stop), default=0) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(s.startswith(tail) for s in self._stop):
                return length
        return 0
