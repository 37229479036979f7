"""The lease: who may write to the shared knowledge base, of all machines that could.

It is a row of numbered records on the server. The newest counts, and whoever adds the next number
first has the lease: the server keeps the first of two records with the same id. A number is never
used again, so that one who was slow cannot believe in a lease that others had since. It ends by
itself some time after its holder last renewed it, by the server's clock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

from knowledge.errors import IngestBusy

LEASE_S = 120.0

_RELEASED = "0"

_BUSY_HINT = "wait until it ends, and try again"


class LeaseRecords(Protocol):
    """The records that the lease is kept in, as `knowledge.store.Records`."""

    def all(self) -> dict[str, Mapping[str, str]]:
        """All records by id."""
        ...

    def put(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """Keep records in place of those of the same ids."""
        ...

    def add(self, name: str, fields: Mapping[str, str]) -> None:
        """Keep a record unless there is one of the same id."""
        ...

    def remove(self, ids: list[str]) -> None:
        """Drop records, known or not."""
        ...


class Lease:
    """One go at the lease. `owner` is who takes it: what an owner held before, it may take again.

    The owner sees to it that it takes it once at a time. `now_s` is a clock that all owners share.
    """

    def __init__(self, records: LeaseRecords, now_s: Callable[[], float], owner: str) -> None:
        self._records = records
        self._now_s = now_s
        self._owner = owner
        self._holder = uuid.uuid4().hex
        self._name = ""
        self._renewed_at = 0.0

    def take(self) -> bool:
        """Hold the lease; whether its last holder let go of it. Raises IngestBusy.

        It does when another owner has the lease.
        """
        known = self._records.all()
        newest = max(known, default="")
        if newest and self._is_held_by_another(known[newest]):
            raise IngestBusy("another machine is ingesting into the same server", _BUSY_HINT)
        self._name = f"{int(newest or 0) + 1:012}"
        self._records.add(self._name, self._fields())
        self._renewed_at = time.monotonic()
        self.require()
        self._records.remove(list(known))
        return newest == "" or known[newest]["until_s"] == _RELEASED

    def renew(self) -> None:
        """Hold the lease for longer; cheap unless it is about time. Raises IngestBusy as `require`.

        Call it at least every few seconds.
        """
        if time.monotonic() - self._renewed_at < LEASE_S / 4:
            return
        self._records.put({self._name: self._fields()})
        self._renewed_at = time.monotonic()
        self.require()

    def require(self) -> None:
        """Raises IngestBusy when another has the lease: this one was not renewed in time."""
        known = self._records.all()
        newest = max(known, default="")
        if newest != self._name or known[newest]["holder"] != self._holder:
            raise IngestBusy("another machine has begun to ingest into the same server", _BUSY_HINT)

    def release(self) -> None:
        """Let others have the lease, if it is still held."""
        self._records.put({self._name: {**self._fields(), "until_s": _RELEASED}})

    def _is_held_by_another(self, fields: Mapping[str, str]) -> bool:
        return fields["owner"] != self._owner and float(fields["until_s"]) > self._now_s()

    def _fields(self) -> dict[str, str]:
        until_s = self._now_s() + LEASE_S
        return {"owner": self._owner, "holder": self._holder, "until_s": str(until_s)}
