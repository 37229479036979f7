"""`Capture`: the beginning of a stream of output, and how much more there was."""

from __future__ import annotations

import codecs
from collections.abc import Callable


class Capture:
    """Keeps the first `limit_bytes` of a stream and counts the rest.

    What is kept is handed to `on_text` as it comes, in whole characters.
    """

    def __init__(self, limit_bytes: int, on_text: Callable[[str], None]) -> None:
        self._limit_bytes = limit_bytes
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._texts: list[str] = []
        self._kept_bytes = 0
        self.cut_bytes = 0

    @property
    def num_bytes(self) -> int:
        """The length of the stream so far."""
        return self._kept_bytes + self.cut_bytes

    @property
    def text(self) -> str:
        """What was kept; what is not UTF-8 stands as U+FFFD."""
        return "".join(self._texts)

    def feed(self, data: bytes) -> None:
        """The next bytes of the stream; none at its end."""
        kept = data[: self._limit_bytes - self._kept_bytes]
        self._kept_bytes += len(kept)
        self.cut_bytes += len(data) - len(kept)
        text = self._decoder.decode(kept, final=not data)
        if text:
            self._texts.append(text)
            self._on_text(text)
