"""`midwatch ask`: a question in, an answer out, with the evidence that it rests on."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import EXIT_FAILED, EXIT_OK, EXIT_WAITING, Context, context_of
from assistant.cli.output import AnswerPrinter, Spinner, note, print_json, working

if TYPE_CHECKING:
    from assistant.events import Event, ToolFinished, TurnFailed, TurnFinished
    from assistant.interface import AskRequest

_DEFAULT_QUESTION = "What is wrong here?"
_DOING = {
    "analyze_logs": "reading logs",
    "search_logs": "searching logs",
    "tail_logs": "reading the last lines",
    "read_captures": "reading captures",
    "read_capture": "reading a capture",
    "list_services": "asking for service states",
    "search_runbooks": "searching runbooks",
}


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
        str | None, typer.Option(help="Go on with this session.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask what is wrong. Text piped to standard input is evidence."""
    with spooled_stdin() as stdin_file:
        has_evidence = stdin_file is not None or bool(files) or bundle is not None
        if not question and not has_evidence:
            raise typer.BadParameter("ask a question, or give evidence with -f, --bundle or a pipe")
        if bundle is not None and (files or stdin_file is not None):
            raise typer.BadParameter("--bundle is the whole evidence: leave out -f and the pipe")
        from assistant.interface import AskRequest

        request = AskRequest(
            question=question or _DEFAULT_QUESTION,
            session=session,
            continue_last=continue_last,
            bundle=bundle,
            files=tuple(files or ()),
            stdin_file=stdin_file,
        )
        status = asyncio.run(_run(context_of(context), request, as_json=as_json))
    raise typer.Exit(status)


async def _run(context: Context, request: AskRequest, *, as_json: bool) -> int:
    from assistant.events import TurnFailed, TurnFinished
    from assistant.local import open_local_assistant

    settings = context.settings
    view = _JsonView() if as_json else _TextView()
    async with (
        open_local_assistant(settings) as assistant,
        aclosing(assistant.ask(request)) as events,
    ):
        with view:
            async for event in events:
                view.show(event)
                if isinstance(event, TurnFinished):
                    return EXIT_WAITING if event.outcome == "needs_approval" else EXIT_OK
                if isinstance(event, TurnFailed):
                    return EXIT_FAILED
    raise AssertionError("a turn ends in TurnFinished or TurnFailed")


class _TextView:
    """The turn for a person: progress on standard error, the answer on standard output."""

    def __init__(self) -> None:
        self._answer = AnswerPrinter()
        self._spinner: Spinner | None = None

    def __enter__(self) -> None:
        self._spinner = Spinner("starting")

    def __exit__(self, *_: object) -> None:
        self._stop_spinner()
        self._answer.abandon()

    def show(self, event: Event) -> None:
        """Show one event."""
        from assistant import events

        match event:
            case events.ToolStarted():
                self._update(_DOING.get(event.name, event.name))
            case events.ToolFinished():
                self._update("thinking")
                note(_tool_line(event))
            case events.TextDelta():
                self._stop_spinner()
                self._answer.push(event.text)
            case events.TurnFinished():
                self._answer.finish()
                note(_usage_line(event))
            case events.TurnFailed():
                self._stop_spinner()
                _show_failure(event)

    def _update(self, text: str) -> None:
        if self._spinner is not None:
            self._spinner.update(text)

    def _stop_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


class _JsonView:
    """The turn for a program: one object at the end."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: Event) -> None:
        """Print the object when the turn ends."""
        from assistant.events import TurnFailed, TurnFinished

        if isinstance(event, TurnFinished):
            print_json(answer_object(event))
        if isinstance(event, TurnFailed):
            print_json(failure_object(event))


def answer_object(event: TurnFinished) -> dict[str, Any]:
    """The contract of `ask --json`."""
    from dataclasses import asdict

    return asdict(event)


def failure_object(event: TurnFailed) -> dict[str, Any]:
    """The same object for a turn without an answer, with the reason under `error`."""
    from assistant.events import TurnFinished

    empty = answer_object(TurnFinished(event.session, "", "failed"))
    return empty | {"error": {"code": event.code, "message": event.message, "hint": event.hint}}


def _show_failure(event: TurnFailed) -> None:
    note(f"midwatch: {event.message}")
    if event.hint:
        note(f"  {event.hint}")


def _tool_line(event: ToolFinished) -> str:
    mark = {"ok": "+", "no_data": "-"}.get(event.status, "!")
    summary = event.summary.splitlines()[0] if event.summary else event.status
    width = shutil.get_terminal_size().columns
    line = f"{mark} {_DOING.get(event.name, event.name)} ({event.duration_s:.1f} s): {summary}"
    return line if len(line) <= width else line[: width - 1] + "…"


def _usage_line(event: TurnFinished) -> str:
    usage = event.usage
    return (
        f"session {event.session} · {usage.model} · first word {usage.ttft_s:.1f} s, "
        f"all {usage.total_s:.1f} s · {usage.prompt_tokens:,} prompt tokens "
        f"({usage.cached_tokens:,} cached), {usage.completion_tokens:,} written"
    )


@contextmanager
def spooled_stdin(*, wanted: bool = True) -> Iterator[Path | None]:
    """Standard input in a file of this user's own, when something is piped in; else None."""
    mode = os.fstat(sys.stdin.fileno()).st_mode if sys.stdin else 0
    if not wanted or not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
        yield None
        return
    with (
        tempfile.NamedTemporaryFile(prefix="midwatch-stdin-", suffix=".txt") as file,
        working("reading standard input"),
    ):
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name) if file.tell() else None
