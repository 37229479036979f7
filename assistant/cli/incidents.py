"""`midwatch incidents` and `midwatch resolve`: what went wrong before, and what fixed it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.completion import incident_ids, session_ids
from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stdout_console, visible, without_secrets

if TYPE_CHECKING:
    from assistant.incidents import Resolution
    from knowledge.incidents.incident import Incident
    from knowledge.incidents.memory import IncidentMemory
    from knowledge.incidents.similarity import IncidentMatch

app = typer.Typer(help="Past incidents, and what fixed them.", no_args_is_help=True)

Id = Annotated[
    str,
    typer.Argument(help="An incident's id, or a part of it.", autocompletion=incident_ids),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Services = Annotated[
    list[str] | None, typer.Option("--service", help="A service it was about; repeatable.")
]
Cause = Annotated[str, typer.Option(help="What caused it.")]
Fix = Annotated[str, typer.Option(help="What fixed it.")]


def resolve(
    context: typer.Context,
    cause: Cause,
    fix: Fix,
    session: Annotated[
        str,
        typer.Argument(
            help="A session's id, or its beginning; none: the last one.",
            autocompletion=session_ids,
            show_default=False,
        ),
    ] = "",
    title: Annotated[str, typer.Option(help="Its name; else the session's.")] = "",
    service: Services = None,
    as_json: AsJson = False,
) -> None:
    """Note what caused and fixed the trouble that a session was about, for the next time."""
    from assistant.incidents import Resolution

    cause, fix, title = map(without_secrets, (cause, fix, title))
    resolution = Resolution(cause, fix, title, tuple(service or ()))
    incident = _incident_of_session(context, session, resolution)
    with _memory(context) as memory:
        memory.add(incident)
    _print_noted(incident, as_json=as_json)


@app.command()
def add(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What happened, in a few words.")],
    cause: Cause,
    fix: Fix,
    symptoms: Annotated[str, typer.Option(help="How it looked from outside.")] = "",
    service: Services = None,
    line: Annotated[
        list[str] | None, typer.Option(help="A log line that it is recognised by; repeatable.")
    ] = None,
    when: Annotated[
        datetime | None, typer.Option(help="When it happened, in UTC; else now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Note an incident by hand."""
    from knowledge.incidents.incident import Incident, incident_id
    from tools.logs.sightings import templates_of

    occurred = (when or datetime.now(UTC)).replace(tzinfo=UTC, microsecond=0)
    title, cause, fix, symptoms = map(without_secrets, (title, cause, fix, symptoms))
    lines = list(map(without_secrets, line or ()))
    incident = Incident(
        id=incident_id(title, occurred, ""),
        title=title,
        occurred_at_utc=occurred,
        services=tuple(service or ()),
        symptoms=symptoms,
        templates=tuple(template for text in lines for template in templates_of(text)),
        cause=cause,
        fix=fix,
    )
    with _memory(context) as memory:
        memory.add(incident)
    _print_noted(incident, as_json=as_json)


@app.command("list")
def list_incidents(
    context: typer.Context, service: Services = None, as_json: AsJson = False
) -> None:
    """List the incidents, the latest first."""
    wanted = {name.lower() for name in service or ()}
    with _memory(context) as memory:
        known = memory.all()
    shown = [one for one in known if not wanted or wanted & {s.lower() for s in one.services}]
    if as_json:
        print_json({"incidents": shown})
    elif not shown:
        note("No incidents: midwatch resolve SESSION, or midwatch incidents add")
    else:
        _print_table(shown)


@app.command()
def show(context: typer.Context, incident: Id, as_json: AsJson = False) -> None:
    """Show an incident as Markdown."""
    from knowledge.incidents.markdown import to_markdown

    with _memory(context) as memory:
        found = memory.get(incident)
    if as_json:
        print_json(found)
    else:
        print(visible(to_markdown(found)), end="")


