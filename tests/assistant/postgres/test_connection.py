"""How statements, values and errors go to and fro."""

from __future__ import annotations

import threading

import pytest

from assistant.errors import DataFolderError
from assistant.postgres import pools
from assistant.postgres.connection import complete, connect, mapped, marked, storable
from assistant.postgres.pools import open_thread_pool
from tests.assistant.places import PostgresPlace


def test_statements_and_values_are_those_of_sqlite() -> None:
    assert marked("SELECT a FROM b WHERE c = ? AND d = ?") == (
        "SELECT a FROM b WHERE c = %s AND d = %s"
    )
    assert storable(["a\0b", "c", 1, None]) == ["a\ufffdb", "c", 1, None]


def test_what_the_address_says_itself_stays() -> None:
    assert "connect_timeout=3" in complete("host=h connect_timeout=3")
    assert "connect_timeout=10" in complete("postgresql://h/d")
    assert "keepalives_idle=10" in complete("")


def test_each_connection_waits_and_commits_as_it_should(postgres_place: PostgresPlace) -> None:
    address = postgres_place.address.replace("-c ", "-c synchronous_commit=off -c ")
    with connect(address) as connection, open_thread_pool(address, 2) as pool:
        for name, value in (
            ("synchronous_commit", "on"),
            ("lock_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "1min"),
        ):
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)
            with pool.connection() as lent:
                assert lent.execute(f"SHOW {name}").fetchone() == (value,)


def test_errors_say_what_and_not_what_of(postgres_place: PostgresPlace) -> None:
    with connect(postgres_place.address) as connection:
        connection.execute("CREATE TABLE secrets (name TEXT PRIMARY KEY)")
        with pytest.raises(DataFolderError, match="unique") as caught, mapped():
            connection.execute("INSERT INTO secrets VALUES ('s3cret'), ('s3cret')")
    assert "s3cret" not in caught.value.message


def test_a_database_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(DataFolderError, match=r"cannot be used: .*No such file") as caught:
        connect("host=/nowhere user=midwatch password=s3cret")
    assert "s3cret" not in f"{caught.value.message}{caught.value.__cause__}"
    assert "postgres_env" in caught.value.hint


def test_a_connection_that_was_cut_is_not_lent_again(postgres_place: PostgresPlace) -> None:
    with open_thread_pool(postgres_place.address, 1) as pool:
        for _ in range(2):
            with pool.connection() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            postgres_place.server.stop()
            postgres_place.server.start()


def test_who_waits_too_long_for_a_connection_is_told(
    postgres_place: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "CONNECT_TIMEOUT_S", 1)
    with open_thread_pool(postgres_place.address, 1) as pool:
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with pool.connection():
                held.set()
                done.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(30)
        with pytest.raises(DataFolderError, match="cannot be used"), pool.connection():
            pass
        done.set()
        thread.join()
