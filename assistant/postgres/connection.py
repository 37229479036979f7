"""How PostgreSQL is spoken to: one form of statements, one form of errors, no endless waiting.

Statements are written as SQLite takes them, with `?` for each value, so that both databases share
them. They contain neither `?` nor `%` in any other sense.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from assistant.errors import DataFolderError

# How long a change waits for those of others, and anybody for a connection.
LOCK_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
_DEFAULTS: dict[str, Any] = {
    "application_name": "midwatch",
    "connect_timeout": CONNECT_TIMEOUT_S,
    # A server that is gone without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_SESSION = (
    # Who stops within a change, with his machine or without, keeps nobody else waiting for ever.
    f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    # The same from the other side: what a machine held that lost its power is given up.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    # An act must not be claimed again because a crash forgot that it was.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'",
)
_HINT = (
    "what was being written is not kept; see that PostgreSQL runs and can be reached at the "
    "address in [data] postgres_env, then try again"
)

Value = str | int | None


def complete(address: str) -> str:
    """The address with our defaults for what it does not say itself."""
    said = conninfo_to_dict(address)
    return make_conninfo(address, **{k: v for k, v in _DEFAULTS.items() if k not in said})


def connect(address: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection that commits each statement by itself. Raises DataFolderError."""
    with mapped():
        connection = psycopg.connect(complete(address), autocommit=True)
        try:
            prepare_session(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def prepare_session(connection: psycopg.Connection[Any]) -> None:
    """Set how a new connection waits and commits."""
    for statement in _SESSION:
        connection.execute(statement)


async def prepare_async_session(connection: psycopg.AsyncConnection[Any]) -> None:
    """The same for a connection of an event loop."""
    for statement in _SESSION:
        await connection.execute(statement)


def marked(statement: str) -> str:
    """The statement with the placeholders of psycopg."""
    return statement.replace("?", "%s")


def storable(values: Sequence[Value]) -> list[Value]:
    """The values as PostgreSQL takes them: its texts hold any character but NUL."""
    return [one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in values]


@contextmanager
def mapped() -> Iterator[None]:
    """The one place where PostgreSQL's errors become ours: DataFolderError."""
    try:
        yield
    except psycopg.Error as error:
        raise DataFolderError(f"the database cannot be used: {_cause(error)}", _HINT) from error


def _cause(error: psycopg.Error) -> str:
    """What went wrong, in one line; details may quote what is kept."""
    words = error.diag.message_primary or " ".join(str(error).split())
    return words or type(error).__name__
