"""Tables that grow from version to version, while many start at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from assistant.errors import DataFolderError
from assistant.postgres.schema import migrate
from tests.assistant.places import PostgresPlace

FIRST = ("CREATE TABLE things (name TEXT)",)
SECOND = ("ALTER TABLE things ADD COLUMN size INTEGER", "INSERT INTO things VALUES ('one', 1)")


def rows(place: PostgresPlace, query: str) -> list[tuple[Any, ...]]:
    with place.server.connect(place.address) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_tables_are_brought_up_to_date_once(postgres_place: PostgresPlace) -> None:
    migrate(postgres_place.address, "things", [FIRST])
    for _ in range(2):
        migrate(postgres_place.address, "things", [FIRST, SECOND])
    assert rows(postgres_place, "SELECT * FROM things") == [("one", 1)]
    assert rows(postgres_place, "SELECT * FROM midwatch_versions") == [("things", 2)]


def test_many_may_start_at_once(postgres_place: PostgresPlace) -> None:
    def start(number: int) -> None:
        migrate(postgres_place.address, "things", [FIRST, SECOND])
        migrate(postgres_place.address, f"part {number}", [])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(start, range(8)))
    assert rows(postgres_place, "SELECT * FROM things") == [("one", 1)]


def test_what_fails_leaves_nothing(postgres_place: PostgresPlace) -> None:
    with pytest.raises(DataFolderError, match="syntax error"):
        migrate(postgres_place.address, "things", [FIRST, ("CREATE NOTHING",)])
    migrate(postgres_place.address, "things", [FIRST])


def test_tables_of_a_newer_version_are_left_alone(postgres_place: PostgresPlace) -> None:
    migrate(postgres_place.address, "things", [FIRST, SECOND])
    with pytest.raises(DataFolderError, match=r"things .* newer version"):
        migrate(postgres_place.address, "things", [FIRST])
    assert rows(postgres_place, "SELECT version FROM midwatch_versions") == [(2,)]
