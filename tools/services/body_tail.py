"""The end of a log that comes as the body of an HTTP answer, within bounds of size and time."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from tools.logs.sources.bodies import BodyBrokenOff, blocks
from tools.logs.sources.copying import Decoder
from tools.logs.sources.watch import FetchWatch

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

MAX_TAIL_BYTES = 1 << 20


def last_lines(
    response: BaseHTTPResponse, decoder: Decoder, max_lines: int, watch: FetchWatch
) -> tuple[str, ...]:
    """The last `max_lines` lines of the body, oldest first, of at most `MAX_TAIL_BYTES` together.

    Where the body breaks off, or `watch` says stop, they are the last of those that came.
    """
    kept, is_cut = b"", False
    with suppress(BodyBrokenOff), closing(blocks(response, watch)) as body:
        for block in body:
            watch.took(len(block))
            kept += decoder.feed(block)
            is_cut |= len(kept) > MAX_TAIL_BYTES
            kept = kept[-MAX_TAIL_BYTES:]
            if decoder.problem:
                break
    lines = (kept + decoder.rest()).removesuffix(b"\n").split(b"\n")
    whole = lines[1:] if is_cut and len(lines) > 1 else lines
    return tuple(_text(line) for line in whole[-max_lines:]) if kept else ()


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
