"""Running the server: its sockets, its start, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from assistant.errors import ServerError
from assistant.server.impatience import ImpatientProtocol
from assistant.server.readiness import notify, watchdog_interval_s
from assistant.server.turns import Turns
from assistant.sockets import make_private

_log = logging.getLogger(__name__)

_BACKLOG = 512
_KEEP_ALIVE_S = 30


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that is listened on, and the TLS on it."""

    socket: socket.socket
    tls: tuple[Path, Path] | None = None
    """Files of the certificate and of its key."""


class _Server(uvicorn.Server):
    """One of several servers of a process, which handles the signals for all of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: ASGIApp,
    turns: Turns,
    listeners: Sequence[Listener],
    *,
    drain_s: float,
    prepare: Callable[[], Awaitable[None]],
) -> None:
    """Serve until SIGTERM or SIGINT; then let running turns end for up to `drain_s`.

    `prepare` makes ready what the first question needs, while others are answered already. A second
    signal ends at once.
    """
    servers = [_Server(_configuration(app, listener)) for listener in listeners]
    asked_to_end = asyncio.Event()
    running = [
        asyncio.create_task(server.serve([listener.socket]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    async with _signals(asked_to_end), _beating():
        preparing = asyncio.create_task(_prepared(prepare))
        ending = asyncio.create_task(asked_to_end.wait())
        await asyncio.wait([ending, *running], return_when=asyncio.FIRST_COMPLETED)
        notify("STOPPING=1")
        preparing.cancel()
        await _drained(turns, asked_to_end, drain_s)
        for server in servers:
            server.should_exit = True
        await asyncio.wait(running)
        ending.cancel()
    for task in running:
        task.result()


def listen_unix(path: Path) -> socket.socket:
    """The Unix socket at `path`, for this user only. The caller holds `only_server`."""
    make_private(path.parent)
    path.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Between binding and a chmod anybody could connect.
    mask = os.umask(0o177)
    try:
        opened.bind(str(path))
    finally:
        os.umask(mask)
    opened.listen(_BACKLOG)
    opened.setblocking(False)
    return opened


def listen_tcp(address: str) -> socket.socket:
    """A socket on `host:port`. Raises ServerError when it cannot be had."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, int(port)))
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise ServerError(
            f"{address} cannot be listened on: {error}", "choose another: [server] listen"
        ) from error
    opened.setblocking(False)
    return opened


@contextmanager
def only_server(path: Path) -> Iterator[None]:
    """Hold the lock of the socket at `path`. Raises ServerError when a server has it."""
    make_private(path.parent)
    with path.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError(
                f"a server runs already, on {path}", "use it, or end it first"
            ) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _configuration(app: ASGIApp, listener: Listener) -> uvicorn.Config:
    certificate, key = listener.tls or (None, None)
    try:
        configuration = uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            # Streams that are cut are gone on with elsewhere.
            timeout_graceful_shutdown=2,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        configuration.load()
    except (OSError, ssl.SSLError) as error:
        raise ServerError(
            f"the TLS certificate cannot be used: {error}",
            "check [server] tls_certificate and tls_key",
        ) from error
    return configuration


async def _prepared(prepare: Callable[[], Awaitable[None]]) -> None:
    try:
        await prepare()
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge: questions say what is wrong
        from assistant.problems import describe

        problem = describe(error)
        _log.error("the model cannot be used: %s (%s)", problem.message, problem.hint)
        notify(f"STATUS={problem.message}")
    else:
        notify("STATUS=ready")
    # Also without a model there is something to ask: the sessions, and what waits for a decision.
    notify("READY=1")


async def _drained(turns: Turns, asked_again: asyncio.Event, drain_s: float) -> None:
    """Let the turns end, unless somebody is in a hurry."""
    asked_again.clear()
    if turns.num_running:
        _log.info("waiting for %d running turns", turns.num_running)
    draining = asyncio.create_task(turns.drain(drain_s))
    hurrying = asyncio.create_task(asked_again.wait())
    await asyncio.wait([draining, hurrying], return_when=asyncio.FIRST_COMPLETED)
    hurrying.cancel()
    if not draining.done():
        draining.cancel()
        await turns.drain(0.0)


@asynccontextmanager
async def _signals(asked_to_end: asyncio.Event) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGTERM, signal.SIGINT)
    for number in wanted:
        loop.add_signal_handler(number, asked_to_end.set)
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Tell the service manager now and then that the event loop turns."""
    interval_s = watchdog_interval_s()

    async def beat() -> None:
        while interval_s is not None:
            notify("WATCHDOG=1")
            await asyncio.sleep(interval_s)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
