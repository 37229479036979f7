"""The servers of a pool: which of them gets a request, and which are left alone for a while.

Only book-keeping: nothing here connects to anything. All of it belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from assistant.chat.failures import Failure

# A server that failed this often in a row is as bad as one that fails for ever.
_MAX_DOUBLINGS = 16
# The part of a new measurement in the smoothed one.
_NEW_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Pacing:
    """How long a pool waits for what, in seconds.

    A server that fails is out for `first_out_s`, twice as long each time, `longest_out_s` at most.
    A request waits `patience_s` for servers that are busy. Servers are looked at every
    `check_every_s`, and are not any more once nobody has used the pool for `idle_s`.
    """

    first_out_s: float = 1.0
    longest_out_s: float = 60.0
    patience_s: float = 20.0
    check_every_s: float = 15.0
    check_timeout_s: float = 5.0
    idle_s: float = 300.0


@dataclass(eq=False, slots=True)
class Server:
    """One server, as far as this process knows it.

    `latency_s` is the smoothed time to the first piece of an answer; 0.0 before the first one.
    `waiting` are the time limits of the requests that wait for that piece.
    """

    url: str
    num_in_flight: int = 0
    latency_s: float = 0.0
    num_failures: int = 0
    failed_at: float = float("-inf")
    out_until: float = float("-inf")
    failure: Failure | None = None
    waiting: set[asyncio.Timeout] = field(default_factory=set)

    def is_open(self, now: float) -> bool:
        """Whether it may get a request.

        After a failure it gets one alone, until that shows that it works again.
        """
        return now >= self.out_until and (self.num_failures == 0 or self.num_in_flight == 0)

    def is_busy(self, now: float) -> bool:
        """Whether it has asked to be left alone until later than `now`."""
        return self.failure is not None and self.failure.kind == "busy" and now < self.out_until

    def abandon(self) -> None:
        """Let no request wait for it any longer."""
        now = asyncio.get_running_loop().time()
        for limit in self.waiting:
            limit.reschedule(now)


class Servers:
    """The servers at `urls`, and the rules for choosing one."""

    def __init__(
        self,
        urls: Sequence[str],
        pacing: Pacing,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self.all = tuple(Server(url) for url in urls)
        self.pacing = pacing
        self.clock = clock
        self._chance = chance or random.Random()

    def choose(self, tried: Collection[Server]) -> Server | None:
        """The open server with the fewest of our requests, the quickest of several.

        Without one, a server whose time is not over: nothing is lost by asking it early, unless it
        said when to come back. None when those are all `tried` or busy.
        """
        now = self.clock()
        left = [server for server in self.all if server not in tried]
        candidates = [server for server in left if server.is_open(now)]
        if candidates:
            return min(candidates, key=lambda server: (server.num_in_flight, server.latency_s))
        early = [server for server in left if not server.is_busy(now)]
        return min(early, key=lambda server: (server.num_in_flight, server.out_until), default=None)

    def seconds_to_wait(self, tried: Collection[Server]) -> float | None:
        """How long until a busy server takes requests again; None when no server is busy.

        Not the same for all who wait, so that they do not come back at once.
        """
        now = self.clock()
        busy = [s.out_until - now for s in self.all if s not in tried and s.is_busy(now)]
        return min(busy) * self._chance.uniform(1.0, 1.25) if busy else None

    @contextmanager
    def request(self, server: Server) -> Iterator[Lease]:
        """A request to `server`, which counts as its load within."""
        server.num_in_flight += 1
        try:
            yield Lease(server, self)
        finally:
            server.num_in_flight -= 1

    def answered(self, server: Server, began_at: float, latency_s: float) -> None:
        """`server` began to answer a request of `began_at` after `latency_s`."""
        share = _NEW_SHARE if server.latency_s else 1.0
        server.latency_s += share * (latency_s - server.latency_s)
        # What began before a failure does not show that the server is well since.
        if began_at >= server.failed_at:
            server.num_failures = 0
            server.failure = None
            server.out_until = float("-inf")

    def failed(self, server: Server, failure: Failure) -> None:
        """`server` failed; it is out for a time that grows, and for as long as it asked for."""
        now = self.clock()
        is_news = now >= server.out_until
        if is_news:
            server.num_failures += 1
        doublings = min(server.num_failures - 1, _MAX_DOUBLINGS)
        out_s = min(self.pacing.first_out_s * 2.0**doublings, self.pacing.longest_out_s)
        out_s *= self._chance.uniform(0.75, 1.25)
        until = now + max(out_s, failure.retry_after_s)
        server.failed_at = now
        # What a server asked for holds, whatever else happens to it.
        is_kept = server.is_busy(now) and failure.kind != "busy"
        if is_news or (until > server.out_until and not is_kept):
            server.failure = failure
            server.out_until = until

    def reachable(self, server: Server) -> None:
        """`server` can be reached: if that was its failure, a request may try it now."""
        if server.failure is not None and server.failure.kind == "unreachable":
            server.out_until = min(server.out_until, self.clock())


class Lease:
    """One request to one server."""

    def __init__(self, server: Server, servers: Servers) -> None:
        self.server = server
        self._servers = servers
        self._began_at = servers.clock()

    def answered(self) -> None:
        """The first piece of the answer is here."""
        latency_s = self._servers.clock() - self._began_at
        self._servers.answered(self.server, self._began_at, latency_s)

    def failed(self, failure: Failure) -> None:
        """It came to nothing."""
        self._servers.failed(self.server, failure)
