"""One process at a time answers in a session, whatever keeps the others out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.errors import SessionError
from assistant.sessions import StoredTurn
from tests.assistant.places import Place
from tools.evidence import Ledger

HOLDER = """
import asyncio, sys
from pathlib import Path
from assistant.sessions import open_sessions
from assistant.sessions.postgres import open_shared_sessions

async def hold():
    kind, where = sys.argv[1:]
    opened = open_sessions(Path(where)) if kind == "file" else open_shared_sessions(where)
    async with opened as store:
        async with store.held("busy"):
            print("held", flush=True)
            sys.stdin.read()

asyncio.run(hold())
"""


@contextmanager
def held_by_another_process(place: Place) -> Iterator[subprocess.Popen[str]]:
    """Another process that answers in the session `busy`."""
    command = [sys.executable, "-c", HOLDER, *place.arguments]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


async def test_one_process_at_a_time_answers_in_a_session(place: Place) -> None:
    async with place.open_sessions() as store:
        with held_by_another_process(place) as holder:
            with pytest.raises(SessionError, match="busy is answering another question") as caught:
                async with store.held("busy"):
                    pass
            assert "wait" in caught.value.hint
            async with store.held("other"):
                # Another process that holds a session must not stop this one from writing.
                await store.keep("other", StoredTurn("why?", "x"), Ledger())
            holder.kill()
            holder.wait()
            place.wait_until_gone("busy")
            async with store.held("busy"):
                pass


async def test_two_questions_in_one_process_do_not_share_a_session(place: Place) -> None:
    async with place.open_sessions() as store:
        async with store.held("s"):
            with pytest.raises(SessionError):
                async with store.held("s"):
                    pass
        async with store.held("s"):
            pass


async def test_two_stores_do_not_share_a_session(place: Place) -> None:
    async with place.open_sessions() as one, place.open_sessions() as other:
        async with one.held("s"):
            with pytest.raises(SessionError):
                async with other.held("s"):
                    pass
        async with other.held("s"):
            pass
