"""Waiting for what happens behind the scenes and tells nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_LIMIT_S = 60.0
_POLL_S = 0.002


async def until(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""

    async def asked() -> bool:
        return is_so()

    await until_found(asked)


async def until_found(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return when it is so, where finding out takes time."""
    async with asyncio.timeout(_LIMIT_S):
        while not await is_so():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(_POLL_S)
