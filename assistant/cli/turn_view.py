"""Showing a turn: for a person as it goes, for a program as one object at its end."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from assistant.cli.output import AnswerPrinter, Spinner, note, print_json

if TYPE_CHECKING:
    from assistant.events import Event, ToolFinished, TurnFailed, TurnFinished

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
    "service_state": "service",
    "restart_service": "restart",
    "start_service": "start",
    "stop_service": "stop",
    "scale_service": "scaling",
    "delete_service": "deletion",
    "run_code": "run",
}


async def show_turn(events: AsyncIterator[Event], *, as_json: bool) -> TurnFinished | TurnFailed:
    """Show the events of a turn as they come; the last of them."""
    from assistant.events import TurnFailed, TurnFinished

    with _JsonView() if as_json else _TextView() as view:
        async for event in events:
            view.show(event)
            if isinstance(event, TurnFinished | TurnFailed):
                return event
    raise AssertionError("a turn ends in TurnFinished or TurnFailed")


class _TextView:
    """The turn for a person: progress on standard error, the answer on standard output."""

    def __init__(self) -> None:
        self._answer = AnswerPrinter()
        self._running: dict[int, str] = {}
        self._spinner: Spinner | None = None

    def __enter__(self) -> _TextView:
        self._spinner = Spinner("starting")
        return self

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

    def __enter__(self) -> _JsonView:
        return self

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
    mark = {"ok": "+", "no_data": "-", "needs_approval": "?"}.get(event.status, "!")
    took = f" ({event.duration_s:.0f} s)" if event.duration_s >= 1 else ""
    summary = event.summary.splitlines()[0] if event.summary else event.status
    line = f"{mark} {_name(event.name)}{took}: {summary}"
    width = shutil.get_terminal_size().columns
    return line if len(line) <= width else line[: width - 1] + "…"


def _usage_line(event: TurnFinished) -> str:
    usage = event.usage
    parts = [
        *([f"session {event.session}"] if event.session else []),
        f"first word {usage.ttft_s:.1f} s, all {usage.total_s:.1f} s",
    ]
    if usage.is_answer_cached:
        parts.append("answered before, from the same evidence (--no-cache works on it again)")
    if usage.completion_tokens:
        parts.append(f"{usage.prompt_tokens:,} tokens read, {usage.completion_tokens:,} written")
    return textwrap.fill(" · ".join(parts), shutil.get_terminal_size().columns)
