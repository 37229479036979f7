"""The tables of the sessions, version by version: the number of entries is today's."""

from __future__ import annotations

_FIRST = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, title TEXT NOT NULL,
        started_at_utc TEXT NOT NULL, updated_at_utc TEXT NOT NULL, num_turns INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE turns (
        session TEXT NOT NULL, number INTEGER NOT NULL,
        question TEXT NOT NULL, answer TEXT NOT NULL, bundle TEXT NOT NULL, files TEXT NOT NULL,
        PRIMARY KEY (session, number)
    )
    """,
    """
    CREATE TABLE evidence (
        session TEXT NOT NULL, id TEXT NOT NULL,
        position INTEGER NOT NULL, finding TEXT NOT NULL,
        PRIMARY KEY (session, id)
    )
    """,
)
_NAMED_TURNS = (
    "ALTER TABLE turns ADD COLUMN id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE turns ADD COLUMN finished TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX turns_by_id ON turns (id)",
)
_BEGUN_TURNS = (
    # The newest checkpoint of the last turn that was kept; NULL: kept before it was noted.
    "ALTER TABLE sessions ADD COLUMN checkpoint_id TEXT",
    """
    CREATE TABLE begun_turns (
        id TEXT PRIMARY KEY, question TEXT NOT NULL, session TEXT NOT NULL, owner TEXT NOT NULL,
        state TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL,
        begun_at_utc TEXT NOT NULL, ended_at_utc TEXT
    )
    """,
    "CREATE INDEX begun_turns_by_state ON begun_turns (state)",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _NAMED_TURNS, _BEGUN_TURNS)

POSTGRES_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        *_FIRST,
        *_NAMED_TURNS,
        *_BEGUN_TURNS,
        # SQLite numbers rows by itself.
        "ALTER TABLE sessions ADD COLUMN rowid BIGINT GENERATED ALWAYS AS IDENTITY",
        # Who answers in a session at this moment; in a data folder it is a locked file.
        "CREATE TABLE leases (session TEXT PRIMARY KEY, owner TEXT NOT NULL, token TEXT NOT NULL)",
    ),
)
