"""`midwatch top`: a running server, watched: who runs, who waits, the cache, and the rates."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import Context, context_of
from assistant.cli.output import print_json, stdout_console
from assistant.cli.top_views import Reading, json_object, rendered

if TYPE_CHECKING:
    import httpx

    from assistant.client.finding import ServerAddress
    from assistant.observing.server_view import ServerView

# Of the screen's lines, those that are not requests.
_OTHER_LINES = 8


def top(
    context: typer.Context,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds between two readings.")
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Print one reading, with its rates, and end.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object for each reading.")
    ] = False,
) -> None:
    """Watch the engine of a running server: requests, cache, token rates, times, approvals.

    In a terminal the view is redrawn until `q`; elsewhere each reading is printed.
    """
    address = _address(context_of(context))
    asyncio.run(_top(address, interval, is_once=once, is_json=as_json))


def _address(context: Context) -> ServerAddress:
    from assistant.client.finding import find_server
    from assistant.errors import ServerError

    address = None if context.is_local else find_server(context.settings, context.server)
    if address is None:
        raise ServerError(
            "no server runs on this data folder",
            "start one with `midwatch serve`, or name one: --server URL",
        )
    return address


async def _top(address: ServerAddress, interval_s: float, *, is_once: bool, is_json: bool) -> None:
    from assistant.client.http import open_client

    async with open_client(address) as client:
        await run_top(client, interval_s, is_once=is_once, is_json=is_json)


async def run_top(
    client: httpx.AsyncClient, interval_s: float, *, is_once: bool = False, is_json: bool = False
) -> None:
    """Show the server behind `client` until somebody ends it, or once.

    Raises the server's refusal and ServerError; a view that is redrawn outlives a server that is
    away for a while.
    """
    if is_once or is_json or not sys.stdout.isatty():
        await _print(client, interval_s, is_once=is_once, is_json=is_json)
    else:
        await _redraw(client, interval_s)


async def _print(
    client: httpx.AsyncClient, interval_s: float, *, is_once: bool, is_json: bool
) -> None:
    is_first = True
    async with aclosing(_readings(client, interval_s)) as readings:
        async for reading in readings:
            if is_once and is_first:
                is_first = False
                continue
            _show(reading, is_json=is_json)
            if is_once:
                return


def _show(reading: Reading, *, is_json: bool) -> None:
    if is_json:
        print_json(json_object(reading))
    else:
        stdout_console().print(rendered(reading), soft_wrap=True)
        print(flush=True)


async def _readings(client: httpx.AsyncClient, interval_s: float) -> AsyncGenerator[Reading]:
    """A reading at once, and then one each `interval_s`, with rates."""
    from assistant.observing.rates import rates

    before = await _read(client)
    yield Reading(before)
    while True:
        await asyncio.sleep(interval_s)
        view = await _read(client)
        yield Reading(view, rates(before, view))
        before = view


async def _read(client: httpx.AsyncClient) -> ServerView:
    from assistant import wire
    from assistant.client.http import call
    from assistant.observing.server_view import ServerView

    return wire.read(ServerView, await call(client, "GET", "/api/engine"))


async def _redraw(client: httpx.AsyncClient, interval_s: float) -> None:
    """Redraw the view until `q` is pressed."""
    with _quit_key() as quit_pressed:
        drawing = asyncio.create_task(_draw(client, interval_s))
        quitting = asyncio.create_task(quit_pressed.wait())
        try:
            await asyncio.wait([drawing, quitting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            quitting.cancel()
            drawing.cancel()
            await asyncio.wait([drawing, quitting])
    if not drawing.cancelled():
        drawing.result()


async def _draw(client: httpx.AsyncClient, interval_s: float) -> None:
    from rich.live import Live

    from assistant.errors import ServerError

    last = Reading(await _read(client))
    console = stdout_console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        live.update(rendered(last, max_requests=_room(console.height)), refresh=True)
        while True:
            problem = ""
            await asyncio.sleep(interval_s)
            try:
                last = await _next(client, last)
            except ServerError as error:
                problem = f"{error.message}; this is what it was before"
            shown = rendered(last, problem, max_requests=_room(console.height))
            live.update(shown, refresh=True)


async def _next(client: httpx.AsyncClient, last: Reading) -> Reading:
    from assistant.observing.rates import rates

    view = await _read(client)
    return Reading(view, rates(last.view, view))


def _room(height: int) -> int:
    return max(1, height - _OTHER_LINES)


@contextmanager
def _quit_key() -> Iterator[asyncio.Event]:
    """An event that `q` sets; without a keyboard nothing does, and Ctrl-C ends the command."""
    pressed = asyncio.Event()
    if not sys.stdin.isatty():
        yield pressed
        return
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    loop = asyncio.get_running_loop()
    # Keys arrive one by one and are not echoed; Ctrl-C stays what it is.
    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, _on_key, keyboard, pressed)
    try:
        yield pressed
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _on_key(keyboard: int, pressed: asyncio.Event) -> None:
    keys = os.read(keyboard, 64)
    # Nothing to read: the terminal is gone.
    if b"q" in keys.lower() or not keys:
        pressed.set()
