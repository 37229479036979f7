"""`PooledChatModel`: one chat model on several servers of the same model.

A request goes to the server with the least to do, and to another one when that fails, for as long
as nothing of an answer was shown; after that a failure is the person's to see, because the other
server would begin a different answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from assistant.chat.beginning import beginning
from assistant.chat.failures import SERVER_ERRORS, Failure, failure_of
from assistant.chat.health import HealthChecks
from assistant.chat.remote import LOOK_TIMEOUT_S, OnSent, RemoteChatModel, nobody
from assistant.chat.servers import Lease, Pacing, Server, Servers
from assistant.errors import ProviderError

Ask = Callable[[RemoteChatModel], AsyncGenerator[ChatGenerationChunk]]
"""Sends the request to a server."""


class Pool:
    """The servers of one model and the clients for them, by URL. Belongs to one event loop."""

    def __init__(self, clients: Mapping[str, RemoteChatModel], pacing: Pacing) -> None:
        self.servers = Servers(tuple(clients), pacing)
        self.checks = HealthChecks(self.servers, self._check)
        self._clients = clients

    @property
    def hosts(self) -> str:
        """The servers' hosts, each once."""
        return ", ".join(dict.fromkeys(client.host for client in self._clients.values()))

    @asynccontextmanager
    async def answering(self, ask: Ask) -> AsyncIterator[_Answer]:
        """The answer of the first server that begins one, as a context.

        Raises ProviderError when no server does, and as the client does when they would all find
        fault with the request.
        """
        self.checks.note_use()
        deadline = self.servers.clock() + self.servers.pacing.patience_s
        tried: set[Server] = set()
        while True:
            server = await self._next(tried, deadline)
            async with self._asking(server, ask) as answer:
                if answer is not None:
                    yield answer
                    return
            # A server that is busy is asked again when its time has come.
            if not server.is_busy(self.servers.clock()):
                tried.add(server)

    @asynccontextmanager
    async def _asking(self, server: Server, ask: Ask) -> AsyncIterator[_Answer | None]:
        """The answer of `server`; None when it fails in a way that another one may not."""
        with self.servers.request(server) as lease:
            async with aclosing(ask(self._clients[server.url])) as stream:
                try:
                    begun = await _beginning(stream, server)
                except SERVER_ERRORS as error:
                    failure = failure_of(error)
                    if failure.kind == "request":
                        raise
                    lease.failed(failure)
                    answer = None
                else:
                    lease.answered()
                    answer = _Answer(begun, stream, lease)
                yield answer

    async def look(self, timeout_s: float) -> Failure | None:
        """None as soon as one server can be reached."""
        looks = [asyncio.create_task(client.look(timeout_s)) for client in self._clients.values()]
        try:
            for look in asyncio.as_completed(looks):
                if await look is None:
                    return None
        finally:
            for task in looks:
                task.cancel()
        return Failure("unreachable", "could not be reached")

    async def aclose(self) -> None:
        """End the checks and close all connections."""
        await self.checks.aclose()
        for client in self._clients.values():
            await client.aclose()

    async def _next(self, tried: Collection[Server], deadline: float) -> Server:
        """The next server to ask, once there is one. Raises ProviderError."""
        while (server := self.servers.choose(tried)) is None:
            pause_s = self.servers.seconds_to_wait(tried)
            if pause_s is None or self.servers.clock() + pause_s > deadline:
                raise self._nobody_answers()
            await asyncio.sleep(pause_s)
        return server

    def _nobody_answers(self) -> ProviderError:
        now = self.servers.clock()
        states = "; ".join(_state(server, now) for server in self.servers.all)
        return ProviderError(
            f"none of the {len(self.servers.all)} model servers answers: {states}",
            "check that they run, and the addresses in base_url",
        )

    async def _check(self, server: Server) -> Failure | None:
        return await self._clients[server.url].look(self.servers.pacing.check_timeout_s)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that has begun: the pieces that are here, and the rest as it comes."""

    begun: Sequence[ChatGenerationChunk]
    rest: AsyncIterator[ChatGenerationChunk]
    lease: Lease

    async def chunks(self) -> AsyncGenerator[ChatGenerationChunk]:
        """All of its pieces. Raises as the client does when it breaks off."""
        for chunk in self.begun:
            yield chunk
        try:
            async for chunk in self.rest:
                yield chunk
        except SERVER_ERRORS as error:
            self.lease.failed(failure_of(error))
            raise


async def _beginning(
    stream: AsyncIterator[ChatGenerationChunk], server: Server
) -> list[ChatGenerationChunk]:
    """See `beginning`. Raises TimeoutError when `server` is not to be waited for any longer."""
    async with asyncio.timeout(None) as limit:
        server.waiting.add(limit)
        try:
            return await beginning(stream)
        finally:
            server.waiting.discard(limit)


def _state(server: Server, now: float) -> str:
    place = urlsplit(server.url).netloc.rpartition("@")[2] or server.url
    if server.failure is None:
        return f"{place} failed a moment ago"
    if server.is_busy(now):
        return f"{place} {server.failure.reason}, try again in {server.out_until - now:.0f} s"
    return f"{place} {server.failure.reason}"


class PooledChatModel(RemoteChatModel):
    """Chat on one of several OpenAI-compatible servers; its own connection is not used.

    See `RemoteChatModel`. Raises ProviderError when no server answers: which, and why.
    """

    pool: Any
    """The `Pool`, closed with the model."""

    @property
    def host(self) -> str:
        """The hosts of all servers."""
        pool: Pool = self.pool
        return pool.hosts

    async def look(self, timeout_s: float = LOOK_TIMEOUT_S) -> Failure | None:
        """See `RemoteChatModel.look`: that of the first server that can be reached."""
        pool: Pool = self.pool
        return await pool.look(timeout_s)

    async def aclose(self) -> None:
        """See `RemoteChatModel.aclose`."""
        pool: Pool = self.pool
        await pool.aclose()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        on_sent: OnSent = nobody,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        """See `RemoteChatModel`. No callback hears of an answer that was given up."""
        pool: Pool = self.pool

        def ask(client: RemoteChatModel) -> AsyncGenerator[ChatGenerationChunk]:
            return client._astream(messages, stop, on_sent=on_sent, **kwargs)

        async with pool.answering(ask) as answer, aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                if run_manager:
                    await run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
                yield chunk


def open_pool(
    urls: Sequence[str], options: Mapping[str, Any], pacing: Pacing | None = None
) -> PooledChatModel:
    """A chat model on the servers at `urls`, each with the client's `options`."""
    # Another server is asked instead of the same one again.
    clients = {url: RemoteChatModel(base_url=url, max_retries=0, **options) for url in urls}
    pool = Pool(clients, pacing or Pacing())
    return PooledChatModel(base_url=urls[0], pool=pool, **options)