@app.command()
def search(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(help="Symptoms in words, or log lines; - reads standard input.")
    ],
    service: Services = None,
    count: Annotated[int, typer.Option("-k", min=1, max=50, help="How many incidents.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Find incidents that looked like this, the most similar first. Empty when none did."""
    from knowledge.incidents.incident import Signature
    from tools.logs.sightings import templates_of

    text = typer.get_text_stream("stdin").read() if query == "-" else query
    signature = Signature(tuple(templates_of(text)), tuple(service or ()), text[:2_000])
    with _memory(context) as memory:
        matches = memory.similar(signature, count)
    if as_json:
        print_json({"incidents": [_as_result(match) for match in matches]})
    elif not matches:
        note("No past incident looked like this.")
    else:
        _print_matches(matches)


@app.command("export")
def export_incidents(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to write one Markdown file for each.")],
) -> None:
    """Write the incidents as Markdown files, for the team's git."""
    from knowledge.incidents.export import write_all

    with _memory(context) as memory:
        report = write_all(memory.all(), folder)
    print(f"{report.written} written, {report.unchanged} unchanged in {visible(str(folder))}")


@app.command("import")
def import_incidents(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Markdown files, or folders of them.")],
    as_json: AsJson = False,
) -> None:
    """Read incidents from Markdown files: exported ones, or the team's own postmortems."""
    from knowledge.incidents.export import read_all

    files, failed = read_all(paths)
    with _memory(context) as memory:
        changes = memory.merge(files)
    for one in failed:
        note(f"  {one.path}: {one.reason}")
    for change in changes:
        for other in change.superseded:
            note(f"  {other}: not taken, {change.source} says otherwise of {change.incident.id}")
    counts = {what: sum(change.outcome == what for change in changes) for what in _OUTCOMES}
    if as_json:
        print_json({**counts, "failed": failed})
    else:
        print(", ".join(f"{count} {what}" for what, count in counts.items()), end="")
        print(f", {len(failed)} failed")
    if failed and not changes:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def remove(context: typer.Context, incident: Id) -> None:
    """Forget an incident. It is printed once more, so that it can be imported again."""
    from knowledge.incidents.markdown import to_markdown

    with _memory(context) as memory:
        found = memory.get(incident)
        memory.remove(found)
    print(visible(to_markdown(found)), end="")
    note(f"forgotten: {found.id}")


_OUTCOMES = ("added", "updated", "unchanged")


@contextmanager
def _memory(context: typer.Context) -> Iterator[IncidentMemory]:
    from assistant.live import open_runbooks
    from knowledge.incidents.memory import IncidentMemory

    with open_runbooks(context_of(context).settings) as base:
        yield IncidentMemory(base)


def _incident_of_session(context: typer.Context, session: str, resolution: Resolution) -> Incident:
    from assistant.incidents import incident_of_session
    from assistant.storage import session_store

    async def read() -> Incident:
        async with session_store(context_of(context).settings) as store:
            found = await store.resolve(session or None, continue_last=True)
            return await incident_of_session(store, found, resolution)

    return asyncio.run(read())


def _print_noted(incident: Incident, *, as_json: bool) -> None:
    if as_json:
        print_json(incident)
    else:
        print(f"noted {incident.id}: midwatch incidents show {incident.id}")


def _print_table(incidents: Sequence[Incident]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(Column("id", no_wrap=True), "services", "title", box=None, pad_edge=False)
    for incident in incidents:
        title = Text(visible(incident.title), no_wrap=True, overflow="ellipsis")
        services = Text(visible(", ".join(incident.services)), no_wrap=True, overflow="ellipsis")
        table.add_row(incident.id, services, title)
    stdout_console().print(table)


def _print_matches(matches: Sequence[IncidentMatch]) -> None:
    for number, match in enumerate(matches):
        incident = match.incident
        if number:
            print()
        head = visible(f"{match.score:.2f}  {incident.id}  {incident.title}")
        stdout_console().print(head, style="bold", markup=False, soft_wrap=True)
        print(visible(match.why))
        for label, text in (("Cause", incident.cause), ("Fix", incident.fix)):
            if text:
                print(visible(f"{label}: {text}"))


def _as_result(match: IncidentMatch) -> dict[str, object]:
    return {
        "score": round(match.score, 4),
        "why": match.why,
        "shared_templates": match.shared_templates,
        "shared_services": match.shared_services,
        "incident": match.incident,
    }
