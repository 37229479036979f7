"""Who is at work, where the database may go away and come back."""

from __future__ import annotations

import time

import pytest

from assistant.errors import DataFolderError
from assistant.postgres.owners import PostgresOwners
from tests.assistant.places import PostgresPlace

_HOLDERS = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
)


def cut_off(place: PostgresPlace) -> None:
    """End the connections that hold a name."""
    with place.server.connect() as connection:
        [(pid,)] = connection.execute(_HOLDERS).fetchall()
        connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        while connection.execute(_HOLDERS).fetchall() == [(pid,)]:
            time.sleep(0.005)


def test_who_was_cut_off_comes_back(postgres_place: PostgresPlace) -> None:
    patient = PostgresOwners(postgres_place.address, patience_s=5)
    with patient.holding() as owner:
        for _ in range(2):
            cut_off(postgres_place)
            assert patient.is_alive(owner)
            assert PostgresOwners(postgres_place.address, 0).is_alive(owner)


def test_who_is_cut_off_may_leave_all_the_same(postgres_place: PostgresPlace) -> None:
    owners = PostgresOwners(postgres_place.address, 0)
    with owners.holding() as owner:
        postgres_place.server.stop()
    postgres_place.server.start()
    assert not owners.is_alive(owner)


def test_a_restart_of_the_database_is_survived(postgres_place: PostgresPlace) -> None:
    patient = PostgresOwners(postgres_place.address, patience_s=5)
    with patient.holding() as owner:
        postgres_place.server.stop()
        with pytest.raises(DataFolderError, match="cannot be used"):
            patient.is_alive(owner)
        postgres_place.server.start()
        assert patient.is_alive(owner)


def test_nobody_works_where_there_is_no_database(postgres_place: PostgresPlace) -> None:
    nowhere = PostgresOwners(f"host={postgres_place.folder} user=nobody dbname=none")
    with pytest.raises(DataFolderError, match="cannot be used") as caught, nowhere.holding():
        pass
    assert "postgres_env" in caught.value.hint
