"""kill -9 at every point between a decision and its result, and of the recovery from that.

A child process decides and performs while its lines of code are counted, and kills itself before
one of them; each line has its turn. Others are killed from outside at moments nobody chose, which
are also within SQLite and the system's calls.
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
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from assistant import approvals
from assistant.approvals.approval import Approval
from assistant.approvals.desk import Desk
from assistant.approvals.execution import Executor, open_executor
from assistant.approvals.policy import Policy
from assistant.approvals.request import ActionRequest
from assistant.approvals.store import open_store
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

POLICY = Policy.parse()
# Who reads or writes the disk, and who calls them: what only computes has no say in a crash.
COUNTED = {
    scene.__file__,
    *(
        f"{approvals.__path__[0]}/{name}.py"
        for name in ("desk", "execution", "expiry", "owner", "records", "rows", "store")
    ),
}
NUM_TIMED = 60


class Fuse:
    """Kills this process before its line number `kill_at` of the code that is looked at."""

    def __init__(self, kill_at: int) -> None:
        self.num_lines = 0
        self._kill_at = kill_at

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in COUNTED:
            return None
        if event == "line":
            self.num_lines += 1
            if self.num_lines == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


@contextmanager
def office(folder: Path) -> Iterator[tuple[Desk, Executor]]:
    """A desk, and an executor whose acts can be counted."""
    audit = FileAudit(folder / "audit")

    def perform(arguments: Mapping[str, Any], request: ActionRequest, progress: object) -> str:
        if request.reason == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        append_line(folder / "performed", str(arguments["service"]))
        return "restarted"

    with (
        open_store(folder) as store,
        open_executor(store, audit, POLICY, {"restart_service": perform}) as executor,
    ):
        yield Desk(store, audit, POLICY), executor


def decide_and_perform(folder: Path, fuse: Fuse, reason: str = "") -> None:
    with office(folder) as (desk, executor):
        pending = desk.request(restart(reason=reason))
        sys.settrace(fuse)
        approval = desk.approve(pending.id, ANNA)
        executor.execute(approval.id, session="s1", permit=permitted)
        sys.settrace(None)


def recover(folder: Path, fuse: Fuse) -> None:
    with office(folder) as (_, executor):
        sys.settrace(fuse)
        executor.recover()
        sys.settrace(None)


def was_killed(work: Callable[[], object], wait: Callable[[], object] | None = None) -> bool:
    """Whether a child process that does the work is killed: by itself, or by us after `wait`."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must not go on as the test
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if wait is not None:
        try:
            wait()
        finally:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status == signal.SIGKILL


def num_lines(folder: Path, work: Callable[[Path, Fuse], object]) -> int:
    """How many lines the work has when nobody is killed."""

    def count() -> None:
        fuse = Fuse(0)
        work(folder, fuse)
        (folder / "lines").write_text(str(fuse.num_lines))

    assert not was_killed(count)
    return int((folder / "lines").read_text())


def performed(folder: Path) -> Counter[str]:
    path = folder / "performed"
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


def check_office(folder: Path) -> list[Approval]:
    """All approvals after the next start: each as it took place, and as the audit tells it."""
    audit, counts = FileAudit(folder / "audit"), performed(folder)
    with office(folder) as (desk, executor):
        assert disagreements(desk.all(), audit.records) == []
        executor.recover()
        for approval in desk.all():
            check_state(approval, counts[str(approval.request.arguments["service"])])
        assert disagreements(desk.all(), audit.records) == []
        # Of those who were killed not even a file is left.
        assert len(list((folder / "locks").iterdir())) == 1
        return desk.all()


def check_used_once(folder: Path, approval: Approval) -> None:
    """It is tried to use the approval again, which only one that was never used allows."""
    before = performed(folder).total()
    with office(folder) as (_, executor):
        try:
            executor.execute(approval.id, session="s1", permit=permitted)
        except ApprovalConflict:
            assert approval.state != "approved"
            assert performed(folder).total() == before
        else:
            assert approval.state == "approved"
            assert performed(folder).total() == before + 1 == 1


def test_killed_at_every_line_between_decision_and_result(quick_folder: Path) -> None:
    total = num_lines(quick_folder, decide_and_perform)
    assert total > 300
    states = set()
    for line in range(1, total + 1):
        folder = quick_folder / str(line)
        assert was_killed(partial(decide_and_perform, folder, Fuse(line)))
        [approval] = check_office(folder)
        check_used_once(folder, approval)
        states.add((approval.state, performed(folder).total()))
    # Some were killed in each of the stages.
    assert states == {
        ("pending", 0),
        ("approved", 1),
        ("unfinished", 0),
        ("unfinished", 1),
        ("done", 1),
    }


def test_killed_at_every_line_of_the_recovery(quick_folder: Path) -> None:
    def leave_behind(folder: Path) -> None:
        assert was_killed(partial(decide_and_perform, folder, Fuse(0), "die"))

    leave_behind(quick_folder)
    total = num_lines(quick_folder, recover)
    assert total > 100
    for line in range(1, total + 1):
        folder = quick_folder / str(line)
        leave_behind(folder)
        assert was_killed(partial(recover, folder, Fuse(line)))
        [approval] = check_office(folder)
        assert approval.state == "unfinished"


def test_killed_at_any_moment(quick_folder: Path) -> None:
    def work(services: list[str]) -> None:
        with office(quick_folder) as (desk, executor):
            executor.recover()
            for service in services:
                approval = desk.approve(desk.request(restart(service)).id, ANNA)
                executor.execute(approval.id, session="s1", permit=permitted)

    moments = random.Random(6)
    for number in range(NUM_TIMED):
        services = [f"service-{number}-{n}" for n in range(10_000)]
        at_least = performed(quick_folder).total() + 2

        def wait(at_least: int = at_least) -> None:
            deadline = time.monotonic() + 60
            while performed(quick_folder).total() < at_least:
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.01))

        assert was_killed(partial(work, services), wait)
    left = Counter(approval.state for approval in check_office(quick_folder))
    assert left["done"] >= NUM_TIMED
