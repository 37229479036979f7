"""Answers on disk: bounds, many at once, and that nothing which goes wrong is an error."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from assistant.answers import cache as cache_module
from assistant.answers.cache import FILE_NAME, AnswerCache
from assistant.answers.kept import KeptAnswer
from assistant.answers.key import AnswerKey
from tests.assistant.answers.answer import KEPT
from tools.evidence import Evidence, Finding

DAY_S = 86_400.0
A, B, C = AnswerKey("a"), AnswerKey("b"), AnswerKey("c")


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> AnswerCache:
    return AnswerCache(tmp_path, 1_000_000, DAY_S, clock)


def saying(text: str) -> KeptAnswer:
    return replace(KEPT, answer=text)


def test_an_answer_is_found_by_its_key_alone(cache: AnswerCache, tmp_path: Path) -> None:
    assert cache.look(A) is None
    cache.keep(A, KEPT, "s1")
    assert cache.look(A) == KEPT
    assert cache.look(B) is None
    assert AnswerCache(tmp_path, 1_000_000, DAY_S, lambda: 1_000_001.0).look(A) == KEPT
    cache.keep(A, saying("better"), "s2")
    assert cache.look(A) == saying("better")


def test_only_the_owner_reads_it(cache: AnswerCache, tmp_path: Path) -> None:
    cache.keep(A, KEPT, "s1")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_an_answer_grows_too_old(cache: AnswerCache, clock: Clock) -> None:
    cache.keep(A, KEPT, "s1")
    cache.keep(AnswerKey("live", 60.0), KEPT, "s1")
    clock.now += 59
    assert cache.look(AnswerKey("live", 60.0)) == KEPT
    clock.now += 1
    assert cache.look(AnswerKey("live", 60.0)) is None
    clock.now += DAY_S - 61
    assert cache.look(A) == KEPT
    clock.now += 1
    assert cache.look(A) is None


def test_a_shorter_age_holds_for_what_is_there(tmp_path: Path, clock: Clock) -> None:
    AnswerCache(tmp_path, 1_000_000, DAY_S, clock).keep(A, KEPT, "s1")
    clock.now += 100
    assert AnswerCache(tmp_path, 1_000_000, 90.0, clock).look(A) is None


def test_a_clock_that_is_set_back_trusts_nothing_from_the_future(
    cache: AnswerCache, clock: Clock
) -> None:
    cache.keep(A, KEPT, "s1")
    clock.now -= 3600
    assert cache.look(A) is None
    cache.keep(B, KEPT, "s1")
    clock.now += 3600
    assert cache.look(A) is None
    assert cache.look(B) == KEPT


def num_kept(folder: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as database:
        query = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM answers"
        count, size_bytes = database.execute(query).fetchone()
        return count, size_bytes


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, clock: Clock) -> None:
    size_bytes = len(saying("x" * 1000).to_json())
    cache = AnswerCache(tmp_path, 4 * size_bytes, DAY_S, clock)
    for number in range(4):
        cache.keep(AnswerKey(f"k{number}"), saying("x" * 1000), "s1")
    assert cache.look(AnswerKey("k0"))
    cache.keep(AnswerKey("k4"), saying("x" * 1000), "s1")
    found = [number for number in range(5) if cache.look(AnswerKey(f"k{number}"))]
    assert found == [0, 2, 3, 4]
    assert num_kept(tmp_path) == (4, 4 * size_bytes)


def test_an_answer_too_large_puts_nothing_else_out(tmp_path: Path, clock: Clock) -> None:
    cache = AnswerCache(tmp_path, 10_000, DAY_S, clock)
    cache.keep(A, KEPT, "s1")
    cache.keep(B, saying("x" * 3000), "s1")
    assert cache.look(B) is None
    assert cache.look(A) == KEPT


def test_the_file_does_not_grow_for_ever(tmp_path: Path, clock: Clock) -> None:
    cache = AnswerCache(tmp_path, 100_000, DAY_S, clock)
    for number in range(300):
        cache.keep(AnswerKey(f"k{number}"), saying("x" * 10_000), "s1")
    assert num_kept(tmp_path)[1] <= 100_000
    assert (tmp_path / FILE_NAME).stat().st_size < 300_000


def test_what_is_over_is_removed(cache: AnswerCache, clock: Clock, tmp_path: Path) -> None:
    cache.keep(A, KEPT, "s1")
    clock.now += DAY_S + 1
    cache.keep(B, KEPT, "s1")
    assert num_kept(tmp_path)[0] == 1


def test_a_deleted_session_takes_its_answers_along(cache: AnswerCache, tmp_path: Path) -> None:
    cache.forget_session("s1")
    assert list(tmp_path.iterdir()) == []
    cache.keep(A, saying("a secret of ours"), "s1")
    cache.keep(B, KEPT, "s2")
    cache.forget_session("s1")
    assert cache.look(A) is None
    assert cache.look(B) == KEPT
    assert b"a secret of ours" not in (tmp_path / FILE_NAME).read_bytes()


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database\n" * 500)


def cut(path: Path) -> None:
    os.truncate(path, 5000)


def scrambled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = random.Random(7).randbytes(len(data) - 100)
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [garbage, cut, scrambled])
def test_a_damaged_file_is_no_error_and_made_anew(
    spoil: Callable[[Path], None],
    cache: AnswerCache,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(20):
        cache.keep(AnswerKey(f"k{number}"), saying("x" * 3000), "s1")
    spoil(tmp_path / FILE_NAME)
    for number in range(20):
        cache.look(AnswerKey(f"k{number}"))
    assert FILE_NAME in caplog.text
    cache.keep(A, KEPT, "s1")
    assert cache.look(A) == KEPT


def test_a_damaged_answer_is_dropped_alone(cache: AnswerCache, tmp_path: Path) -> None:
    cache.keep(A, KEPT, "s1")
    cache.keep(B, KEPT, "s1")
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.execute("UPDATE answers SET body = ? WHERE key = 'a'", [b'{"answer": 7}'])
    assert cache.look(A) is None
    assert cache.look(B) == KEPT
    assert num_kept(tmp_path)[0] == 1


def test_a_file_of_another_version_is_made_anew(cache: AnswerCache, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("CREATE TABLE answers (other TEXT)")
        database.execute("PRAGMA user_version = 7")
    assert cache.look(A) is None
    cache.keep(A, KEPT, "s1")
    assert cache.look(A) == KEPT


def test_an_answer_that_is_no_unicode_is_not_kept(cache: AnswerCache, tmp_path: Path) -> None:
    cache.keep(A, KeptAnswer("x", (Evidence("L1", Finding("log", "pay", "\udcff")),), ()), "s1")
    assert cache.look(A) is None


def test_a_busy_file_is_no_error(
    cache: AnswerCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache.keep(A, KEPT, "s1")
    monkeypatch.setattr("assistant.answers.cache._BUSY_TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        assert cache.look(A) is None
        cache.keep(B, KEPT, "s1")
        busy.execute("ROLLBACK")
    assert "locked" in caplog.text
    assert cache.look(A) == KEPT
    assert cache.look(B) is None


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.parent.rmdir()])
def test_a_place_that_cannot_be_used_is_no_error(
    make: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    make(folder / FILE_NAME)
    if not folder.exists():
        folder.touch()
    cache = AnswerCache(folder, 1_000_000, DAY_S)
    cache.keep(A, KEPT, "s1")
    assert cache.look(A) is None
    assert FILE_NAME in caplog.text


def test_a_read_only_database_is_no_error(
    cache: AnswerCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep(A, KEPT, "s1")
    connect = sqlite3.connect

    def read_only(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("assistant.answers.cache.sqlite3.connect", read_only)
    assert cache.look(A) is None
    cache.keep(B, KEPT, "s1")
    monkeypatch.undo()
    assert cache.look(A) == KEPT
    assert cache.look(B) is None


def test_threads_share_it(
    cache: AnswerCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("assistant.answers.cache._BUSY_TIMEOUT_S", 60.0)

    def work(number: int) -> bool:
        key = AnswerKey(f"k{number % 5}")
        answer = saying(f"answer {number % 5}")
        cache.keep(key, answer, "s1")
        return all(cache.look(key) == answer for _ in range(5))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    assert caplog.text == ""


def _keep_some(folder: str, number: int) -> bool:
    cache_module._BUSY_TIMEOUT_S = 60.0  # in a process of its own
    cache = AnswerCache(Path(folder), 1_000_000, DAY_S)
    for part in range(10):
        cache.keep(AnswerKey(f"p{number}-{part}"), KEPT, "s1")
    return cache.look(AnswerKey(f"p{number}-0")) == KEPT


def test_processes_share_it_from_its_very_beginning(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with get_context("spawn").Pool(3) as pool:
        assert all(pool.starmap(_keep_some, [(str(folder), number) for number in range(3)]))
    assert num_kept(folder)[0] == 30
