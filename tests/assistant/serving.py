"""A server in the test's own event loop, and a client of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from assistant.access.quotas import Limits, Quotas
from assistant.client.finding import ServerAddress
from assistant.client.remote import open_remote_assistant
from assistant.interface import Assistant
from assistant.local import LocalAssistant
from assistant.observing.metrics import Metrics
from assistant.observing.watching import Watch
from assistant.server.app import create_app
from assistant.server.impatience import ImpatientProtocol
from assistant.server.journaling import open_journal
from assistant.server.serving import listen_unix
from assistant.server.state import ServerState
from assistant.server.turns import Patience, Turns
from assistant.server.uploads import Uploads

from .waiting import until

PATIENCE = Patience(alone_s=5.0)


def state_for(assistant: Assistant, folder: Path, patience: Patience = PATIENCE) -> ServerState:
    """The state of a server that is ready."""
    uploads = Uploads(folder / "uploads", 1 << 20)
    watch, quotas, turns = Watch(Metrics("0.0")), Quotas(Limits()), Turns(patience)
    return ServerState(assistant, turns, uploads, watch, quotas, None, "0.0", is_ready=True)


@asynccontextmanager
async def listening(make: Callable[[str], FastAPI]) -> AsyncIterator[Path]:
    """The Unix socket of a running server of the app that `make` makes for its path."""
    # A test's own folder may have too long a path for a socket.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sock"
        configuration = uvicorn.Config(
            make(str(path)), http=ImpatientProtocol, ws="none", lifespan="off", log_config=None
        )
        server = uvicorn.Server(configuration)
        with listen_unix(path) as opened:
            running = asyncio.create_task(server._serve([opened]))
            await until(lambda: server.started)
            try:
                yield path
            finally:
                server.should_exit = True
                await running


@asynccontextmanager
async def served(assistant: LocalAssistant, folder: Path) -> AsyncIterator[Assistant]:
    """`assistant` behind a server, as a client on the same machine has it."""
    state = state_for(assistant, folder)
    async with (
        open_journal(assistant.store) as state.journal,
        listening(lambda path: create_app(state, path)) as path,
        open_remote_assistant(ServerAddress(socket=path)) as remote,
    ):
        yield remote
        await state.turns.drain(5.0)


Place = Callable[[LocalAssistant, Path], AbstractAsyncContextManager[Assistant]]


@asynccontextmanager
async def here(assistant: LocalAssistant, folder: Path) -> AsyncIterator[Assistant]:
    """`assistant` as it is."""
    yield assistant


PLACES: dict[str, Place] = {"here": here, "served": served}
"""Where the assistant of a test is: what holds of one holds of the other."""
