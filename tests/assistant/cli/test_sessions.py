import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from assistant.sessions import StoredTurn, open_sessions
from tests.assistant.cli.program import Ran
from tools.evidence import Ledger

Midwatch = Callable[..., Ran]
Keep = Callable[[str, Sequence[tuple[str, str]]], None]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Keep a session of these questions and answers."""

    def store(session: str, turns: Sequence[tuple[str, str]]) -> None:
        async def write() -> None:
            async with open_sessions(tmp_path / "data") as sessions:
                for question, answer in turns:
                    await sessions.keep(session, StoredTurn(question, answer), Ledger())

        asyncio.run(write())

    return store


def test_none_yet(midwatch: Midwatch) -> None:
    ran = midwatch("sessions", "list")
    assert (ran.status, ran.out) == (0, "")
    assert "midwatch ask" in ran.err
    assert json.loads(midwatch("sessions", "list", "--json").out) == {"sessions": []}


def test_the_last_used_session_is_first(midwatch: Midwatch, keep: Keep) -> None:
    keep("aa11aa11", [("why is it slow?", "the disk"), ("and now?", "still")])
    keep("bb22bb22", [("is redis up?\x1b[2J", "yes")])
    ran = midwatch("sessions", "list")
    assert ran.status == 0
    _, first, second = ran.out.splitlines()
    assert first.split()[0] == "bb22bb22"
    assert second.split()[0] == "aa11aa11"
    assert second.split()[3:] == ["2", "why", "is", "it", "slow?"]
    assert "\x1b" not in ran.out
    shown = json.loads(midwatch("sessions", "list", "--json").out)["sessions"]
    assert [(info["id"], info["num_turns"]) for info in shown] == [("bb22bb22", 1), ("aa11aa11", 2)]


def test_a_session_is_shown_as_markdown(midwatch: Midwatch, keep: Keep) -> None:
    keep("aa11aa11", [("why?", "**Cause**: the disk \x1b[2J"), ("and now?", "still")])
    ran = midwatch("sessions", "show", "aa")
    assert ran.out == "## why?\n\n**Cause**: the disk \\x1b[2J\n\n## and now?\n\nstill\n\n"
    turns = json.loads(midwatch("sessions", "show", "aa", "--json").out)["turns"]
    assert [turn["question"] for turn in turns] == ["why?", "and now?"]


def test_a_deleted_session_is_gone(midwatch: Midwatch, keep: Keep) -> None:
    keep("aa11aa11", [("why?", "the disk")])
    keep("bb22bb22", [("is redis up?", "yes")])
    assert midwatch("sessions", "delete", "aa") == Ran(0, "deleted aa11aa11\n", "")
    assert "aa11aa11" not in midwatch("sessions", "list").out
    assert "bb22bb22" in midwatch("sessions", "list").out
    assert midwatch("sessions", "show", "aa").status == 1


@pytest.mark.parametrize("command", ["show", "delete"])
def test_an_unknown_session_is_named(command: str, midwatch: Midwatch, keep: Keep) -> None:
    keep("aa11aa11", [("why?", "the disk")])
    ran = midwatch("sessions", command, "zz")
    assert (ran.status, ran.out) == (1, "")
    assert "'zz'" in ran.said
    assert "midwatch sessions list" in ran.said


def test_a_beginning_that_two_sessions_share_deletes_neither(
    midwatch: Midwatch, keep: Keep
) -> None:
    keep("aa11aa11", [("why?", "the disk")])
    keep("aa22aa22", [("is redis up?", "yes")])
    assert midwatch("sessions", "delete", "aa").status == 1
    assert len(json.loads(midwatch("sessions", "list", "--json").out)["sessions"]) == 2


def test_a_session_that_answers_cannot_be_deleted(
    midwatch: Midwatch, keep: Keep, tmp_path: Path
) -> None:
    keep("aa11aa11", [("why?", "the disk")])

    async def try_meanwhile() -> Ran:
        async with open_sessions(tmp_path / "data") as sessions, sessions.held("aa11aa11"):
            return await asyncio.to_thread(midwatch, "sessions", "delete", "aa11aa11")

    ran = asyncio.run(try_meanwhile())
    assert ran.status == 1
    assert "is answering another question" in ran.said
    assert "aa11aa11" in midwatch("sessions", "list").out
