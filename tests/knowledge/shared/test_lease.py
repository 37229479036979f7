from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from knowledge.errors import IngestBusy
from knowledge.shared.lease import LEASE_S, Lease


@dataclass
class FakeServer:
    """Records of a server, and its clock."""

    records: dict[str, Mapping[str, str]] = field(default_factory=dict)
    time_s: float = 1_000.0
    num_asked: int = 0

    def all(self) -> dict[str, Mapping[str, str]]:
        self.num_asked += 1
        return dict(self.records)

    def put(self, records: Mapping[str, Mapping[str, str]]) -> None:
        self.records.update(records)

    def add(self, name: str, fields: Mapping[str, str]) -> None:
        self.records.setdefault(name, fields)

    def remove(self, ids: Sequence[str]) -> None:
        for name in ids:
            self.records.pop(name, None)

    def lease(self, owner: str) -> Lease:
        return Lease(self, lambda: self.time_s, owner)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def test_one_owner_has_it_until_it_lets_go(server: FakeServer) -> None:
    first = server.lease("a")
    assert first.take()
    with pytest.raises(IngestBusy):
        server.lease("b").take()
    first.release()
    assert server.lease("b").take()
    assert len(server.records) == 1


def test_it_ends_by_itself_and_the_next_holder_learns_that(server: FakeServer) -> None:
    first, second = server.lease("a"), server.lease("b")
    first.take()
    server.time_s += LEASE_S + 1
    assert not second.take()
    with pytest.raises(IngestBusy):
        first.require()
    second.require()


def test_its_owner_takes_it_again_at_once(server: FakeServer) -> None:
    first, second = server.lease("a"), server.lease("a")
    first.take()
    assert not second.take()
    with pytest.raises(IngestBusy):
        first.require()


def test_of_two_that_take_it_at_once_the_first_to_add_has_it(server: FakeServer) -> None:
    slow = server.lease("slow")
    quick = server.lease("quick")
    seen = server.all()

    class SlowServer(FakeServer):
        def all(self) -> dict[str, Mapping[str, str]]:
            """What was there before the other came, the first time."""
            if self.num_asked == 0:
                self.num_asked += 1
                quick.take()
                return seen
            return dict(server.records)

    view = SlowServer(server.records)
    slow = view.lease("slow")
    with pytest.raises(IngestBusy):
        slow.take()
    quick.require()


def test_one_who_was_slow_cannot_believe_in_a_number_that_was_used(server: FakeServer) -> None:
    late = server.lease("late")
    late.take()
    server.time_s += LEASE_S + 1
    for owner in "ab":
        holder = server.lease(owner)
        holder.take()
        holder.release()
    with pytest.raises(IngestBusy):
        late.require()
    late.release()
    last = server.lease("c")
    last.take()
    last.require()


def test_it_is_renewed_when_it_is_about_time(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: passed_s)
    lease = server.lease("a")
    lease.take()
    asked = server.num_asked
    lease.renew()
    assert server.num_asked == asked
    for _ in range(10):
        passed_s += LEASE_S / 2
        server.time_s += LEASE_S / 2
        lease.renew()
    with pytest.raises(IngestBusy):
        server.lease("b").take()


def test_renewing_notices_another_holder(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: passed_s)
    lease = server.lease("a")
    lease.take()
    server.time_s += LEASE_S + 1
    server.lease("b").take()
    passed_s += LEASE_S
    with pytest.raises(IngestBusy, match="has begun"):
        lease.renew()
