"""`HealthChecks`: a look at a pool's servers from time to time, for as long as the pool is used.

A request finds out by itself that a server is down; the checks spare the next ones that, bring a
server back as soon as it can be reached, and end the wait for one that has fallen silent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from assistant.chat.failures import Failure
from assistant.chat.servers import Server, Servers

Check = Callable[[Server], Awaitable[Failure | None]]
"""Looks at a server; None when it can be reached."""

# Nobody who waits for an answer is sent to another server for one check that was lost.
_NUM_FOR_SILENCE = 2


class HealthChecks:
    """Runs `check` on all servers now and then. Belongs to one event loop."""

    def __init__(self, servers: Servers, check: Check) -> None:
        self._servers = servers
        self._check = check
        self._num_lost = dict.fromkeys(servers.all, 0)
        self._used_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def note_use(self) -> None:
        """The pool is being used: look at its servers from now on."""
        self._used_at = self._servers.clock()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_looking())

    async def aclose(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """Look at all servers, at once."""
        await asyncio.gather(*(self._look_at(server) for server in self._servers.all))

    async def _keep_looking(self) -> None:
        pacing = self._servers.pacing
        while self._servers.clock() - self._used_at < pacing.idle_s:
            # Several processes that share the servers do not look at the same moment.
            await asyncio.sleep(pacing.check_every_s * random.uniform(0.8, 1.2))
            await self.look()

    async def _look_at(self, server: Server) -> None:
        failure = await self._check(server)
        if failure is None:
            self._num_lost[server] = 0
            self._servers.reachable(server)
            return
        self._num_lost[server] += 1
        self._servers.failed(server, failure)
        if self._num_lost[server] >= _NUM_FOR_SILENCE:
            server.abandon()
