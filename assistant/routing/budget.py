"""`Budgets`: what each named model was asked today, by all processes that share a data folder.

A request is counted before it is made, so that no two of them take the last one. Its tokens are
known only when it is over: requests that run at the time can go beyond the limit of tokens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assistant.errors import DataFolderError

FILE_NAME = "budgets.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (
    day TEXT NOT NULL, model TEXT NOT NULL,
    requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, answer_tokens INTEGER NOT NULL,
    PRIMARY KEY (day, model)
)
"""
_ADD = """
INSERT INTO spent VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, model) DO UPDATE SET
    requests = requests + excluded.requests,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    answer_tokens = answer_tokens + excluded.answer_tokens
"""
# How long a change waits for those of other processes.
_BUSY_TIMEOUT_S = 10.0
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Spent:
    """What a model was asked in a day."""

    requests: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Those of prompts and answers."""
        return self.prompt_tokens + self.answer_tokens


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model may be asked in a day; None is no limit. Prices are for a million tokens."""

    requests: int | None = None
    tokens: int | None = None
    cost: float | None = None
    prompt_price: float = 0.0
    answer_price: float = 0.0

    def cost_of(self, spent: Spent) -> float:
        """What it cost."""
        prompts = spent.prompt_tokens * self.prompt_price
        return (prompts + spent.answer_tokens * self.answer_price) / _MILLION

    def objection(self, spent: Spent) -> str:
        """Why there is no further request today; empty where there is one."""
        if self.requests is not None and spent.requests >= self.requests:
            return f"its daily limit of requests ({self.requests:,}) is reached"
        if self.tokens is not None and spent.tokens >= self.tokens:
            return f"its daily limit of tokens ({self.tokens:,}) is reached"
        if self.cost is not None and self.cost_of(spent) >= self.cost:
            return f"its daily limit of cost ({self.cost:g}) is reached"
        return ""


def _now() -> datetime:
    return datetime.now(UTC)


class Budgets:
    """The budgets of one data folder. Every call blocks; usable from any thread.

    A day is one of UTC. All methods raise DataFolderError.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], datetime] = _now) -> None:
        self._path = data_dir / FILE_NAME
        self._clock = clock

    def spent(self, model: str) -> Spent:
        """What `model` was asked today."""
        with self._database() as database:
            return self._read(database, model)

    def take(self, model: str, limits: Limits) -> str:
        """Count a request to `model`; else why there is none left."""
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            objection = limits.objection(self._read(database, model))
            if not objection:
                database.execute(_ADD, (self._today(), model, 1, 0, 0))
            database.execute("COMMIT")
            return objection

    def spend(self, model: str, prompt_tokens: int, answer_tokens: int) -> None:
        """Count the tokens of a request to `model`."""
        with self._database() as database:
            database.execute(_ADD, (self._today(), model, 0, prompt_tokens, answer_tokens))

    def _read(self, database: sqlite3.Connection, model: str) -> Spent:
        query = (
            "SELECT requests, prompt_tokens, answer_tokens FROM spent WHERE day = ? AND model = ?"
        )
        row = database.execute(query, (self._today(), model)).fetchone()
        return Spent(*row) if row else Spent()

    def _today(self) -> str:
        return self._clock().astimezone(UTC).date().isoformat()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(0o600)
            connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            with closing(connection) as database:
                database.execute(_SCHEMA)
                yield database
        except (OSError, sqlite3.Error) as error:
            raise DataFolderError(
                f"{self._path} cannot be used: {error}", "check its permissions and free space"
            ) from error
