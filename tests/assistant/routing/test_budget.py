from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from assistant.errors import DataFolderError
from assistant.routing.allowance import Allowance
from assistant.routing.budget import FILE_NAME, Budgets, Limits, Spent


class Clock:
    def __init__(self, text: str = "2026-03-01T12:00:00+00:00") -> None:
        self.now = datetime.fromisoformat(text)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("limits", "spent", "objection"),
    [
        (Limits(), Spent(10**9, 10**9, 10**9), ""),
        (Limits(requests=2), Spent(1), ""),
        (Limits(requests=2), Spent(2), "its daily limit of requests (2) is reached"),
        (Limits(tokens=1000), Spent(9, 600, 399), ""),
        (Limits(tokens=1000), Spent(9, 600, 400), "its daily limit of tokens (1,000) is reached"),
        (Limits(cost=5, prompt_price=2, answer_price=10), Spent(1, 1_000_000, 299_999), ""),
        (
            Limits(cost=5, prompt_price=2, answer_price=10),
            Spent(1, 1_000_000, 300_000),
            "its daily limit of cost (5) is reached",
        ),
    ],
)
def test_limits_object_when_they_are_reached(limits: Limits, spent: Spent, objection: str) -> None:
    assert limits.objection(spent) == objection


def test_what_was_spent_is_kept_across_processes(tmp_path: Path) -> None:
    limits = Limits(requests=3)
    budgets = Budgets(tmp_path)
    assert budgets.spent("big") == Spent()
    assert [budgets.take("big", limits) for _ in range(2)] == ["", ""]
    budgets.spend("big", 100, 7)
    budgets.spend("other", 1, 1)
    again = Budgets(tmp_path)
    assert again.spent("big") == Spent(2, 100, 7)
    assert again.take("big", limits) == ""
    assert again.take("big", limits) == "its daily limit of requests (3) is reached"
    assert again.spent("big").requests == 3
    assert again.spent("other") == Spent(0, 1, 1)


def test_day_is_one_of_utc(tmp_path: Path) -> None:
    clock = Clock("2026-03-01T23:59:59+00:00")
    budgets = Budgets(tmp_path, clock)
    limits = Limits(requests=1)
    assert budgets.take("big", limits) == ""
    clock.now = clock.now.astimezone(timezone(timedelta(hours=9)))
    assert budgets.take("big", limits)
    clock.now += timedelta(seconds=1)
    assert budgets.take("big", limits) == ""
    assert budgets.spent("big") == Spent(1)


def test_last_request_is_taken_once_by_many_threads(tmp_path: Path) -> None:
    budgets = Budgets(tmp_path)
    with ThreadPoolExecutor(16) as threads:
        taken = list(threads.map(lambda _: budgets.take("big", Limits(requests=5)), range(40)))
    assert taken.count("") == 5


def test_nobody_else_takes_a_request_between_the_look_and_the_count(tmp_path: Path) -> None:
    class Slow(Budgets):
        def _read(self, database: sqlite3.Connection, model: str) -> Spent:
            spent = super()._read(database, model)
            time.sleep(0.1)
            return spent

    budgets = Slow(tmp_path)
    with ThreadPoolExecutor(3) as threads:
        taken = list(threads.map(lambda _: budgets.take("big", Limits(requests=1)), range(3)))
    assert taken.count("") == 1


def _take_ten(folder: Path) -> int:
    budgets = Budgets(folder)
    return [budgets.take("big", Limits(requests=25)) for _ in range(10)].count("")


def test_last_request_is_taken_once_by_many_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as processes:
        taken = processes.map(_take_ten, [tmp_path] * 4)
    assert sum(taken) == 25


def test_file_is_the_users_own(tmp_path: Path) -> None:
    Budgets(tmp_path / "new").take("big", Limits())
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / FILE_NAME).stat().st_mode) == 0o600


def test_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to look like one" * 50)
    with pytest.raises(DataFolderError, match=r"budgets\.db cannot be used"):
        Budgets(tmp_path).take("big", Limits())


def test_transaction_that_fails_counts_nothing(tmp_path: Path) -> None:
    budgets = Budgets(tmp_path)
    budgets.take("big", Limits())
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("DROP TABLE spent")
        database.execute("CREATE TABLE spent (day, model, requests)")
    with pytest.raises(DataFolderError):
        budgets.take("big", Limits())


async def test_budget_that_cannot_be_read_allows_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    allowance = Allowance("big", Limits(), Budgets(tmp_path))
    assert "cannot be used" in await allowance.objection()
    assert "cannot be used" in await allowance.take()
    await allowance.spend(1, 1)


async def test_allowance_is_one_models_budget(tmp_path: Path) -> None:
    budgets = Budgets(tmp_path, Clock())
    allowance = Allowance("big", Limits(requests=1), budgets)
    assert await allowance.objection() == ""
    assert await allowance.take() == ""
    await allowance.spend(5, 6)
    assert budgets.spent("big") == Spent(1, 5, 6)
    assert await allowance.objection() == "its daily limit of requests (1) is reached"
    assert await allowance.take() == "its daily limit of requests (1) is reached"
