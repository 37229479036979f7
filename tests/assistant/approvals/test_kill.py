"""kill -9 at every point between a decision and its result, and of the recovery from that.

A child process decides and performs while its lines of code are counted, and kills itself before
one of them; each line has its turn, or some of them where that would take too long. Others are
killed from outside at moments nobody chose, which are also within the database and the system's
calls.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from assistant import approvals, postgres
from assistant.approvals.approval import Approval
from assistant.approvals.desk import Desk
from assistant.approvals.execution import Executor, open_executor
from assistant.approvals.policy import Policy
from assistant.approvals.request import ActionRequest
from assistant.errors import ApprovalConflict
from tests.assistant.approvals import scene
from tests.assistant.approvals.scene import (
    ANNA,
    FileAudit,
    append_line,
    disagreements,
    permitted,
    restart,
)
from tests.assistant.killing import Fuse, was_killed
from tests.assistant.places import FilePlace, Place, PostgresPlace

POLICY = Policy.parse()
# Who reads or writes the disk, and who calls them: what only computes has no say in a crash.
COUNTED = {
    scene.__file__,
    *(
        f"{approvals.__path__[0]}/{name}.py"
        for name in ("desk", "execution", "expiry", "file", "owner", "postgres", "records", "rows")
    ),
    f"{approvals.__path__[0]}/store.py",
    *(f"{postgres.__path__[0]}/{name}.py" for name in ("connection", "owners", "pools")),
}
# A database of its own takes its time to begin and to end.
EACH_LINE = {FilePlace: 1, PostgresPlace: 6}
NUM_TIMED = {FilePlace: 60, PostgresPlace: 30}


@contextmanager
def office(place: Place) -> Iterator[tuple[Desk, Executor]]:
    """A desk, and an executor whose acts can be counted."""
    audit = FileAudit(place.folder / "audit")

    def perform(arguments: Mapping[str, Any], request: ActionRequest, progress: object) -> str:
        if request.reason == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        append_line(place.folder / "performed", str(arguments["service"]))
        return "restarted"

    with (
        place.open_store() as store,
        open_executor(store, audit, POLICY, {"restart_service": perform}) as executor,
    ):
        yield Desk(store, audit, POLICY), executor


def decide_and_perform(place: Place, fuse: Fuse, reason: str = "") -> None:
    with office(place) as (desk, executor):
        pending = desk.request(restart(reason=reason))
        sys.settrace(fuse)
        approval = desk.approve(pending.id, ANNA)
        executor.execute(approval.id, session="s1", permit=permitted)
        sys.settrace(None)


def recover(place: Place, fuse: Fuse) -> None:
    with office(place) as (_, executor):
        sys.settrace(fuse)
        executor.recover()
        sys.settrace(None)


def num_lines(place: Place, work: Callable[[Place, Fuse], object]) -> int:
    """How many lines the work has when nobody is killed."""

    def count() -> None:
        fuse = Fuse(0, COUNTED)
        work(place, fuse)
        (place.folder / "lines").write_text(str(fuse.num_lines))

    assert not was_killed(count)
    return int((place.folder / "lines").read_text())


def performed(place: Place) -> Counter[str]:
    path = place.folder / "performed"
    return Counter(path.read_text().splitlines() if path.exists() else [])


def check_state(approval: Approval, num_performed: int) -> None:
    """What is told of an act is what took place, as far as it can be known."""
    match approval.state:
        case "pending" | "approved":
            assert num_performed == 0
        case "unfinished":
            assert num_performed <= (approval.begun_at_utc is not None)
            assert ("nothing was done" in approval.message) == (approval.begun_at_utc is None)
        case "done":
            assert num_performed == 1
        case state:
            pytest.fail(f"{approval.id} is {state}")


def check_office(place: Place) -> list[Approval]:
    """All approvals after the next start: each as it took place, and as the audit tells it."""
    place.wait_for_the_dead()
    audit, counts = FileAudit(place.folder / "audit"), performed(place)
    with office(place) as (desk, executor):
        assert disagreements(desk.all(), audit.records) == []
        executor.recover()
        for approval in desk.all():
            check_state(approval, counts[str(approval.request.arguments["service"])])
        assert disagreements(desk.all(), audit.records) == []
        # Of those who were killed not even a file is left.
        assert place.num_owners() == 1
        return desk.all()


def check_used_once(place: Place, approval: Approval) -> None:
    """It is tried to use the approval again, which only one that was never used allows."""
    before = performed(place).total()
    with office(place) as (_, executor):
        try:
            executor.execute(approval.id, session="s1", permit=permitted)
        except ApprovalConflict:
            assert approval.state != "approved"
            assert performed(place).total() == before
        else:
            assert approval.state == "approved"
            assert performed(place).total() == before + 1 == 1


def test_killed_at_every_line_between_decision_and_result(quick_place: Place) -> None:
    total = num_lines(quick_place, decide_and_perform)
    assert total > 300
    states = set()
    for line in range(1, total + 1, EACH_LINE[type(quick_place)]):
        place = quick_place.new()
        assert was_killed(partial(decide_and_perform, place, Fuse(line, COUNTED)))
        [approval] = check_office(place)
        check_used_once(place, approval)
        states.add((approval.state, performed(place).total()))
    # Some were killed in each of the stages.
    assert states == {
        ("pending", 0),
        ("approved", 1),
        ("unfinished", 0),
        ("unfinished", 1),
        ("done", 1),
    }


def test_killed_at_every_line_of_the_recovery(quick_place: Place) -> None:
    def leave_behind(place: Place) -> None:
        assert was_killed(partial(decide_and_perform, place, Fuse(0, COUNTED), "die"))

    leave_behind(quick_place)
    total = num_lines(quick_place, recover)
    assert total > 100
    for line in range(1, total + 1, EACH_LINE[type(quick_place)]):
        place = quick_place.new()
        leave_behind(place)
        assert was_killed(partial(recover, place, Fuse(line, COUNTED)))
        [approval] = check_office(place)
        assert approval.state == "unfinished"


def test_killed_at_any_moment(quick_place: Place) -> None:
    def work(services: list[str]) -> None:
        with office(quick_place) as (desk, executor):
            executor.recover()
            for service in services:
                approval = desk.approve(desk.request(restart(service)).id, ANNA)
                executor.execute(approval.id, session="s1", permit=permitted)

    moments = random.Random(6)
    for number in range(NUM_TIMED[type(quick_place)]):
        services = [f"service-{number}-{n}" for n in range(10_000)]
        at_least = performed(quick_place).total() + 2

        def wait(at_least: int = at_least) -> None:
            deadline = time.monotonic() + 60
            while performed(quick_place).total() < at_least:
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.01))

        assert was_killed(partial(work, services), wait)
    left = Counter(approval.state for approval in check_office(quick_place))
    assert left["done"] >= NUM_TIMED[type(quick_place)]
