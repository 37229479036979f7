"""`midwatch audit`: what was asked for, decided and done, and whether the record of it is whole."""

from __future__ import annotations

import json
import re
import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stdout_console, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from assistant.audit.faults import Fault
    from assistant.audit.record import AuditRecord
    from assistant.audit.trail import Reader, Trail
    from assistant.audit.verification import Verification
    from assistant.audit.wanted import Wanted
    from tools.window import Window

app = typer.Typer(help="What was asked for, decided and done.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_NUM_NEWEST = 50
_FOLLOW_POLL_MS = 500
_STYLES = {
    "approved": "green",
    "finished": "green",
    "rejected": "yellow",
    "expired": "yellow",
    "refused": "yellow",
    "failed": "red",
    "unfinished": "red",
}
# The words of people and machines, as far as they belong into a table.
_SAID = ("reason", "note", "message", "result", "outcome")
_MAX_CELL_CHARS = 120


@app.command()
def show(
    context: typer.Context,
    since: Annotated[
        str,
        typer.Option(
            help="Look back this far, as 30m or 2h, or to a UTC time.", show_default=False
        ),
    ] = "",
    until: Annotated[
        str,
        typer.Option(
            help="Leave out the last 30m, or what is after a UTC time.", show_default=False
        ),
    ] = "",
    kind: Annotated[
        list[str] | None, typer.Option(help="Only requested, approved, failed …; repeatable.")
    ] = None,
    action: Annotated[
        list[str] | None, typer.Option(help="Only this action, as restart_service; repeatable.")
    ] = None,
    service: Annotated[
        str, typer.Option(help="Only what is about this service, or shop-*.", show_default=False)
    ] = "",
    who: Annotated[
        str, typer.Option(help="Only what this person asked or decided.", show_default=False)
    ] = "",
    session: Annotated[
        str, typer.Option(help="Only this session, or its beginning.", show_default=False)
    ] = "",
    approval: Annotated[
        str, typer.Option(help="The whole story of this approval.", show_default=False)
    ] = "",
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            min=1,
            help="How many of the newest; else 50, or all of an approval.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is recorded from now on.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; with --follow one a record.")
    ] = False,
) -> None:
    """Show the newest records, the newest last."""
    from assistant.audit.trail import Reader
    from assistant.audit.wanted import Wanted

    if until and follow:
        raise typer.BadParameter("--follow has no end, so there is no --until beside it")
    wanted = Wanted(
        _window(since, until),
        frozenset(kind or ()),
        frozenset(action or ()),
        service,
        who,
        session,
        approval,
    )
    reader = Reader(_folder(context), wanted)
    trail = reader.newest(count or (None if approval else _NUM_NEWEST))
    _refuse_other_stories(trail, wanted, is_final=not follow)
    if as_json and not follow:
        print_json(trail)
        return
    show_one = _printer(as_json=as_json, is_story=bool(approval))
    for record in trail.records:
        show_one(record)
    if trail.num_unreadable:
        note(f"lines that are no records: {trail.num_unreadable}; see midwatch audit verify")
    if follow:
        _follow(reader, show_one)
    elif not trail.records:
        note("Nothing is recorded, or nothing of that kind.")


