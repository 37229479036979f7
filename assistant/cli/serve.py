"""`midwatch serve`: one process that owns the model, for every front and program."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from assistant.cli.context import EXIT_OK, context_of
from assistant.cli.output import note


def serve(
    context: typer.Context,
    listen: Annotated[
        str,
        typer.Option(
            help="Listen on this address besides, for callers with a token: 0.0.0.0:8443.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Keep the model loaded and answer for all: the other commands find it by themselves.

    Ends with Ctrl-C or SIGTERM, once the questions that it works on are answered.
    """
    found = context_of(context)
    settings = found.with_flags({"server.listen": listen} if listen else {}).settings
    from assistant.server.composing import run_server
    from assistant.sockets import socket_path

    note(f"midwatch listens on {socket_path(settings)}")
    if settings.server.listen:
        note(f"and on {settings.server.listen}, for callers with a token")
    asyncio.run(run_server(settings))
    raise typer.Exit(EXIT_OK)
