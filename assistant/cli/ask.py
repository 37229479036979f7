"""`midwatch ask`: a question in, an answer out, with the evidence that it rests on."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.completion import session_ids
from assistant.cli.context import EXIT_FAILED, EXIT_OK, EXIT_WAITING, Context, context_of
from assistant.cli.output import AnswerPrinter, Spinner, note, print_json
from assistant.cli.stdin import spooled_stdin

if TYPE_CHECKING:
    from assistant.events import Event, ToolFinished, TurnFailed, TurnFinished
    from assistant.interface import AskRequest

_DEFAULT_QUESTION = "What is wrong here?"
_LOOKED_AT = {
    "analyze_logs": "logs",
    "search_logs": "log lines",
    "tail_logs": "last lines",
    "read_captures": "captures",
    "read_capture": "capture",
    "list_services": "services",
    "search_runbooks": "runbooks",
    "recall_incidents": "past incidents",
    "count_logs": "count",
    "compare_logs": "before and after",
    "fetch_logs": "live logs",
    "survey_metrics": "metrics",
    "query_metrics": "metrics",
    "find_metrics": "names of metrics",
    "survey_host": "this machine",
    "look_at_host": "this machine",
    "look_at_process": "process",
    "run_checks": "probes",
    "probe": "probe",
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
        str | None,
        typer.Option(
            help="Go on with this session.", autocompletion=session_ids, show_default=False
        ),
    ] = None,
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
        )
        status = asyncio.run(_run(context_of(context), request, as_json=as_json))
    raise typer.Exit(status)


async def _run(context: Context, request: AskRequest, *, as_json: bool) -> int:
    from assistant.events import TurnFailed, TurnFinished
    from assistant.local import load_model, open_local_assistant

    settings = context.settings
    view = _JsonView() if as_json else _TextView()
    async with (
        open_local_assistant(settings, partial(load_model, is_brief=True)) as assistant,
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
        self._running: dict[int, str] = {}
        self._spinner: Spinner | None = None

    def __enter__(self) -> None:
        self._spinner = Spinner("starting")

    def __exit__(self, *_: object) -> None:
        self._stop_spinner()
        self._answer.finish()

    def show(self, event: Event) -> None:
        """Show one event."""
        from assistant import events

        match event:
            case events.ToolStarted():
                self._running[event.call] = _name(event.name)
                self._update_spinner()
            case events.ToolFinished():
                self._running.pop(event.call, None)
                self._update_spinner()
                note(_tool_line(event))
            case events.TextDelta():
                self._begin_answer()
                self._answer.push(event.text)
            case events.TurnFinished():
                self._answer.finish()
                _set_apart()
                note(_usage_line(event))
            case events.TurnFailed():
                self._stop_spinner()
                self._answer.finish()
                _show_failure(event)

    def _begin_answer(self) -> None:
        if self._spinner is not None:
            self._stop_spinner()
            _set_apart()

    def _update_spinner(self) -> None:
        if self._spinner is not None:
            names = ", ".join(self._running.values())
            self._spinner.update(f"looking at {names}" if names else "thinking")

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


def _set_apart() -> None:
    """An empty line between progress and answer, where a person sees both."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        note("")


def _name(tool: str) -> str:
    return _LOOKED_AT.get(tool, tool)


def _tool_line(event: ToolFinished) -> str:
    """`+ logs: Analysed checkout, its whole length: 440 lines.` in one line of the terminal."""
    mark = {"ok": "+", "no_data": "-"}.get(event.status, "!")
    took = f" ({event.duration_s:.0f} s)" if event.duration_s >= 1 else ""
    summary = event.summary.splitlines()[0] if event.summary else event.status
    line = f"{mark} {_name(event.name)}{took}: {summary}"
    width = shutil.get_terminal_size().columns
    return line if len(line) <= width else line[: width - 1] + "…"


def _usage_line(event: TurnFinished) -> str:
    usage = event.usage
    parts = [
        f"session {event.session}",
        f"first word {usage.ttft_s:.1f} s, all {usage.total_s:.1f} s",
    ]
    if usage.completion_tokens:
        parts.append(f"{usage.prompt_tokens:,} tokens read, {usage.completion_tokens:,} written")
    return textwrap.fill(" · ".join(parts), shutil.get_terminal_size().columns)
