"""Sessions: which conversations there are, and the evidence ledger of each.

One SQLite file in the data folder. The graph's checkpoints live in the same file, under tables of
their own (`langgraph-checkpoint-sqlite`); here is what a person sees and what citations need.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiosqlite

from assistant.errors import DataFolderError, SessionError
from assistant.events import TurnFinished, to_json
from assistant.wire import event_of
from tools.evidence import Evidence, Finding, Ledger

# What brings the tables from one version to the next; the number of entries is today's version.
_MIGRATIONS = (
    (
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
    ),
    (
        "ALTER TABLE turns ADD COLUMN id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE turns ADD COLUMN finished TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX turns_by_id ON turns (id)",
    ),
)
_CHECKPOINT_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('checkpoints', 'writes')"
)
_TURN_COLUMNS = "question, answer, bundle, files, id, finished"
_TITLE_CHARS = 72
# How long a write waits for another process's.
_BUSY_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as the list shows it."""

    id: str
    title: str
    started_at_utc: str
    updated_at_utc: str
    num_turns: int


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A finished turn, with the bundle and the files that it was answered from.

    `id` is the turn's name where it was given one. `finished` is its last event: what it cited, did
    and cost; None for one that an earlier version kept.
    """

    question: str
    answer: str
    bundle: Path | None = None
    files: tuple[Path, ...] = ()
    id: str = ""
    finished: TurnFinished | None = None


class SessionStore:
    """The sessions of one data folder; open it with `open_sessions`.

    `checkpoints` is the graph's own connection: it commits when it likes, and must not commit half
    of what is being written here.
    """

    def __init__(
        self, connection: aiosqlite.Connection, checkpoints: aiosqlite.Connection, locks: Path
    ) -> None:
        self.checkpoints = checkpoints
        self._connection = connection
        self._locks = locks
        self._writing = asyncio.Lock()

    async def all(self) -> list[SessionInfo]:
        """All sessions, the last used one first."""
        query = "SELECT * FROM sessions ORDER BY updated_at_utc DESC, rowid DESC"
        rows = await self._connection.execute_fetchall(query)
        return [SessionInfo(*row) for row in rows]

    async def resolve(self, name: str | None, *, continue_last: bool = False) -> str:
        """The id of the session to use: `name` (or its beginning), the last one, or a new one.

        Raises SessionError.
        """
        if name is None and not continue_last:
            return secrets.token_hex(4)
        known = await self.all()
        if name is None:
            if not known:
                raise SessionError("there is no session to continue", "ask without -c first")
            return known[0].id
        matches = [info.id for info in known if name and info.id.startswith(name)]
        if len(matches) != 1:
            what = "no session" if not matches else f"{len(matches)} sessions"
            raise SessionError(f"{what} named {name!r}", "list them: midwatch sessions list")
        return matches[0]

    async def turns(self, session: str) -> list[StoredTurn]:
        """The turns of `session`, oldest first."""
        query = f"SELECT {_TURN_COLUMNS} FROM turns WHERE session = ? ORDER BY number"
        rows = await self._connection.execute_fetchall(query, [session])
        return [_stored_turn(*row) for row in rows]

    async def find_turn(self, turn: str) -> StoredTurn | None:
        """The turn of that id; None when none was kept."""
        query = f"SELECT {_TURN_COLUMNS} FROM turns WHERE id = ?"
        rows = list(await self._connection.execute_fetchall(query, [turn]))
        return _stored_turn(*rows[0]) if turn and rows else None

    async def ledger(self, session: str) -> Ledger:
        """The evidence that `session` has gathered so far."""
        query = "SELECT id, finding FROM evidence WHERE session = ? ORDER BY position"
        rows = await self._connection.execute_fetchall(query, [session])
        return Ledger.restore(Evidence(row[0], _finding(row[1])) for row in rows)

    async def keep(self, session: str, turn: StoredTurn, ledger: Ledger) -> None:
        """Store a finished turn together with the ledger, or neither."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        title = " ".join(turn.question.split())[:_TITLE_CHARS]
        async with self._transaction():
            await self._connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING",
                [session, title, now, now],
            )
            await self._connection.execute(
                "UPDATE sessions SET updated_at_utc = ?, num_turns = num_turns + 1 WHERE id = ?",
                [now, session],
            )
            await self._connection.execute(
                f"INSERT INTO turns (session, number, {_TURN_COLUMNS}) "
                "SELECT id, num_turns, ?, ?, ?, ?, ?, ? FROM sessions WHERE id = ?",
                [turn.question, turn.answer, *_places(turn), turn.id, _ending(turn), session],
            )
            await self._connection.executemany(
                "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?)",
                [
                    [
                        session,
                        evidence.id,
                        position,
                        _stored(evidence.finding),
                    ]
                    for position, evidence in enumerate(ledger)
                ],
            )

    async def rename(self, session: str, title: str) -> None:
        """Give the session another title; a session that is not there stays away."""
        async with self._transaction():
            await self._connection.execute(
                "UPDATE sessions SET title = ? WHERE id = ?", [title, session]
            )

    async def delete(self, session: str) -> None:
        """Remove the session with all that belongs to it, checkpoints included."""
        columns = {"sessions": "id", "turns": "session", "evidence": "session"}
        columns |= dict.fromkeys(await self._checkpoint_tables(), "thread_id")
        async with self._transaction():
            for table, column in columns.items():
                await self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", [session])
        self._lock_file(session).unlink(missing_ok=True)

    @asynccontextmanager
    async def answering(self, session: str) -> AsyncIterator[None]:
        """Hold the session for one turn; one that fails or is cancelled leaves no checkpoint.

        Raises SessionError when another turn holds it.
        """
        with self.lock(session):
            last = await self._last_checkpoint(session)
            try:
                yield
            except BaseException:
                await self._drop_checkpoints(session, last)
                raise

    @contextmanager
    def lock(self, session: str) -> Iterator[None]:
        """Hold the session for one turn. Raises SessionError when another process has it."""
        with self._lock_file(session).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SessionError(
                    f"session {session} is answering another question",
                    "wait for it, or ask without -c",
                ) from error
            yield

    async def _checkpoint_tables(self) -> list[str]:
        """The graph's tables; it makes them when it first needs them."""
        return [row[0] for row in await self._connection.execute_fetchall(_CHECKPOINT_TABLES)]

    async def _last_checkpoint(self, session: str) -> str:
        """The id of the newest checkpoint (they sort by their ids); empty when there is none."""
        if not await self._checkpoint_tables():
            return ""
        query = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
        [[newest]] = await self._connection.execute_fetchall(query, [session])
        return newest or ""

    async def _drop_checkpoints(self, session: str, last: str) -> None:
        """Forget what the graph stored after `last`: it stores where a cancelled run stood, too."""
        tables = await self._checkpoint_tables()
        async with self._transaction():
            for table in tables:
                await self._connection.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id > ?",
                    [session, last],
                )

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """All writes within, or none: also when they are cancelled half-way."""
        async with self._writing:
            try:
                yield
            except BaseException:
                await self._connection.rollback()
                raise
            await self._connection.commit()

    def _lock_file(self, session: str) -> Path:
        return self._locks / f"{session}.lock"


