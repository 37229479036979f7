"""What the tests of approvals share: an act to agree to, people, and an audit that can be asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assistant.approvals.approval import Approval
from assistant.approvals.desk import Desk
from assistant.approvals.execution import Executor, open_executor
from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.approvals.request import ActionRequest
from assistant.approvals.store import ApprovalStore
from assistant.errors import MidwatchError
from tests.assistant.places import Place

ANNA = Person("cli", "anna", ("oncall",))
BEN = Person("cli", "ben")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
# The kind of the record that an approval's state comes from; `running` may be claimed only.
KINDS = {
    "pending": {"requested", "approved"},
    "approved": {"approved"},
    "rejected": {"rejected"},
    "expired": {"expired"},
    "refused": {"refused"},
    "running": {"approved", "started"},
    "done": {"finished"},
    "failed": {"failed"},
    "unfinished": {"unfinished"},
}


class AuditBroken(MidwatchError):
    """What an audit raises that cannot be written."""


def restart(service: str = "web", **changes: Any) -> ActionRequest:
    """A request to restart `service`."""
    values: dict[str, Any] = {
        "action": "restart_service",
        "arguments": {"backend": "supervisor", "service": service},
        "session": "s1",
        "turn": 1,
        "asked_by": ANNA,
        "reason": "it is down",
    }
    return ActionRequest(**{**values, **changes})


def permitted(request: ActionRequest, earlier: object) -> None:
    """The permit of those who have no objection."""


class Clock:
    """A clock that the test sets. `ticks_s` is how far it goes on with each look at it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.ticks_s = 0.0

    def __call__(self) -> datetime:
        seen = self.now
        self.advance(seconds=self.ticks_s)
        return seen

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class MemoryAudit:
    """An audit in memory; `broken_kinds` cannot be written."""

    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken_kinds: set[str] = field(default_factory=set)

    def append(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind in self.broken_kinds:
            raise AuditBroken("the audit cannot be written", "free some space")
        # What is not JSON is no record.
        self.records.append((kind, json.loads(json.dumps(data, allow_nan=False))))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.records]


@dataclass(frozen=True)
class FileAudit:
    """An audit that many processes write to: one JSON line each, in one system call."""

    path: Path

    def append(self, kind: str, data: Mapping[str, Any]) -> None:
        append_line(self.path, json.dumps([kind, data]))

    @property
    def records(self) -> list[tuple[str, dict[str, Any]]]:
        return [(kind, data) for kind, data in map(json.loads, self.path.read_text().splitlines())]


def append_line(path: Path, line: str) -> None:
    """Add `line`, whole, whoever else adds one."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Scene:
    """A desk and an executor on one store. `performed` are the services that were restarted."""

    store: ApprovalStore
    desk: Desk
    executor: Executor
    audit: MemoryAudit
    clock: Clock
    performed: list[str]

    def approved(self, request: ActionRequest | None = None) -> Approval:
        return self.desk.approve(self.desk.request(request or restart()).id, ANNA)

    def execute(self, approval: Approval, permit: Any = permitted) -> Approval:
        return self.executor.execute(
            approval.id, session=approval.request.session, permit=permit, progress=lambda _: None
        )


@contextmanager
def open_scene(place: Place, policy: Policy | None = None) -> Iterator[Scene]:
    """A scene on the approvals in `place`."""
    audit, clock, performed = MemoryAudit(), Clock(), list[str]()
    policy = policy or Policy.parse()

    def perform(arguments: Mapping[str, Any], request: ActionRequest, progress: Any) -> Any:
        progress("restarting")
        performed.append(arguments["service"])
        return {"state": "RUNNING"}

    with (
        place.open_store() as store,
        open_executor(store, audit, policy, {"restart_service": perform}, clock) as executor,
    ):
        yield Scene(store, Desk(store, audit, policy, clock), executor, audit, clock, performed)


def disagreements(
    approvals: Iterable[Approval], records: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[str]:
    """Where the audit does not tell what the store tells; empty when it does.

    Of several records of one step the last counts; one step beyond the store's was cut off.
    """
    steps: dict[str, dict[int, tuple[str, str]]] = {}
    for kind, data in records:
        if "step" in data:
            steps.setdefault(data["approval"], {})[data["step"]] = (kind, data["digest"])
    return [
        f"{approval.id}: {approval.state} at step {approval.step}, records {told}"
        for approval in approvals
        for told in [steps.pop(approval.id, {})]
        if not _agrees(approval, told)
    ] + [f"{name}: only the audit knows {told}" for name, told in steps.items() if set(told) != {1}]


def _agrees(approval: Approval, told: Mapping[int, tuple[str, str]]) -> bool:
    reached = [step for step in sorted(told) if step <= approval.step]
    is_whole = reached == list(range(1, approval.step + 1)) and len(told) - len(reached) <= 1
    return (
        is_whole
        and told[approval.step][0] in KINDS[approval.state]
        and all(digest == approval.digest for _, digest in told.values())
    )