@app.command()
def verify(
    context: typer.Context,
    expect: Annotated[
        str,
        typer.Option(
            metavar="HASH",
            help="A hash that was printed earlier, and that the log must still hold.",
            show_default=False,
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no record was changed, removed, inserted or cut off. Exits with 1 if one was."""
    from assistant.audit.verification import verify_log

    if expect and not re.fullmatch("[0-9a-f]{64}", expect):
        raise typer.BadParameter("--expect takes a hash of 64 hexadecimal digits")
    checked = verify_log(_folder(context), expect)
    if as_json:
        print_json({"is_ok": checked.fault is None, **asdict(checked)})
    else:
        _print_verification(checked)
    if checked.fault:
        raise typer.Exit(EXIT_FAILED)


def _folder(context: typer.Context) -> Path:
    settings = context_of(context).settings
    return settings.audit.dir or settings.data.dir / "audit"


def _window(since: str, until: str) -> Window:
    from tools.window import Window

    now = datetime.now(UTC)
    return Window(_moment(since, now), _moment(until, now))


def _moment(text: str, now: datetime) -> datetime | None:
    """So long ago, or that time of UTC; None when nothing is given. Raises InvalidQuery."""
    from tools.errors import InvalidQuery
    from tools.window import parse_duration

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return now - parse_duration(text)
    except (InvalidQuery, OverflowError) as error:
        raise InvalidQuery(
            f"{text!r} is neither a duration nor a time",
            "write how long ago, as 30m or 1d12h, or a time of UTC, as 2026-03-01T02:15",
        ) from error


def _refuse_other_stories(trail: Trail, wanted: Wanted, *, is_final: bool) -> None:
    """Raises AuditError when what was asked for is not the story of one approval."""
    from assistant.errors import AuditError

    ids = {str(record.data.get("approval")) for record in trail.records}
    if wanted.approval and len(ids) > 1:
        raise AuditError(
            f"{len(ids)} approvals begin with {wanted.approval!r}", "give more of the id"
        )
    if wanted.approval and not ids and is_final:
        raise AuditError(
            f"nothing is recorded of an approval {wanted.approval!r}",
            "see the last ones: midwatch audit show",
        )


def _follow(reader: Reader, show_one: Callable[[AuditRecord], None]) -> None:
    """Show what is recorded from now on, until Ctrl-C, or until nobody reads the output."""
    while not _has_reader_gone(_FOLLOW_POLL_MS):
        for entry in reader.following():
            if entry is None:
                note("a line that is no record; see midwatch audit verify")
            else:
                show_one(entry)


def _has_reader_gone(wait_ms: int) -> bool:
    """Wait so long, or until the pipe or the terminal that is written to is closed."""
    poller = select.poll()
    poller.register(sys.stdout.fileno(), 0)
    return bool(poller.poll(wait_ms))


def _printer(*, as_json: bool, is_story: bool) -> Callable[[AuditRecord], None]:
    """What shows one record."""
    if as_json:
        return print_json
    console = stdout_console()
    if is_story:
        return lambda record: _print_chapter(console, record)
    return lambda record: console.print(_row(record), no_wrap=True, overflow="ellipsis")


def _row(record: AuditRecord) -> Text:
    """`record` on one line: number, time, kind, approval, and what matters most of the rest."""
    from rich.text import Text

    approval = _one_line(record.data.get("approval") or "")
    return Text.assemble(
        (f"{record.seq:>6}", "dim"),
        f"  {record.at:%Y-%m-%d %H:%M:%S}  ",
        (f"{_one_line(record.kind):<10}", _STYLES.get(record.kind, "")),
        f"  {approval:<6}  {_gist(record)}".rstrip(),
    )


def _gist(record: AuditRecord) -> str:
    """The action and its arguments, the people, the session, and what was said."""
    from assistant.audit.wanted import people_of

    data = record.data
    if "action" not in data:
        return "  ".join(f"{name}={_one_line(text)}" for name, text in _flat(data))
    arguments = (f"{name}={_one_line(text)}" for name, text in _flat(data.get("arguments") or {}))
    people = ", ".join(people_of(record))
    parts = [
        _one_line(data["action"]),
        *arguments,
        f"by {_one_line(people)}" if people else "",
        f"session {_one_line(data['session'])}" if data.get("session") else "",
        *(_one_line(_summed_up(data[name])) for name in _SAID if data.get(name)),
    ]
    return "  ".join(filter(None, parts))


def _summed_up(said: Any) -> Any:
    """Of a result with many parts the sentence that sums it up."""
    return said.get("summary", said) if isinstance(said, dict) else said


def _print_chapter(console: Console, record: AuditRecord) -> None:
    """Show `record` with all that it says."""
    from rich.text import Text

    kind = (_one_line(record.kind), _STYLES.get(record.kind, "bold"))
    where = f"  {record.at:%Y-%m-%d %H:%M:%S} UTC  record {record.seq} of {_one_line(record.host)}"
    chapter = Text.assemble(kind, where)
    for name, text in _flat(record.data):
        words = visible(text).replace("\n", f"\n{'':20}")
        chapter.append(f"\n  {_one_line(name):<16}  {words}")
    console.print(chapter, soft_wrap=True)


def _flat(data: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """What `data` holds, as names (`evidence.id`) and texts."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _flat(value, f"{name}.{key}" if name else key)
    elif isinstance(data, list):
        for value in data:
            yield from _flat(value, name)
    elif data not in (None, ""):
        yield name, data if isinstance(data, str) else json.dumps(data)


def _one_line(value: Any) -> str:
    """`value` as harmless text without line breaks, and not too long for a table."""
    text = " ".join(visible(str(value)).split())
    return text if len(text) <= _MAX_CELL_CHARS else f"{text[:_MAX_CELL_CHARS]}…"


def _print_verification(checked: Verification) -> None:
    fine = f"{_counted(checked.num_records, 'record')}, {_counted(checked.num_files, 'whole file')}"
    if checked.fault:
        print(visible(_sentence(checked.fault)))
        print(f"  before that, as they were written: {fine}")
    elif checked.last is None:
        note("Nothing has been recorded yet.")
    else:
        print(f"as they were written: {fine}")
        print(f"  the last is record {checked.last.seq} of {checked.last.at:%Y-%m-%d %H:%M:%S} UTC")
        print(f"  keep its hash elsewhere, for --expect: {checked.last.hash}")
    for gone in checked.missing:
        files = " to ".join(dict.fromkeys((gone.first_file, gone.last_file)))
        print(f"  not here, and not checked: {files}, records {gone.first_seq} to {gone.last_seq}")
    if checked.num_mended:
        print(f"  torn lines of killed writers, closed off: {checked.num_mended}")
    if checked.num_unnamed:
        print("  the head does not name the last record: its writer was killed, or it is a forgery")
    if checked.torn_bytes:
        print(f"  a torn line of {checked.torn_bytes} bytes at the end; the next record closes it")


def _sentence(fault: Fault) -> str:
    """`changed: audit-000001.jsonl line 3, record 3: …`."""
    line = f" line {fault.line}" if fault.line else ""
    record = f", record {fault.seq}" if fault.seq else ""
    place = f"{fault.file}{line}{record}"
    return ": ".join(filter(None, (fault.what, place, fault.detail)))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
