"""Docker's log stream taken apart: frames of standard output and error into whole lines.

Without a terminal, a log is a sequence of frames: one byte for the stream, three zero bytes, the
length in four bytes, then the data (Docker Engine API, "Attach to a container").
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from tools.logs.sources.spool import MAX_LINE_BYTES

_HEADER = struct.Struct(">B3sL")
_STREAMS = (0, 1, 2)
_MAX_WHOLE_BYTES = 256 * 1024
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) ")


class FrameDecoder:
    """Takes the stream block by block and gives back whole lines, in the order in which they end.

    The two streams are put together line by line, never inside a line. A line that is far too long
    is cut to somewhat more than a spool takes. `problem` says why nothing more can be decoded.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._buffer = b""
        self._stream = 0
        self._left = 0
        self._unfinished = dict.fromkeys(_STREAMS, b"")

    def feed(self, block: bytes) -> bytes:
        """The lines that `block` completes."""
        self._buffer += block
        return b"".join(self._lines(stream, data) for stream, data in self._frames())

    def rest(self) -> bytes:
        """What was begun and not ended, when nothing more comes, as lines."""
        whole = self._lines(self._stream, self._buffer) if self._left else b""
        self._buffer = b""
        return whole + b"".join(line + b"\n" for line in self._unfinished.values() if line)

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """Whole frames, and what has come of very long ones; the rest stays in the buffer."""
        position = 0
        while self._left or len(self._buffer) - position >= _HEADER.size:
            if not self._left:
                self._stream, zeros, self._left = _HEADER.unpack_from(self._buffer, position)
                position += _HEADER.size
                if self._stream not in _STREAMS or any(zeros):
                    self._left, self.problem = 0, "it is not in the form of docker's logs"
                    break
            came = len(self._buffer) - position
            if came < min(self._left, _MAX_WHOLE_BYTES):
                break
            size = min(came, self._left)
            yield self._stream, self._buffer[position : position + size]
            position += size
            self._left -= size
        self._buffer = self._buffer[position:]

    def _lines(self, stream: int, data: bytes) -> bytes:
        begun = self._unfinished[stream]
        if begun and (stamp := _STAMP.match(data)):
            # The engine stores a long line in parts, and stamps each of them.
            data = data[stamp.end() :]
        whole, line_end, rest = (begun + data).rpartition(b"\n")
        self._unfinished[stream] = rest[: MAX_LINE_BYTES + 1]
        return whole + line_end
