"""`midwatch sessions`: earlier conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from assistant.cli.completion import session_ids
from assistant.cli.context import context_of, opened_archive
from assistant.cli.output import note, print_json, stdout_console, visible

if TYPE_CHECKING:
    from assistant.archive import Archive
    from assistant.client.remote import RemoteAssistant

app = typer.Typer(help="List, show and delete conversations.", no_args_is_help=True)

Id = Annotated[
    str, typer.Argument(help="A session's id, or its beginning.", autocompletion=session_ids)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Result = TypeVar("_Result")


@app.command("list")
def list_sessions(context: typer.Context, as_json: AsJson = False) -> None:
    """List the sessions, the last used one first."""
    sessions = _asked(context, lambda archive: archive.sessions())
    if as_json:
        print_json({"sessions": [asdict(info) for info in sessions]})
        return
    if not sessions:
        note("No sessions yet: midwatch ask QUESTION")
        return
    from rich.table import Column, Table
    from rich.text import Text

    # Where the terminal is narrow, the question gives way.
    fixed = [Column(header, no_wrap=True) for header in ("id", "last used", "turns")]
    table = Table(*fixed, "question", box=None, pad_edge=False)
    for info in sessions:
        used = info.updated_at_utc[5:16].replace("T", " ")
        title = Text(visible(info.title), no_wrap=True, overflow="ellipsis")
        table.add_row(info.id, used, str(info.num_turns), title)
    stdout_console().print(table)


@app.command()
def show(context: typer.Context, session: Id, as_json: AsJson = False) -> None:
    """Show a session's questions and answers as Markdown."""

    async def read(archive: Archive | RemoteAssistant) -> list[dict[str, Any]]:
        return [asdict(turn) for turn in (await archive.conversation(session)).turns]

    turns = _asked(context, read)
    if as_json:
        print_json({"turns": turns})
        return
    for turn in turns:
        print(visible(f"## {turn['question']}\n\n{turn['answer']}\n"))


@app.command()
def delete(context: typer.Context, session: Id) -> None:
    """Delete a session with all that belongs to it."""

    print(f"deleted {_asked(context, lambda archive: archive.delete(session))}")


@app.command()
def rename(context: typer.Context, session: Id, title: str) -> None:
    """Give a session another title."""
    _asked(context, lambda archive: archive.rename(session, title))


def _asked(
    context: typer.Context, work: Callable[[Archive | RemoteAssistant], Awaitable[_Result]]
) -> _Result:
    async def run() -> _Result:
        async with opened_archive(context_of(context)) as archive:
            return await work(archive)

    return asyncio.run(run())
