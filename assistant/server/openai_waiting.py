"""Waiting for a model, and for a client that may leave meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar

EventT = TypeVar("EventT")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""ASGI's, whose body has been read: what is still to come is that the client leaves."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; it is cancelled when the client leaves, which is no error. Raises as it does."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        is_done = working.done()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
    if is_done:
        working.result()


async def with_pauses(
    events: AsyncGenerator[EventT], patience_s: float
) -> AsyncGenerator[EventT | None]:
    """`events`, and while the first one is waited for, a None each `patience_s`.

    The owner closes `events`, after this one.
    """
    first = asyncio.ensure_future(anext(events))
    try:
        while not first.done():
            await asyncio.wait((first,), timeout=patience_s)
            if not first.done():
                yield None
    finally:
        if not first.done():
            first.cancel()
            with suppress(asyncio.CancelledError):
                await first
    yield first.result()
    async for event in events:
        yield event


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