@asynccontextmanager
async def open_sessions(data_dir: Path) -> AsyncIterator[SessionStore]:
    """The sessions in `data_dir`, which is created for this user only. Raises DataFolderError."""
    locks, database = data_dir / "locks", data_dir / "sessions.db"
    try:
        await asyncio.to_thread(_make_folders, data_dir, locks)
        # The data folder may be older than this and open to other users; questions are not.
        await asyncio.to_thread(database.touch, 0o600)
    except OSError as error:
        raise _unusable(data_dir, error) from error
    try:
        async with (
            aiosqlite.connect(database, timeout=_BUSY_TIMEOUT_S) as connection,
            aiosqlite.connect(database, timeout=_BUSY_TIMEOUT_S) as checkpoints,
        ):
            await connection.execute("PRAGMA journal_mode = WAL")
            await _prepare(connection, database)
            yield SessionStore(connection, checkpoints, locks)
    except aiosqlite.DatabaseError as error:
        raise _unusable(data_dir, error) from error


async def _prepare(connection: aiosqlite.Connection, database: Path) -> None:
    """Bring the tables to today's form. Raises DataFolderError on a newer one."""
    # One transaction: another process may be doing it at this moment.
    await connection.execute("BEGIN IMMEDIATE")
    [(version,)] = await connection.execute_fetchall("PRAGMA user_version")
    [(num_tables,)] = await connection.execute_fetchall("SELECT count(*) FROM sqlite_master")
    if version > len(_MIGRATIONS) or (num_tables and not version):
        raise DataFolderError(
            f"{database} was written by another version of midwatch",
            "move it away, or use the midwatch that wrote it",
        )
    for number, statements in enumerate(_MIGRATIONS[version:], version + 1):
        for statement in (*statements, f"PRAGMA user_version = {number}"):
            await connection.execute(statement)
    await connection.commit()


def _places(turn: StoredTurn) -> tuple[str, str]:
    """The turn's bundle and files, absolute, as they are stored."""
    bundle = "" if turn.bundle is None else str(turn.bundle.absolute())
    return bundle, json.dumps([str(path.absolute()) for path in turn.files])


def _ending(turn: StoredTurn) -> str:
    return "" if turn.finished is None else json.dumps(to_json(turn.finished))


def _stored_turn(
    question: str, answer: str, bundle: str, files: str, turn: str, finished: str
) -> StoredTurn:
    paths = tuple(Path(path) for path in json.loads(files))
    place = Path(bundle) if bundle else None
    return StoredTurn(question, answer, place, paths, turn, _finished(finished))


def _finished(stored: str) -> TurnFinished | None:
    if not stored:
        return None
    event = event_of(json.loads(stored))
    assert isinstance(event, TurnFinished)
    return event


def _make_folders(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _unusable(data_dir: Path, error: Exception) -> DataFolderError:
    return DataFolderError(
        f"the data folder {data_dir} cannot be used: {error}",
        "check its permissions and free space, or choose another: [data] dir",
    )


def _stored(finding: Finding) -> str:
    return json.dumps(asdict(finding), default=datetime.isoformat)


def _finding(stored: str) -> Finding:
    values = json.loads(stored)
    at = values.get("at")
    return Finding(**{**values, "at": datetime.fromisoformat(at) if at else None})
