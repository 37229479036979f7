"""The file of tokens: who may read it, several processes, and what it does not accept."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from assistant.access.errors import TokenError
from assistant.access.tokens import FILE_NAME, TokenStore
from assistant.errors import DataFolderError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def wrong(text: str) -> str:
    """The same id with another secret."""
    last = "A" if text[-1] != "A" else "B"
    return text[:-1] + last


def test_a_token_is_known_by_its_text_alone(tmp_path: Path, clock: Clock) -> None:
    with TokenStore.open(tmp_path, clock) as store:
        token, text = store.create("ci", ["ask", "approve"], lasts=timedelta(days=1), front="slack")
        other, other_text = store.create("ci", ["admin"])
        assert store.verify(text) == token
        assert store.verify(other_text) == other
        assert store.verify(wrong(text)) is None
        assert store.verify(f"mw_{token.id}_{other_text.split('_', 2)[2]}") is None
        assert store.verify(f"mw_00000000_{text.split('_', 2)[2]}") is None
        assert store.verify("") is None
    with TokenStore.open(tmp_path, clock) as store:
        found = store.verify(text)
    assert found is not None
    assert (found.id, found.scopes, found.front) == (token.id, ("ask", "approve"), "slack")
    assert found.expires_at_utc == NOON + timedelta(days=1)


def test_an_unknown_id_is_compared_like_a_wrong_secret(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, kept: bytes) -> bool:
        compared.append((given, kept))
        return given == kept

    monkeypatch.setattr("assistant.access.tokens.hmac.compare_digest", compare)
    with TokenStore.open(tmp_path, clock) as store:
        _, text = store.create("ci", ["ask"])
        assert store.verify(wrong(text)) is None
        assert store.verify(f"mw_00000000_{text.split('_', 2)[2]}") is None
    assert [(len(given), len(kept)) for given, kept in compared] == [(32, 32), (32, 32)]


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    with TokenStore.open(tmp_path) as store:
        _, text = store.create("ci", ["ask"])
        store.verify(text)
    secret = text.split("_", 2)[2].encode()
    assert all(secret not in path.read_bytes() for path in tmp_path.iterdir())


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / FILE_NAME).touch(0o644)
    with TokenStore.open(tmp_path / "data") as store:
        store.create("ci", ["ask"])
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert modes == {0o600}
    with TokenStore.open(tmp_path / "fresh"):
        assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o700


def test_an_expired_token_opens_nothing(tmp_path: Path, clock: Clock) -> None:
    with TokenStore.open(tmp_path, clock) as store:
        _, text = store.create("ci", ["ask"], lasts=timedelta(hours=1))
        clock.now += timedelta(minutes=59)
        assert store.verify(text) is not None
        clock.now += timedelta(minutes=1)
        assert store.verify(text) is None
        assert [one.status(clock.now) for one in store.list()] == ["expired"]


def test_a_revoked_token_opens_nothing_at_once_in_any_process(tmp_path: Path, clock: Clock) -> None:
    with TokenStore.open(tmp_path, clock) as server, TokenStore.open(tmp_path, clock) as command:
        token, text = command.create("ci", ["ask"])
        _, kept_text = command.create("other", ["ask"])
        assert server.verify(text) is not None
        revoked = command.revoke(token.id)
        assert revoked.revoked_at_utc == NOON
        assert server.verify(text) is None
        assert command.verify(text) is None
        assert server.verify(kept_text) is not None
        clock.now += timedelta(days=1)
        assert server.revoke(token.id).revoked_at_utc == NOON
        assert [one.status(clock.now) for one in server.list()] == ["revoked", "valid"]
        with pytest.raises(TokenError, match="no token '00000000'"):
            server.revoke("00000000")


def test_use_is_noted_at_most_once_a_minute(tmp_path: Path, clock: Clock) -> None:
    def last_used() -> datetime | None:
        [token] = store.list()
        return token.last_used_at_utc

    with TokenStore.open(tmp_path, clock) as store, TokenStore.open(tmp_path, clock) as other:
        _, text = store.create("ci", ["ask"])
        assert last_used() is None
        store.verify(wrong(text))
        assert last_used() is None
        store.verify(text)
        assert last_used() == NOON
        clock.now += timedelta(seconds=59)
        store.verify(text)
        other.verify(text)
        assert last_used() == NOON
        clock.now += timedelta(seconds=1)
        other.verify(text)
        assert last_used() == NOON + timedelta(minutes=1)
        clock.now += timedelta(seconds=30)
        store.verify(text)
        assert last_used() == NOON + timedelta(minutes=1)


def test_a_clock_that_is_set_back_is_noted(tmp_path: Path, clock: Clock) -> None:
    with TokenStore.open(tmp_path, clock) as store:
        _, text = store.create("ci", ["ask"])
        store.verify(text)
        clock.now -= timedelta(days=1)
        assert store.verify(text) is not None
        [token] = store.list()
    assert token.last_used_at_utc == NOON - timedelta(days=1)


def test_a_use_that_cannot_be_noted_is_no_refusal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with TokenStore.open(tmp_path) as store:
        token, text = store.create("ci", ["ask"])
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                assert store.verify(text) == token
            busy.execute("ROLLBACK")
        assert caplog.text.count("was not noted") == 1
        assert text not in caplog.text


def test_threads_share_it(tmp_path: Path) -> None:
    with TokenStore.open(tmp_path) as store:

        def work(number: int) -> bool:
            token, text = store.create(f"t{number}", ["ask"])
            known = [store.verify(text) for _ in range(20)]
            store.revoke(token.id)
            return all(known) and store.verify(text) is None

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(24)))
        assert len(store.list()) == 24


def _make_some(folder: str, number: int) -> list[str]:
    with TokenStore.open(Path(folder)) as store:
        return [store.create(f"p{number}", ["ask"])[1] for _ in range(5)]


def test_processes_share_it_from_its_very_beginning(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        made = pool.starmap(_make_some, [(str(tmp_path / "data"), n) for n in range(6)])
    with TokenStore.open(tmp_path / "data") as store:
        texts = [text for some in made for text in some]
        assert len(texts) == 30
        assert all(store.verify(text) for text in texts)


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database\n" * 100)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 7")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoil", [_garbage, _newer, _folder])
def test_a_file_that_cannot_be_used_is_named(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    spoil(path)
    with pytest.raises(DataFolderError, match=FILE_NAME) as failed, TokenStore.open(tmp_path):
        pass
    assert failed.value.hint


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with (
        pytest.raises(DataFolderError, match="data"),
        TokenStore.open(tmp_path / "data"),
    ):
        pass


@pytest.mark.parametrize("value", ["yesterday", ""])
def test_a_damaged_row_refuses_everybody(value: str, tmp_path: Path) -> None:
    with TokenStore.open(tmp_path) as store:
        _, text = store.create("ci", ["ask"])
        assert store.verify(text) is not None
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
            database.execute("UPDATE tokens SET expires_at_utc = ?", [value])
        with pytest.raises(DataFolderError):
            store.verify(text)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_taken_away_lets_nobody_in(is_replaced: bool, tmp_path: Path) -> None:
    with TokenStore.open(tmp_path) as store:
        _, text = store.create("ci", ["ask"])
        path = tmp_path / FILE_NAME
        if is_replaced:
            (tmp_path / "copy").write_bytes(path.read_bytes())
            (tmp_path / "copy").replace(path)
        else:
            path.unlink()
        with pytest.raises(DataFolderError, match="replaced"):
            store.verify(text)
        if not is_replaced:
            with pytest.raises(DataFolderError):
                store.create("ci", ["ask"])
            assert not path.exists()


def test_what_a_newer_midwatch_opens_is_closed_here(tmp_path: Path) -> None:
    with TokenStore.open(tmp_path) as store:
        _, text = store.create("ci", ["ask"], front="slack")
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
            database.execute("UPDATE tokens SET scopes = 'ask fly', front = 'pager'")
        token = store.verify(text)
    assert token is not None
    assert (token.scopes, token.front) == (("ask",), None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with (
        pytest.raises(DataFolderError, match="taken"),
        TokenStore.open(tmp_path / "taken" / "data"),
    ):
        pass
