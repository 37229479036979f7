"""The hub as a source: one HTTP request, taken up again where a cut connection left it.

`huggingface_hub` gives the address, the mirror (`HF_ENDPOINT`), offline mode (`HF_HUB_OFFLINE`),
proxies and certificates. Its own download function is not used: it tries a hub that cannot be
reached for half a minute, and throws away what it has when a download fails. No token is sent: the
files are public, and a stale token would turn them into a refusal.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from assistant.models.catalog import CatalogEntry
from assistant.models.source import OnIncoming, SourceFailed

if TYPE_CHECKING:
    from httpx2 import Response

_T = TypeVar("_T")

# Name resolution, every address of the hub, and the redirect to its storage, all together.
_CONNECT_TIMEOUT_S = 8.0
_STALL_TIMEOUT_S = 20.0
_MAX_RECONNECTS = 3
_RECONNECT_PAUSE_S = 1.0


class HubSource:
    """The publisher's own file on the hub; `endpoint` stands in for the hub's address."""

    name = "hub"

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def scratch_bytes(self, entry: CatalogEntry) -> int:
        """None: the bytes go straight to their place."""
        return 0

    def read(
        self, entry: CatalogEntry, start: int, scratch: Path, on_incoming: OnIncoming
    ) -> Generator[bytes]:
        """The file from `start` on; a connection that delivered something is taken up again."""
        position, reconnects_left = start, 0
        while position < entry.size_bytes:
            try:
                for chunk in self._stream(entry, position):
                    position += len(chunk)
                    reconnects_left = _MAX_RECONNECTS
                    yield chunk
            except _transport_errors() as error:
                if reconnects_left == 0:
                    raise SourceFailed(_reason(error)) from error
                reconnects_left -= 1
                on_incoming(0)
                time.sleep(_RECONNECT_PAUSE_S)

    def _stream(self, entry: CatalogEntry, position: int) -> Iterator[bytes]:
        """The bytes of one connection, from `position` to the end of the file."""
        response = _within(_CONNECT_TIMEOUT_S, lambda: self._open(entry, position))
        try:
            offset = _offset(response, entry)
            for chunk in response.iter_bytes():
                # A server may ignore the range and send the file from its beginning.
                yield chunk[max(position - offset, 0) :]
                offset += len(chunk)
        finally:
            response.close()

    def _open(self, entry: CatalogEntry, position: int) -> Response:
        from huggingface_hub import get_session, hf_hub_url

        url = hf_hub_url(entry.hub_repo, entry.hub_file, endpoint=self._endpoint)
        session = get_session()
        request = session.build_request(
            "GET",
            url,
            headers={"Range": f"bytes={position}-", "Accept-Encoding": "identity"},
            timeout=_STALL_TIMEOUT_S,
        )
        return session.send(request, stream=True)


def _offset(response: Response, entry: CatalogEntry) -> int:
    """Where in the file the body begins. Raises SourceFailed when it is not this file's body."""
    if response.status_code == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        offset, size = (int(span[1]), int(span[2])) if span else (0, 0)
    elif response.status_code == 200:
        offset, size = 0, int(response.headers.get("Content-Length", 0))
    else:
        raise SourceFailed(f"it answered HTTP {response.status_code}")
    if size != entry.size_bytes:
        raise SourceFailed(f"its file has {size:,} bytes instead of {entry.size_bytes:,}")
    return offset


def _within(timeout_s: float, call: Callable[[], _T]) -> _T:
    """The result of `call`, or TimeoutError after `timeout_s`, when its thread is left behind.

    A socket's own time limit covers neither name resolution nor several addresses in a row.
    """
    outcome: Future[_T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            outcome.set_exception(error)

    threading.Thread(target=run, name="hub-connect", daemon=True).start()
    return outcome.result(timeout_s)


def _transport_errors() -> tuple[type[Exception], ...]:
    """All that the hub's HTTP client raises; the last two come from a proxy it cannot use."""
    # Taken from the hub's own module: the HTTP library behind it changes between releases.
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    return (HTTPError, OSError, ImportError, ValueError)


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "offline mode is on (HF_HUB_OFFLINE)"
    if isinstance(error, TimeoutError):
        return f"no answer within {_CONNECT_TIMEOUT_S:.0f} s"
    return f"connection failed: {str(error) or type(error).__name__}"
