"""The versions of what is kept: each part has tables of its own, and a number in one table.

As many processes as like may start at once: one of them changes the tables, the others wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from assistant.errors import DataFolderError
from assistant.postgres.connection import connect, mapped

_VERSIONS = "CREATE TABLE IF NOT EXISTS midwatch_versions (part TEXT PRIMARY KEY, version INTEGER)"
_HELD = "SELECT pg_advisory_xact_lock(hashtextextended('midwatch tables ' || current_schema(), 0))"
_NOTED = (
    "INSERT INTO midwatch_versions VALUES (%s, %s)"
    " ON CONFLICT (part) DO UPDATE SET version = excluded.version"
)

Migrations = Sequence[Sequence[str]]
"""What brings the tables from one version to the next; the number of entries is today's."""


def migrate(address: str, part: str, migrations: Migrations) -> None:
    """Bring the tables of `part` to today's form, or leave all as it was.

    Raises DataFolderError, also where they have a form of tomorrow.
    """
    with mapped(), connect(address) as connection, connection.transaction():
        # Also where they would not collide: two that make one table at once disturb each other.
        connection.execute(_HELD)
        connection.execute(_VERSIONS)
        version = _version(connection, part)
        if version > len(migrations):
            raise DataFolderError(
                f"the {part} in the database were written by a newer version of midwatch",
                "use that one, or another database: [data] postgres_env",
            )
        for statements in migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(_NOTED, [part, len(migrations)])


def _version(connection: psycopg.Connection[Any], part: str) -> int:
    found = connection.execute("SELECT version FROM midwatch_versions WHERE part = %s", [part])
    row = found.fetchone()
    return int(row[0]) if row else 0
