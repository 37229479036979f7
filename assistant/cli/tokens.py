"""`midwatch tokens`: who may reach the server over TCP."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import context_of
from assistant.cli.output import note, print_json, stdout_console, visible

if TYPE_CHECKING:
    from assistant.access.token import Token
    from assistant.access.tokens import TokenStore

app = typer.Typer(help="API tokens for midwatch serve over TCP.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who uses it: a person's or a program's name.")],
    scope: Annotated[
        list[str],
        typer.Option(help="What it opens: ask, approve, ingest or admin; may be given again."),
    ],
    expires: Annotated[
        str, typer.Option(help="How long it can be used, like 90d; never ends without.")
    ] = "",
    front: Annotated[str, typer.Option(help="Let it name the people of this front: slack.")] = "",
    shared: Annotated[
        bool,
        typer.Option("--shared", help="For all replicas: show its entry for [server] tokens_env."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a token, and show it: the only time that anything can."""
    if shared:
        if expires:
            raise typer.BadParameter("a shared token ends when its entry is taken out")
        _create_shared(name, scope, front, as_json=as_json)
        return
    from tools.window import parse_duration

    lasts = parse_duration(expires) if expires else None
    with _store(context) as store:
        token, text = store.create(name, scope, lasts=lasts, front=front or None)
    # Past what takes secrets out of all else that is shown: this one is for who stands here.
    if as_json:
        print(json.dumps({"token": text, **_as_json(token)}), flush=True)
        return
    print(text, flush=True)
    end = "never ends" if token.expires_at_utc is None else f"ends {_day(token.expires_at_utc)}"
    note(f"{token.id} ({token.name}) opens {', '.join(token.scopes)} and {end}.")
    note("Keep it now: it is not shown again.")


def _create_shared(name: str, scopes: list[str], front: str, *, as_json: bool) -> None:
    from assistant.access.static import new_shared

    text, entry = new_shared(name, scopes, front or None)
    if as_json:
        print(json.dumps({"token": text, "entry": entry}), flush=True)
        return
    print(text, flush=True)
    note(
        f"Give this entry to every replica, in the variable that [server] tokens_env names: {entry}"
    )


@app.command("list")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """List all tokens, ended ones too; their secrets are nowhere."""
    with _store(context) as store:
        tokens = store.list()
    if as_json:
        print_json({"tokens": [_as_json(token) for token in tokens]})
        return
    if not tokens:
        note("No tokens yet: midwatch tokens create NAME --scope ask")
        return
    from rich.table import Column, Table
    from rich.text import Text

    now = datetime.now(UTC)
    headers = ("id", "status", "scopes", "front", "created", "ends", "last used")
    table = Table(*(Column(header, no_wrap=True) for header in headers), "name", box=None)
    for token in tokens:
        times = (token.created_at_utc, token.expires_at_utc, token.last_used_at_utc)
        cells = [token.id, token.status(now), ",".join(token.scopes), token.front or "-"]
        cells += ["-" if time is None else _day(time) for time in times]
        table.add_row(*(Text(visible(cell)) for cell in (*cells, token.name)))
    stdout_console().print(table)


@app.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id.")],
    as_json: AsJson = False,
) -> None:
    """End a token at once, also for a server that runs."""
    with _store(context) as store:
        token = store.revoke(token_id)
    if as_json:
        print_json(_as_json(token))
        return
    print(visible(f"revoked {token.id} ({token.name})"))


def _store(context: typer.Context) -> AbstractContextManager[TokenStore]:
    from assistant.access.tokens import TokenStore

    return TokenStore.open(context_of(context).settings.data.dir)


def _as_json(token: Token) -> dict[str, Any]:
    times = {
        "created_at_utc": token.created_at_utc,
        "expires_at_utc": token.expires_at_utc,
        "last_used_at_utc": token.last_used_at_utc,
        "revoked_at_utc": token.revoked_at_utc,
    }
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "front": token.front,
        "status": token.status(datetime.now(UTC)),
        **{key: None if time is None else time.isoformat() for key, time in times.items()},
    }


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"
