"""`midwatch ingest` and `midwatch search`: documents in, passages out. No model is involved."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from assistant.cli.context import EXIT_FAILED, context_of, opened_library
from assistant.cli.output import note, print_json, stderr_console, stdout_console, visible, working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from assistant.cli.context import Context
    from assistant.interface import Found, IngestRequest, SearchRequest
    from knowledge.base import Passage
    from knowledge.catalog import Filter
    from knowledge.ingest import IngestProgress, IngestReport

_SHOWN_CHARS = 320
_SHOWN_FAILURES = 20

app = typer.Typer(help="What was ingested from where.", no_args_is_help=True)

IngestKind = Literal["auto", "runbook", "incident", "log"]


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders, files or zip archives; none: all that was ingested before.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        IngestKind,
        typer.Option(help="What the documents are; auto: what each of them looks like."),
    ] = "auto",
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and read again whatever changes.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read everything anew, after an update.")
    ] = False,
    polling: Annotated[
        bool, typer.Option("--polling", help="Watch by looking, for remote file systems.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read runbooks, alert rules, incidents or logs, so that answers can quote them.

    Only what changed since the last time is read again; what is gone is forgotten.
    """
    if rebuild and (paths or watch):
        raise typer.BadParameter("it goes alone", param_hint="--rebuild")
    if watch and not paths:
        raise typer.BadParameter("say what to watch", param_hint="PATHS")
    from assistant.interface import IngestRequest

    request = IngestRequest(tuple(paths or ()), kind, rebuild)
    if watch:
        _watch(context_of(context), request, is_polling=polling, as_json=as_json)
        return
    report = _ingested(context_of(context), request)
    _print_report(report, as_json=as_json)
    if report.failed and not (report.added or report.updated or report.moved or report.unchanged):
        raise typer.Exit(EXIT_FAILED)


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A symptom, a question or a log line.")],
    count: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages.")] = 5,
    path: Annotated[
        list[str] | None,
        typer.Option(help="Only below this displayed path, or matching it (*, ?); repeatable."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Only runbook, alert, incident or log documents; repeatable."),
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Only documents about this service; repeatable.")
    ] = None,
    since: Annotated[
        str, typer.Option(help="Only documents from the last 90d, 12h …", show_default=False)
    ] = "",
    code: Annotated[
        bool, typer.Option("--code", help="Show the code in the passages only.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the passages that answer a question. Empty when none does."""
    from assistant.interface import SearchRequest

    request = SearchRequest(query, count, _filter(path or (), kind or (), service or (), since))
    started = time.monotonic()
    with working("searching"):
        found = asyncio.run(_search(context_of(context), request))
    duration_s = time.monotonic() - started
    is_empty, passages = found.is_empty, found.passages
    if as_json:
        results = [_as_result(passage, with_code=code) for passage in passages]
        print_json({"results": results, "duration_s": round(duration_s, 4)})
    elif is_empty:
        note("Nothing to search in yet: midwatch ingest FOLDER")
    elif not passages:
        note("No passage answers this.")
    elif code:
        _print_code(passages)
    else:
        _print_passages(passages)


@app.command("list")
def list_sources(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the folders and files that were ingested, and how much is held of each."""
    settings = context_of(context).settings
    from assistant.live import open_runbooks

    with open_runbooks(settings) as base:
        sources = base.sources()
    if as_json:
        print_json({"sources": sources})
        return
    if not sources:
        note("Nothing was ingested yet: midwatch ingest FOLDER")
        return
    from rich.table import Column, Table
    from rich.text import Text

    numbers = [Column(name, justify="right", no_wrap=True) for name in ("documents", "passages")]
    table = Table("path", "kind", *numbers, "last read", box=None, pad_edge=False)
    for source in sources:
        read = f"{source.ingested_at_utc:%Y-%m-%d %H:%M}"
        path = Text(visible(str(source.path)), overflow="fold")
        kind = source.kind or "auto"
        table.add_row(path, kind, str(source.num_documents), str(source.num_chunks), read)
    stdout_console().print(table)


@app.command()
def forget(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder or file, there or not.")],
) -> None:
    """Forget all that is held of a folder or file; the files themselves stay."""
    settings = context_of(context).settings
    from assistant.live import open_runbooks

    with open_runbooks(settings) as base:
        print(f"{base.forget(path)} documents forgotten")


async def _search(context: Context, request: SearchRequest) -> Found:
    async with opened_library(context) as library:
        return await library.search(request)


def _filter(
    paths: Sequence[str],
    kinds: Sequence[str],
    services: Sequence[str],
    since: str,
) -> Filter:
    from datetime import UTC, datetime

    from knowledge.catalog import Filter
    from knowledge.documents import Kind
    from tools.window import parse_duration

    known: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    unknown = [kind for kind in kinds if kind not in known]
    if unknown:
        raise typer.BadParameter(
            f"{unknown[0]!r} is none of {', '.join(known)}", param_hint="--kind"
        )
    since_utc = datetime.now(UTC) - parse_duration(since) if since else None
    return Filter(tuple(paths), tuple(known[kind] for kind in kinds), tuple(services), since_utc)


def _as_result(passage: Passage, *, with_code: bool) -> dict[str, object]:
    from knowledge.examples import examples_in

    code = {"code": [example.code for example in examples_in(passage)]} if with_code else {}
    return {
        "path": passage.path,
        "heading": passage.heading,
        "score": round(passage.score, 4),
        "text": passage.text,
        "line": passage.line,
        "kind": passage.kind,
        "services": passage.services,
        "dated_utc": passage.dated_utc,
        "also_in": passage.also_in,
        **code,
    }


def _print_code(passages: Sequence[Passage]) -> None:
    """The code blocks as they stand, each behind a comment that says where that is."""
    from knowledge.examples import examples_in

    examples = [example for passage in passages for example in examples_in(passage)]
    if not examples:
        note("No code in the passages that answer this.")
    for example in examples:
        print(visible(f"# {example.path}:{example.line}  {example.heading}"))
        print(visible(f"{example.code}\n"))


def _print_passages(passages: Sequence[Passage]) -> None:
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
        if passage.also_in:
            print(visible(f"The same in {', '.join(passage.also_in)}"))


def _ingested(context: Context, request: IngestRequest) -> IngestReport:
    """The report of one ingest, with a bar while it runs."""

    async def run() -> IngestReport:
        with _bar() as show:
            async with (
                opened_library(context) as assistant,
                aclosing(assistant.ingest(request)) as told,
            ):
                async for progress in told:
                    if isinstance(progress, IngestReport):
                        return progress
                    show(progress)
        raise AssertionError("an ingest ends in its report")

    from knowledge.ingest import IngestReport

    return asyncio.run(run())


def _watch(context: Context, request: IngestRequest, *, is_polling: bool, as_json: bool) -> None:
    """Ingest for each change, until Ctrl-C; one report each time that anything came of it."""
    from threading import Event

    from knowledge.errors import IngestBusy, SourceNotFound
    from knowledge.watching import changes

    with suppress(KeyboardInterrupt):  # there is no other end, so this is no failure
        for changed in changes(request.paths, Event(), note, is_polling=is_polling):
            try:
                report = _ingested(context, request)
            except (SourceNotFound, IngestBusy) as error:
                note(f"midwatch: {error.message}; what is held of it stays")
                continue
            if not changed or report.has_changes or report.failed:
                _print_report(report, as_json=as_json)
            if not changed:
                note("watching; end with Ctrl-C")


@contextmanager
def _bar() -> Iterator[Callable[[IngestProgress], None]]:
    """A bar on standard error, and what moves it."""
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
        TextColumn("files, {task.fields[chunks]} passages, {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = stderr_console()
    # Where there is no terminal, a bar that goes away again would leave an empty line.
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None, chunks=0, rate="")
        started = time.monotonic()

        def show(progress: IngestProgress) -> None:
            per_second = progress.chunks / max(time.monotonic() - started, 0.1)
            bar.update(
                task,
                completed=progress.files_done,
                total=progress.files_total,
                chunks=progress.chunks,
                rate=f"{per_second:.0f} a second",
            )

        yield show


def _print_report(report: IngestReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    moved = f"{report.moved} moved, " if report.moved else ""
    print(
        f"{report.added} added, {report.updated} updated, {moved}{report.unchanged} unchanged, "
        f"{report.removed} removed, {len(report.failed)} failed "
        f"({report.chunks} passages in {report.duration_s:.1f} s)",
        flush=True,
    )
    for failed in report.failed[:_SHOWN_FAILURES]:
        note(f"  {failed.path}: {failed.reason}")
    if len(report.failed) > _SHOWN_FAILURES:
        note(f"  and {len(report.failed) - _SHOWN_FAILURES} more")


def _clipped(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS].rstrip() + " …"
