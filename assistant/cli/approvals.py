"""`midwatch approvals`: what waits for a person, and deciding it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.completion import pending_approvals
from assistant.cli.context import EXIT_FAILED, EXIT_OK, EXIT_WAITING, Context, context_of, opened
from assistant.cli.output import note, print_json, stdout_console, visible
from assistant.cli.turn_view import show_turn

if TYPE_CHECKING:
    from assistant.approvals.approval import Approval, Verdict
    from assistant.interface import OrderRequest, RunRequest

app = typer.Typer(help="See and decide what waits for a person.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The approval's id.", autocompletion=pending_approvals)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_WORKED = ("worked", "done")


@app.command("list")
def list_approvals(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Those that are decided, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision, the newest first."""
    approvals = asyncio.run(_all(context_of(context)))
    shown = [one for one in approvals if everything or one.status == "pending"]
    if as_json:
        print_json({"approvals": [one.as_json() for one in shown]})
        return
    if not shown:
        note("Nothing waits for a decision.")
        return
    from rich.table import Column, Table
    from rich.text import Text

    from assistant.acting.telling import in_words

    fixed = [Column(header, no_wrap=True) for header in ("id", "status", "until")]
    table = Table(*fixed, "what", "asked by", box=None, pad_edge=False)
    for one in shown:
        until = f"{one.expires_at_utc:%H:%M:%S}Z"
        asked = f"{one.request.asked_by}{_flag(one)}"
        cells = [one.id, _status(one), until, in_words(one.request), asked]
        table.add_row(*(Text(visible(cell)) for cell in cells))
    stdout_console().print(table)


@app.command()
def show(context: typer.Context, approval_id: Id, as_json: AsJson = False) -> None:
    """Show one: what would be done, why, on whose word, and what has become of it."""
    approval = asyncio.run(_one(context_of(context), approval_id))
    if as_json:
        print_json(approval.as_json())
        return
    from assistant.acting.telling import card

    print(visible(card(approval)))


@app.command()
def approve(
    context: typer.Context,
    approval_id: Id,
    note_text: Annotated[str, typer.Option("--note", help="Why, for the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Agree to it, and have it done. Exits with 3 when a second person has to agree, too."""
    found = context_of(context)
    if sys.stdin.isatty() and not yes and not as_json:
        confirm(asyncio.run(_one(found, approval_id)))
    status = asyncio.run(decide(found, approval_id, "approved", note_text, as_json=as_json))
    raise typer.Exit(status)


@app.command()
def reject(
    context: typer.Context,
    approval_id: Id,
    reason: Annotated[str, typer.Option(help="Why; the model is told.")] = "",
    only: Annotated[
        bool, typer.Option("--only", help="Do not ask the model what to do instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Refuse it; nothing is done, and the session goes on."""
    run = decide(
        context_of(context), approval_id, "rejected", reason, goes_on=not only, as_json=as_json
    )
    raise typer.Exit(asyncio.run(run))


def confirm(approval: Approval) -> None:
    """Ask the person at the terminal whether to do exactly this; ends the command without a yes."""
    from assistant.acting.telling import card

    note(card(approval))
    if not typer.confirm("Do this?", default=False, err=True):
        note(f"Nothing was done; {approval.id} waits until {approval.expires_at_utc:%H:%M:%S}Z.")
        raise typer.Exit(EXIT_WAITING)


def settle(
    context: Context, request: OrderRequest | RunRequest, *, yes: bool, as_json: bool
) -> int:
    """Order it; agree to it when the person says so, else leave it waiting. The exit status."""

    async def ask_for() -> Approval:
        async with opened(context) as assistant:
            return await assistant.order(request)

    approval = asyncio.run(ask_for())
    if not yes:
        if as_json or not sys.stdin.isatty():
            return _leave_waiting(approval, as_json=as_json)
        confirm(approval)
    return asyncio.run(decide(context, approval.id, "approved", "", as_json=as_json))


def _leave_waiting(approval: Approval, *, as_json: bool) -> int:
    """Show what waits, and how to decide it; the exit status that says so."""
    from assistant.acting.telling import card

    if as_json:
        print_json(approval.as_json())
    else:
        print(visible(card(approval)))
        note(f"It waits: midwatch approvals approve {approval.id}")
    return EXIT_WAITING


async def decide(
    context: Context,
    approval_id: str,
    verdict: Verdict,
    words: str,
    *,
    goes_on: bool = True,
    as_json: bool,
) -> int:
    """Decide as the user of this process, show what comes of it, and say the exit status."""
    from assistant.approvals.person import system_person
    from assistant.events import TurnFailed
    from assistant.interface import DecideRequest

    request = DecideRequest(approval_id, verdict, system_person("cli"), words, goes_on)
    async with opened(context) as assistant, aclosing(assistant.decide(request)) as events:
        ended = await show_turn(events, as_json=as_json)
    if isinstance(ended, TurnFailed) or not ended.approvals:
        return EXIT_FAILED
    approval = ended.approvals[-1]
    if approval.status == "pending":
        return EXIT_WAITING
    has_worked = approval.status == "rejected" or approval.outcome in _WORKED
    return EXIT_OK if has_worked else EXIT_FAILED


async def _all(context: Context) -> list[Approval]:
    async with opened(context) as assistant:
        return await assistant.approvals()


async def _one(context: Context, approval_id: str) -> Approval:
    """Raises ApprovalNotFound."""
    from assistant.errors import ApprovalNotFound

    wanted = approval_id.strip().lower()
    for approval in await _all(context):
        if approval.id == wanted:
            return approval
    raise ApprovalNotFound(f"there is no approval {approval_id}", "see: midwatch approvals list -a")


def _status(approval: Approval) -> str:
    return f"{approval.status}, {approval.outcome}" if approval.outcome else approval.status


def _flag(approval: Approval) -> str:
    """On whose word it stands, where no person's."""
    by = approval.request.suggested_by
    return f"; suggested by {', '.join(by)}" if by else ""
