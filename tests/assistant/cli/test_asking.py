"""Questions to the real model, each in a process of its own."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.sessions import StoredTurn, open_sessions
from tests.assistant.cli.program import LIGHT_MODEL, Program, Ran
from tools.evidence import Ledger

JOURNAL = "".join(
    f"Mar 01 02:{minute:02d}:{second:02d} web1 checkout[901]: INFO order placed in 41 ms\n"
    for minute in range(14)
    for second in range(0, 60, 20)
) + (
    'Mar 01 02:14:08 web1 postgres[812]: PANIC: could not write to file "pg_wal/xlogtemp.812": '
    "No space left on device\n"
    "Mar 01 02:14:09 web1 systemd[1]: postgresql.service: Failed with result 'core-dump'.\n"
    "Mar 01 02:14:12 web1 checkout[901]: ERROR no connection to the database: refused\n"
)


@pytest.mark.model
def test_an_answer_cites_its_evidence_and_its_session_goes_on(
    program: Program, bundle: Path
) -> None:
    first = program.run("ask", "--bundle", bundle, "--json", "why do payments fail?")
    assert first.status == 0, first.err
    answered = json.loads(first.out)
    assert answered["outcome"] == "answered"
    assert answered["usage"]["model"] == LIGHT_MODEL
    assert answered["usage"]["completion_tokens"] > 0
    assert {call["name"] for call in answered["tool_calls"]} >= {"analyze_logs", "read_captures"}
    texts = {citation["source"]: citation["text"] for citation in answered["citations"]}
    line = "2026-03-01T02:06:00Z ERROR payments cannot write ledger.db: No space left on device"
    assert texts["payments"] == line
    assert line in answered["answer"]

    second = program.run("ask", "--bundle", bundle, "-c", "which volume is full?")
    assert second.status == 0, second.err
    assert "/var/lib/payments" in second.out
    assert f"session {answered['session']} " in second.err
    assert not re.search(r"[\x1b\r]", second.out + second.err)
    listed = json.loads(program.run("sessions", "list", "--json").out)["sessions"]
    assert [(info["id"], info["num_turns"]) for info in listed] == [(answered["session"], 2)]
    shown = program.run("sessions", "show", answered["session"][:3]).out
    assert shown.startswith(f"## why do payments fail?\n\n{answered['answer']}\n")


@pytest.mark.model
def test_a_journal_in_a_pipe_is_evidence(program: Program) -> None:
    ran = program.run("ask", "what failed first?", stdin=JOURNAL)
    assert ran.status == 0, ran.err
    assert "`stdin:43`" in ran.out
    assert JOURNAL.splitlines()[42] in ran.out
    assert not re.search(r"[\x1b\r]", ran.out + ran.err)


@pytest.mark.model
def test_two_questions_at_once_are_both_answered_and_kept(program: Program) -> None:
    # Without evidence the answer needs no word from the model, and is kept all the same.
    questions = ["is the first alone?", "is the second alone?"]
    for process in [program.start("ask", question) for question in questions]:
        ran = program.wait(process)
        assert ran.status == 0, ran.err
        assert "I cannot tell" in ran.out
    listed = json.loads(program.run("sessions", "list", "--json").out)["sessions"]
    assert sorted(info["title"] for info in listed) == questions
    assert is_sound(program)


def test_one_session_answers_one_question_at_a_time(
    midwatch: Callable[..., Ran], tmp_path: Path
) -> None:
    async def ask_meanwhile() -> Ran:
        async with open_sessions(tmp_path / "data") as sessions:
            await sessions.keep("aa11aa11", StoredTurn("why?", "the disk"), Ledger())
            async with sessions.held("aa11aa11"):
                return await asyncio.to_thread(midwatch, "ask", "--session", "aa", "and now?")

    ran = asyncio.run(ask_meanwhile())
    assert (ran.status, ran.out) == (1, "")
    assert "session aa11aa11 is answering another question" in ran.said
    assert "## and now?" not in midwatch("sessions", "show", "aa").out


def is_sound(program: Program) -> bool:
    """Whether SQLite finds nothing wrong with the sessions."""
    database = Path(program.environment["MIDWATCH_DATA_DIR"]) / "sessions.db"
    connection = sqlite3.connect(database)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()
