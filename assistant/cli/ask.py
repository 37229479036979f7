"""`midwatch ask`: a question in, an answer out, with the evidence that it rests on."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.completion import session_ids
from assistant.cli.context import EXIT_FAILED, EXIT_OK, EXIT_WAITING, Context, context_of, opened
from assistant.cli.stdin import spooled_stdin
from assistant.cli.turn_view import show_turn

if TYPE_CHECKING:
    from assistant.interface import AskRequest

_DEFAULT_QUESTION = "What is wrong here?"


def ask(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="What you want to know.", show_default=False)
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="A log or text file to answer from.", show_default=False),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Answer from this folder, not from live systems.", show_default=False),
    ] = None,
    continue_last: Annotated[
        bool, typer.Option("--continue", "-c", help="Go on with the last session.")
    ] = False,
    session: Annotated[
        str | None,
        typer.Option(
            help="Go on with this session.", autocompletion=session_ids, show_default=False
        ),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Use the larger model of [routing] deep.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Work on it even where the answer is known.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask what is wrong. Text piped to standard input is evidence."""
    if session is not None and continue_last:
        raise typer.BadParameter("give -c or --session, not both")
    wanted = (question or "").strip()
    with spooled_stdin() as stdin_file:
        has_evidence = stdin_file is not None or bool(files) or bundle is not None
        if not wanted and not has_evidence:
            raise typer.BadParameter("ask a question, or give evidence with -f, --bundle or a pipe")
        if bundle is not None and (files or stdin_file is not None):
            raise typer.BadParameter("--bundle is the whole evidence: leave out -f and the pipe")
        from assistant.interface import AskRequest

        request = AskRequest(
            question=wanted or _DEFAULT_QUESTION,
            session=session,
            continue_last=continue_last,
            bundle=bundle,
            files=tuple(files or ()),
            stdin_file=stdin_file,
            is_deep=deep,
            may_be_cached=not no_cache,
        )
        status = asyncio.run(_run(context_of(context), request, as_json=as_json))
    raise typer.Exit(status)


async def _run(context: Context, request: AskRequest, *, as_json: bool) -> int:
    from assistant.events import TurnFinished

    async with opened(context) as assistant, aclosing(assistant.ask(request)) as events:
        ended = await show_turn(events, as_json=as_json)
    if not isinstance(ended, TurnFinished):
        return EXIT_FAILED
    return EXIT_WAITING if ended.outcome == "needs_approval" else EXIT_OK
