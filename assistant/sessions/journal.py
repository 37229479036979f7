"""The journal of turns: which were begun, by whom, and what has become of them.

A turn that is kept is finished by the same write, so whoever dies in between has kept the turn and
finished it, or neither; and a turn that was given up as lost is never kept afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from assistant.errors import SessionError
from assistant.sessions.database import Queries, Statements

TurnState = Literal["running", "finished", "failed"]

# How long it is known what has become of a turn.
KEPT = timedelta(days=7)
INTERRUPTED = ("interrupted", "the server ended while this was answered", "ask again")
_COLUMNS = "id, question, session, owner, state, code, message, hint, begun_at_utc, ended_at_utc"


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """A turn that was begun. `session` is empty where it was to be a new one.

    `owner` is the process that answers it; of one that failed, `code`, `message` and `hint` say
    why.
    """

    id: str
    question: str
    session: str
    owner: str
    state: TurnState
    code: str
    message: str
    hint: str
    begun_at_utc: str
    ended_at_utc: str | None


async def begin(
    statements: Statements, turn: str, question: str, session: str | None, owner: str
) -> None:
    """Note that the turn is running. Raises SessionError when it was begun before."""
    begun = await statements.execute(
        f"INSERT INTO begun_turns ({_COLUMNS}) VALUES (?, ?, ?, ?, 'running', '', '', '', ?, NULL)"
        " ON CONFLICT (id) DO NOTHING",
        [turn, question, session or "", owner, time_text(datetime.now(UTC))],
    )
    if not begun:
        raise SessionError(
            f"the turn {turn} was begun already", "look what has become of it, or ask again"
        )


async def end(
    statements: Statements, turn: str, state: TurnState, code: str, message: str, hint: str
) -> None:
    """Note how a running turn ended; one that has ended stays as it is."""
    await statements.execute(
        "UPDATE begun_turns SET state = ?, code = ?, message = ?, hint = ?, ended_at_utc = ?"
        " WHERE id = ? AND state = 'running'",
        [state, code, message, hint, time_text(datetime.now(UTC)), turn],
    )


async def finish(statements: Statements, turn: str) -> None:
    """Finish the turn, which is being kept; it need not be known.

    Raises SessionError where it has failed: somebody was told so.
    """
    await end(statements, turn, "finished", "", "", "")
    found = await statements.fetch("SELECT state FROM begun_turns WHERE id = ?", [turn])
    if found and found[0][0] != "finished":
        raise SessionError(f"the turn {turn} was given up meanwhile", "ask again")


async def find(queries: Queries, turn: str) -> BegunTurn | None:
    """The turn of that id; None when none was begun, or long ago."""
    found = await queries.fetch(f"SELECT {_COLUMNS} FROM begun_turns WHERE id = ?", [turn])
    return BegunTurn(*found[0]) if found else None


async def running_owners(queries: Queries) -> list[str]:
    """Who answers a turn, each once."""
    query = "SELECT DISTINCT owner FROM begun_turns WHERE state = 'running'"
    return [owner for (owner,) in await queries.fetch(query)]


async def give_up(statements: Statements, owners: Sequence[str]) -> tuple[str, ...]:
    """Note that what `owners` were answering has failed; the ids of those turns."""
    marks = ", ".join("?" for _ in owners)
    rows = await statements.fetch(
        f"SELECT id FROM begun_turns WHERE state = 'running' AND owner IN ({marks})", owners
    )
    for (turn,) in rows:
        await end(statements, turn, "failed", *INTERRUPTED)
    return tuple(turn for (turn,) in rows)


async def prune(statements: Statements, before: datetime) -> None:
    """Forget the turns that ended before then."""
    await statements.execute("DELETE FROM begun_turns WHERE ended_at_utc < ?", [time_text(before)])


def time_text(at: datetime) -> str:
    """`at` as it is stored: texts of one length, in the order of the times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
