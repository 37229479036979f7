"""Bodies of HTTP answers, read within bounds: as JSON, or block by block.

The Python clients of docker and kubernetes both have urllib3 responses below, and both would read a
body whole, however large, and wait for it however long. What an answer means is left to others;
here is only how much of it is read, and why it broke off.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tools.errors import BackendUnavailable
from tools.logs.reader import format_size
from tools.logs.sources.watch import FetchWatch

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

MAX_JSON_BYTES = 16 << 20
_BLOCK_BYTES = 64 * 1024


class BodyBrokenOff(Exception):
    """A body ended before its end: `reason` is the end of a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def blocks(response: BaseHTTPResponse, watch: FetchWatch) -> Generator[bytes]:
    """The body as it arrives; the connection is closed in the end. Raises BodyBrokenOff.

    Each wait ends by the time limit of the connection, or when `watch` ends it.
    """
    from urllib3.exceptions import HTTPError

    ended_early = False

    def end() -> None:
        nonlocal ended_early
        ended_early = True
        _end_wait(response)

    try:
        with watch.waiting(end):
            while not (reason := watch.stop_reason()):
                block = response.read1(_BLOCK_BYTES, decode_content=False)
                if not block:
                    break
                yield block
    except (HTTPError, OSError) as error:
        raise BodyBrokenOff(watch.stop_reason() or _wording(error)) from error
    finally:
        response.close()
    # Where no length is announced, a wait that was ended looks like the end of the body.
    if reason or ended_early:
        raise BodyBrokenOff(reason or watch.stop_reason())


def read_json(response: BaseHTTPResponse, watch: FetchWatch, peer: str) -> Any:
    """The body as JSON. Raises BackendUnavailable when it is none, too large or too slow."""
    parts: list[bytes] = []
    size_bytes = 0
    try:
        for block in blocks(response, watch):
            parts.append(block)
            size_bytes += len(block)
            watch.took(len(block))
            if size_bytes > MAX_JSON_BYTES:
                raise BodyBrokenOff(f"it is larger than {format_size(MAX_JSON_BYTES)}")
        return json.loads(b"".join(parts))
    except BodyBrokenOff as error:
        raise BackendUnavailable(
            f"the answer of {peer} was not read to its end: {error.reason}", "try again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BackendUnavailable(
            f"{peer} gave an answer that is no JSON", "see whether something else answers there"
        ) from error


def first_text(response: BaseHTTPResponse, size_bytes: int, watch: FetchWatch) -> str:
    """The first `size_bytes` of a body as text, as far as they came: for what an error says."""
    text = b""
    with suppress(BodyBrokenOff):
        for block in blocks(response, watch):
            text += block
            if len(text) >= size_bytes:
                break
    return text[:size_bytes].decode("utf-8", "replace")


def _end_wait(response: BaseHTTPResponse) -> None:
    # The reading thread may have come to the end of the body by now.
    with suppress(OSError, ValueError, RuntimeError):
        response.shutdown()


def _wording(error: Exception) -> str:
    from urllib3.exceptions import ReadTimeoutError

    if isinstance(error, (ReadTimeoutError, TimeoutError)):
        return "nothing came any more"
    return "the connection broke off"
