"""Events as a stream of server-sent events, as the HTML standard defines them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import StreamingResponse

from assistant.errors import WireError
from assistant.events import TurnFailed, TurnFinished, to_json
from assistant.observing.metrics import Metrics
from assistant.server.state import ServerState
from assistant.server.turns import NumberedEvent, RunningTurn, numbered

_HEADERS = {
    "Cache-Control": "no-store",
    # nginx holds answers back otherwise.
    "X-Accel-Buffering": "no",
}
_LAST_NUMBER = 999_999_999
# A comment, without an empty line behind it: some readers take that for an event.
_STILL_RUNNING = b": still running\n"


def turn_response(turn: RunningTurn, request: Request, state: ServerState) -> StreamingResponse:
    """The turn's events behind the client's `Last-Event-ID`, each of them with its number."""
    headers = {**_HEADERS, "Location": f"/api/turns/{turn.id}"}
    chunks = _chunks(turn, last_number(request), state.watch.metrics)
    return StreamingResponse(chunks, media_type="text/event-stream", headers=headers)


def ended_response(event: TurnFinished | TurnFailed, turn: str) -> StreamingResponse:
    """The last event of a turn that is not remembered here; its number is behind all others."""
    chunk = as_chunk(numbered(_LAST_NUMBER, type(event).__name__, to_json(event), is_last=True))
    headers = {**_HEADERS, "Location": f"/api/turns/{turn}"}
    return StreamingResponse(iter([chunk]), media_type="text/event-stream", headers=headers)


def last_number(request: Request) -> int:
    """The number of the last event that the client has; 0 for none. Raises WireError."""
    text = request.headers.get("last-event-id", "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise WireError("Last-Event-ID is no number", "send the id of the last event as it came")
    return int(text)


async def _chunks(turn: RunningTurn, after: int, metrics: Metrics) -> AsyncIterator[bytes]:
    with metrics.event_stream(is_resumed=after > 0):
        async for event in turn.listen(after):
            yield _STILL_RUNNING if event is None else as_chunk(event)


def as_chunk(event: NumberedEvent) -> bytes:
    """The event as it goes over the wire; JSON has no line ends in it."""
    return f"id: {event.number}\nevent: {event.name}\ndata: {event.data}\n\n".encode()
