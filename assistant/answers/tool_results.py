"""`ToolResults`: what read-only tools found, shared by turns that ask the same at the same time.

When a service goes down, many people ask about it within seconds, and each turn begins with the
same look. Of calls that are the same the first runs, and the others wait for it; for a few seconds
more its result is given again. A result that is an error goes to those who waited, so that fifty
turns do not wait for a dead server one after the other, and to nobody after them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.result import Status, ToolResult

# Tools that only look. One that is not named here is never shared.
SHAREABLE = frozenset(
    (
        "search_logs",
        "analyze_logs",
        "count_logs",
        "read_capture",
        "search_runbooks",
        "list_services",
        "survey_metrics",
        "query_metrics",
        "find_metrics",
        "survey_host",
        "look_at_host",
        "look_at_process",
        "run_checks",
        "probe",
    )
)
DEFAULT_LIFE_S = 5.0
_MAX_RESULTS = 512
_KEPT = (Status.OK, Status.NO_DATA)

Work = Callable[[], Awaitable[ToolResult]]


def call_key(scope: str, tool: str, arguments: Mapping[str, Any]) -> str | None:
    """The name of a call; None when it must run each time.

    `scope` stands for what may be looked at, and is empty where nothing does. `arguments` are JSON
    and all that the result depends on besides.
    """
    if not scope or tool not in SHAREABLE:
        return None
    text = json.dumps([scope, tool, arguments], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Shared:
    """How many calls ran, waited for another's, and were given a result that was there."""

    num_run: int = 0
    num_waited: int = 0
    num_given: int = 0


class ToolResults:
    """Results of the last `life_s` seconds. Belongs to one event loop."""

    def __init__(
        self,
        life_s: float = DEFAULT_LIFE_S,
        clock: Callable[[], float] = time.monotonic,
        max_results: int = _MAX_RESULTS,
    ) -> None:
        self._life_s = life_s
        self._clock = clock
        self._max_results = max_results
        # (when it was found, result), the oldest first.
        self._found: OrderedDict[str, tuple[float, ToolResult]] = OrderedDict()
        self._running: dict[str, asyncio.Future[ToolResult | None]] = {}
        self.counts = Shared()

    def __len__(self) -> int:
        return len(self._found)

    async def get(self, key: str, work: Work) -> ToolResult:
        """The result of the call `key`: one that is there or on its way, else that of `work`.

        Raises what `work` raises. Cancelling whoever runs it lets the next one who waits run it.
        """
        waited = False
        while True:
            result = self._fresh(key)
            if result is not None:
                self.counts.num_given += 1
                return result
            running = self._running.get(key)
            if running is None:
                return await self._run(key, work)
            if not waited:
                self.counts.num_waited += 1
                waited = True
            # Whoever is cancelled must not cancel what the others wait for.
            result = await asyncio.shield(running)
            if result is not None:
                return result

    def forget(self) -> None:
        """Give nothing of what was found or began so far: something was changed."""
        self._found.clear()
        self._running.clear()

    def _fresh(self, key: str) -> ToolResult | None:
        now = self._clock()
        while self._found and not 0 <= now - next(iter(self._found.values()))[0] < self._life_s:
            self._found.popitem(last=False)
        found = self._found.get(key)
        return None if found is None else found[1]

    async def _run(self, key: str, work: Work) -> ToolResult:
        done: asyncio.Future[ToolResult | None] = asyncio.get_running_loop().create_future()
        self._running[key] = done
        self.counts.num_run += 1
        result = None
        try:
            result = await work()
        finally:
            # After `forget` it is not among the running any more: too old to be given again.
            if self._running.get(key) is done:
                del self._running[key]
                if result is not None and result.status in _KEPT:
                    self._keep(key, result)
            done.set_result(result)
        return result

    def _keep(self, key: str, result: ToolResult) -> None:
        self._found[key] = (self._clock(), result)
        while len(self._found) > self._max_results:
            self._found.popitem(last=False)
