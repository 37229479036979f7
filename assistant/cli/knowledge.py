"""`midwatch ingest` and `midwatch search`: runbooks in, passages out. No model is involved."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stderr_console, stdout_console, visible, working

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge.ingest import IngestProgress, IngestReport

_SHOWN_CHARS = 320
_SHOWN_FAILURES = 20


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of runbooks.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read runbooks (Markdown, reStructuredText, text) so that answers can quote them.

    Only what changed since the last time is read again; what is gone is forgotten.
    """
    settings = context_of(context).settings
    from assistant.live import open_runbooks

    with open_runbooks(settings) as runbooks:
        report = _with_bar(lambda progress: runbooks.ingest(paths, progress))
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    if report.failed and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(EXIT_FAILED)


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A symptom or a question.")],
    count: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the runbook passages that answer a question. Empty when none does."""
    settings = context_of(context).settings
    from assistant.live import open_runbooks, runbook_threshold

    started = time.monotonic()
    with working("searching"), open_runbooks(settings) as runbooks:
        is_empty = runbooks.is_empty()
        passages = runbooks.search(query, count, runbook_threshold(settings))
    duration_s = time.monotonic() - started
    if as_json:
        results = [
            {"path": p.path, "heading": p.heading, "score": round(p.score, 4), "text": p.text}
            for p in passages
        ]
        print_json({"results": results, "duration_s": round(duration_s, 4)})
        return
    if is_empty:
        note("No runbooks yet: midwatch ingest FOLDER")
    elif not passages:
        note("No passage answers this.")
    for number, passage in enumerate(passages):
        if number:
            print()
        stdout_console().print(
            visible(f"{passage.score:.2f}  {passage.path}:{passage.line}  {passage.heading}"),
            style="bold",
            markup=False,
            soft_wrap=True,
        )
        print(visible(_clipped(passage.text)))


def _with_bar(work: Callable[[Callable[[IngestProgress], None]], IngestReport]) -> IngestReport:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files, {task.fields[chunks]} passages"),
        TimeRemainingColumn(),
    )
    console = stderr_console()
    # Where there is no terminal, a bar that goes away again would leave an empty line.
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None, chunks=0)

        def show(progress: IngestProgress) -> None:
            bar.update(
                task,
                completed=progress.files_done,
                total=progress.files_total,
                chunks=progress.chunks,
            )

        return work(show)


def _print_report(report: IngestReport) -> None:
    print(
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.removed} removed, {len(report.failed)} failed "
        f"({report.chunks} passages in {report.duration_s:.1f} s)"
    )
    for failed in report.failed[:_SHOWN_FAILURES]:
        note(f"  {failed.path}: {failed.reason}")
    if len(report.failed) > _SHOWN_FAILURES:
        note(f"  and {len(report.failed) - _SHOWN_FAILURES} more")


def _clipped(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS].rstrip() + " …"
