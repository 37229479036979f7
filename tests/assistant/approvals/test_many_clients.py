"""Many approvals, decided and used by fifty clients at once, each of whom clicks twice."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from assistant.approvals.desk import Desk
from assistant.approvals.execution import Executor, open_executor
from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.approvals.request import ActionRequest, canonical
from assistant.errors import ApprovalConflict
from tests.assistant.approvals.scene import (
    ANNA,
    FileAudit,
    append_line,
    disagreements,
    permitted,
    restart,
)
from tests.assistant.places import FilePlace, Place, PostgresPlace

NUM_APPROVALS = {FilePlace: 1_000, PostgresPlace: 200}
NUM_PROCESSES = 5
CLIENTS_PER_PROCESS = 10
NUM_CLIENTS = NUM_PROCESSES * CLIENTS_PER_PROCESS
# How many clients want to decide about the same approval, and how often each of them clicks.
CLIENTS_PER_APPROVAL = 3
NUM_CLICKS = 2
# How many approvals are there where some of the processes are killed.
NUM_SHARED = 200
POLICY = Policy.parse()


def audit_of(folder: Path) -> FileAudit:
    return FileAudit(folder / "audit")


def share_of(client: int, ids: list[str]) -> list[str]:
    """The approvals that `client` decides about: everybody has rivals, in another order."""
    mine = [
        approval_id
        for number, approval_id in enumerate(ids)
        for rival in range(CLIENTS_PER_APPROVAL)
        if (number + rival * 17) % NUM_CLIENTS == client
    ]
    random.Random(client).shuffle(mine)
    return mine


def click(client: int, approval_id: str, desk: Desk, executor: Executor) -> list[str]:
    """What came of each click: a client in seven rejects, the others approve and perform."""
    person = Person("cli", f"client-{client}")
    came_of_it = list[str]()
    for _ in range(NUM_CLICKS):
        try:
            if client % 7 == 0:
                came_of_it.append(desk.reject(approval_id, person).state)
            else:
                came_of_it.append(desk.approve(approval_id, person).state)
        except ApprovalConflict:
            came_of_it.append("conflict")
        try:
            done = executor.execute(approval_id, session="s1", permit=permitted)
            came_of_it.append(done.state)
        except ApprovalConflict:
            came_of_it.append("conflict")
    return came_of_it


def run_clients(place: Place, process: int, ids: list[str]) -> None:
    """The clients of one process, each on a thread of its own."""
    audit = audit_of(place.folder)

    def perform(arguments: Mapping[str, Any], request: ActionRequest, progress: object) -> None:
        append_line(place.folder / "performed", canonical(arguments))

    with (
        place.open_store() as store,
        open_executor(store, audit, POLICY, {"restart_service": perform}) as executor,
        ThreadPoolExecutor(CLIENTS_PER_PROCESS) as threads,
    ):
        desk = Desk(store, audit, POLICY)

        def run(client: int) -> list[tuple[str, list[str]]]:
            mine = share_of(client, ids)
            return [(one, click(client, one, desk, executor)) for one in mine]

        first = process * CLIENTS_PER_PROCESS
        for clicks in threads.map(run, range(first, first + CLIENTS_PER_PROCESS)):
            append_line(place.folder / "clicks", json.dumps(clicks))


def test_every_act_takes_place_at_most_once(quick_place: Place) -> None:
    folder, num_approvals = quick_place.folder, NUM_APPROVALS[type(quick_place)]
    with quick_place.open_store() as store:
        desk = Desk(store, audit_of(folder), POLICY)
        asked = [desk.request(restart(f"service-{n}")) for n in range(num_approvals)]
    ids = [approval.id for approval in asked]
    children = [
        get_context("fork").Process(target=run_clients, args=(quick_place, process, ids))
        for process in range(NUM_PROCESSES)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * NUM_PROCESSES

    told: dict[str, Counter[str]] = {approval_id: Counter() for approval_id in ids}
    for line in (folder / "clicks").read_text().splitlines():
        for approval_id, came_of_it in json.loads(line):
            told[approval_id].update(came_of_it)
    with quick_place.open_store() as store, store.reading() as rows:
        approvals = {approval.id: approval for approval in rows.all()}
    performed = Counter((folder / "performed").read_text().splitlines())

    assert approvals.keys() == told.keys()
    for before in asked:
        after, counts = approvals[before.id], told[before.id]
        # Nothing is lost, and each change was reported to exactly one client.
        assert after.state in ("done", "rejected")
        assert counts[after.state] == 1
        assert counts["approved"] == sum(one.verdict == "approved" for one in after.decisions) <= 1
        assert counts.total() == CLIENTS_PER_APPROVAL * NUM_CLICKS * 2
        # What was agreed to was done once, what was rejected never, and nothing else at all.
        assert after.request == before.request
        assert performed.pop(canonical(before.request.arguments), 0) == (after.state == "done")
    assert not performed
    assert {approval.state for approval in approvals.values()} == {"done", "rejected"}
    assert disagreements(approvals.values(), audit_of(folder).records) == []


def use_all(place: Place, ids: list[str], seed: int) -> None:
    """Several clients of one process, each of whom tries to use every approval."""

    def perform(arguments: Mapping[str, Any], request: ActionRequest, progress: object) -> None:
        append_line(place.folder / "performed", canonical(arguments))

    audit = audit_of(place.folder)
    with (
        place.open_store() as store,
        open_executor(store, audit, POLICY, {"restart_service": perform}) as executor,
        ThreadPoolExecutor(CLIENTS_PER_PROCESS) as threads,
    ):

        def use(client: int) -> None:
            for approval_id in random.Random(seed + client).sample(ids, len(ids)):
                with suppress(ApprovalConflict):
                    executor.execute(approval_id, session="s1", permit=permitted)

        list(threads.map(use, range(CLIENTS_PER_PROCESS)))


def test_of_processes_that_are_killed_no_act_is_taken_over(quick_place: Place) -> None:
    folder = quick_place.folder
    with quick_place.open_store() as store:
        desk = Desk(store, audit_of(folder), POLICY)
        asked = [desk.request(restart(f"service-{n}")) for n in range(NUM_SHARED)]
        for approval in asked:
            desk.approve(approval.id, ANNA)
    ids = [approval.id for approval in asked]
    context = get_context("fork")
    children = [context.Process(target=use_all, args=(quick_place, ids, n)) for n in range(4)]
    for child in children:
        child.start()
    num_performed = 0
    while num_performed < NUM_SHARED // 4:
        time.sleep(0.001)
        assert any(child.is_alive() for child in children)
        if (folder / "performed").exists():
            num_performed = len((folder / "performed").read_text().splitlines())
    for child in children[:2]:
        child.kill()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [-signal.SIGKILL] * 2 + [0] * 2
    quick_place.wait_for_the_dead()

    with (
        quick_place.open_store() as store,
        open_executor(store, audit_of(folder), POLICY, {}) as executor,
    ):
        executor.recover()
        with store.reading() as rows:
            approvals = rows.all()
    performed = Counter((folder / "performed").read_text().splitlines())
    for after in approvals:
        assert after.state in ("done", "unfinished")
        times = performed.pop(canonical(after.request.arguments), 0)
        assert times == 1 if after.state == "done" else times <= (after.begun_at_utc is not None)
    assert not performed
    num_unfinished = sum(one.state == "unfinished" for one in approvals)
    assert num_unfinished <= 2 * CLIENTS_PER_PROCESS
    assert disagreements(approvals, audit_of(folder).records) == []
