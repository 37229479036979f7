"""Who is at work: a process that holds a lock in the database for as long as its connection lives.

The server gives the lock up when the connection ends, and a connection ends with its process,
however that ends; that of a machine without power ends within half a minute. So nobody has to send
signs of life, and no clock decides.

A connection can be lost while its process lives: the database was restarted. The process notices
at once and takes its lock again; who looks for it meanwhile looks for a while.
"""

from __future__ import annotations

import logging
import os
import secrets
import selectors
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from assistant.errors import DataFolderError
from assistant.postgres.connection import connect, mapped

_log = logging.getLogger(__name__)

_Connection = psycopg.Connection[tuple[Any, ...]]

PATIENCE_S = 5.0
_RECONNECT_PAUSE_S = 0.5
_CONNECT_TIMEOUT_S = 3
_LOOK_PAUSE_S = 0.5
_PREFIX = "pg-"
# A lock of one 64-bit number is listed as two halves and the 1.
_IS_HELD = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = %s AND objid::bigint = %s
"""


class PostgresOwners:
    """The processes at work on one database (`assistant.approvals.owner.Owners`).

    `patience_s` is how long a process that was cut off has to come back.
    """

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        self._address = address
        self._patience_s = patience_s

    @contextmanager
    def holding(self) -> Iterator[str]:
        """A name under which this process works; it is alive until the block ends.

        Takes one connection and one thread. Raises DataFolderError.
        """
        owner = f"{_PREFIX}{secrets.token_hex(8)}"
        holder = _Holder(self._address, _key(owner))
        try:
            yield owner
        finally:
            holder.close()

    def is_alive(self, owner: str) -> bool:
        """Whether the process that works under this name still runs. Raises DataFolderError.

        Blocks for `patience_s` before it says that it does not.
        """
        if not owner.startswith(_PREFIX):
            return False
        deadline = time.monotonic() + self._patience_s
        while not (is_held := self._is_held(owner)) and time.monotonic() < deadline:
            time.sleep(_LOOK_PAUSE_S)
        return is_held

    def sweep(self) -> None:
        """Nothing is left of those who are gone."""

    def _is_held(self, owner: str) -> bool:
        key = _key(owner) % 2**64
        with mapped(), connect(self._address) as connection:
            found = connection.execute(_IS_HELD, [key >> 32, key % 2**32]).fetchone()
        return found is not None and found[0] > 0


class _Holder:
    """Holds the lock `key` on a connection of its own, and on the next one when that is lost."""

    def __init__(self, address: str, key: int) -> None:
        # Shorter than others are patient.
        self._address = make_conninfo(address, connect_timeout=_CONNECT_TIMEOUT_S)
        self._key = key
        self._is_over, self._end = os.pipe()
        try:
            connection = self._locked()
        except BaseException:
            self._close_pipe()
            raise
        self._thread = threading.Thread(
            target=self._hold, args=(connection,), name="owner", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Give the lock up."""
        os.write(self._end, b"\n")
        self._thread.join()
        self._close_pipe()

    def _hold(self, connection: _Connection) -> None:
        while self._is_lost(connection):
            _log.warning("the connection to the database was lost; connecting again")
            again = self._reconnected()
            if again is None:
                return
            connection = again

    def _is_lost(self, connection: _Connection) -> bool:
        """Returns when the connection is lost, or when the lock is to be given up: then False."""
        with connection, selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._is_over, selectors.EVENT_READ)
            # The server says nothing by itself; where there is something to read, it is the end.
            return self._is_over not in [key.fileobj for key, _ in selector.select()]

    def _reconnected(self) -> _Connection | None:
        """The next connection, as soon as there is one; None when the lock is to be given up."""
        while not self._is_over_within(_RECONNECT_PAUSE_S):
            try:
                return self._locked()
            except DataFolderError as error:
                _log.info("%s", error.message)
        return None

    def _is_over_within(self, pause_s: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._is_over, selectors.EVENT_READ)
            return bool(selector.select(pause_s))

    def _locked(self) -> _Connection:
        """A new connection that holds the lock. Raises DataFolderError."""
        connection = connect(self._address)
        try:
            with mapped():
                connection.execute("SELECT pg_advisory_lock(%s)", [self._key])
        except BaseException:
            connection.close()
            raise
        return connection

    def _close_pipe(self) -> None:
        os.close(self._is_over)
        os.close(self._end)


def _key(owner: str) -> int:
    """The number of the lock, signed as the server wants it."""
    number = int(owner.removeprefix(_PREFIX), 16)
    return number - 2**64 if number >= 2**63 else number
