from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from assistant.access.errors import TokenError
from assistant.access.tokens import TokenStore
from assistant.cli import tokens
from assistant.cli.context import Context
from tools.errors import InvalidQuery

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `tokens` with arguments, on a data folder of the test's own."""
    app = typer.Typer()

    @app.callback()
    def root(context: typer.Context) -> None:
        flags = {"data.dir": str(tmp_path / "data")}
        context.obj = Context(config=None, flags=flags, verbose=False)

    app.add_typer(tokens.app, name="tokens")
    return lambda *arguments: CliRunner().invoke(app, ["tokens", *arguments])


def verified(tmp_path: Path, text: str) -> object:
    with TokenStore.open(tmp_path / "data") as store:
        return store.verify(text)


def test_a_token_is_shown_once_and_opens_what_it_should(run: Run, tmp_path: Path) -> None:
    made = run("create", "ci", "--scope", "ask", "--scope", "approve")
    assert made.exit_code == 0
    text = made.stdout.strip()
    assert "not shown again" in made.stderr
    assert text not in made.stderr
    with TokenStore.open(tmp_path / "data") as store:
        token = store.verify(text)
    assert token is not None
    assert (token.name, token.scopes, token.front) == ("ci", ("ask", "approve"), None)
    assert token.expires_at_utc is None
    for listed in (run("list"), run("list", "--json")):
        assert token.id in listed.stdout
        assert text.split("_", 2)[2] not in listed.stdout


def test_as_json(run: Run, tmp_path: Path) -> None:
    shown = run("create", "bot", "--scope", "ask", "--expires", "90d", "--front", "slack", "--json")
    made = json.loads(shown.stdout)
    assert verified(tmp_path, made["token"])
    assert (made["name"], made["scopes"], made["front"]) == ("bot", ["ask"], "slack")
    ends = datetime.fromisoformat(made["expires_at_utc"])
    assert timedelta(days=89) < ends - datetime.now(UTC) <= timedelta(days=90)
    [listed] = json.loads(run("list", "--json").stdout)["tokens"]
    assert "token" not in listed
    assert listed["status"] == "valid"
    assert listed["last_used_at_utc"] is not None
    revoked = json.loads(run("revoke", made["id"], "--json").stdout)
    assert (revoked["id"], revoked["status"]) == (made["id"], "revoked")
    assert verified(tmp_path, made["token"]) is None


def test_the_list_says_which_can_be_used(run: Run) -> None:
    assert "midwatch tokens create" in run("list").stderr
    assert json.loads(run("list", "--json").stdout) == {"tokens": []}
    first = json.loads(run("create", "old", "--scope", "admin", "--json").stdout)
    run("create", "new", "--scope", "ask", "--expires", "1d")
    ended = run("revoke", first["id"])
    assert ended.stdout == f"revoked {first['id']} (old)\n"
    _, old, new = run("list").stdout.splitlines()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert old.split() == [first["id"], "revoked", "admin", "-", today, "-", "-", "old"]
    assert new.split()[1:4] == ["valid", "ask", "-"]
    assert new.split()[-1] == "new"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("create", "ci", "--scope", "root"), TokenError, "no scope 'root'"),
        (("create", "a b", "--scope", "ask"), TokenError, "'a b'"),
        (("create", "ci", "--scope", "ask", "--front", "cli"), TokenError, "'cli'"),
        (("create", "ci", "--scope", "ask", "--expires", "soon"), InvalidQuery, "'soon'"),
        (("create", "ci", "--scope", "ask", "--expires", "0d"), TokenError, "at once"),
        (("revoke", "00000000"), TokenError, "00000000"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    arguments: tuple[str, ...], error: type[Exception], said: str, run: Run
) -> None:
    ran = run(*arguments)
    assert isinstance(ran.exception, error)
    assert said in str(ran.exception)
    assert ran.stdout == ""
    assert json.loads(run("list", "--json").stdout) == {"tokens": []}


def test_a_token_without_a_scope_is_wrong_use(run: Run) -> None:
    assert run("create", "ci").exit_code == 2
