"""A thousand approvals, decided and used by fifty clients at once, each of whom clicks twice."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from assistant.approvals.desk import Desk
from assistant.approvals.execution import Executor, open_executor
from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.approvals.request import ActionRequest, canonical
from assistant.approvals.store import open_store
from assistant.errors import ApprovalConflict
from tests.assistant.approvals.scene import (
    FileAudit,
    append_line,
    disagreements,
    permitted,
    restart,
)

NUM_APPROVALS = 1_000
NUM_PROCESSES = 5
CLIENTS_PER_PROCESS = 10
NUM_CLIENTS = NUM_PROCESSES * CLIENTS_PER_PROCESS
# How many clients want to decide about the same approval, and how often each of them clicks.
CLIENTS_PER_APPROVAL = 3
NUM_CLICKS = 2
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


def run_clients(folder: Path, process: int, ids: list[str]) -> None:
    """The clients of one process, each on a thread of its own."""

    def perform(arguments: Mapping[str, Any], request: ActionRequest, progress: object) -> None:
        append_line(folder / "performed", canonical(arguments))

    with (
        open_store(folder) as store,
        open_executor(store, audit_of(folder), POLICY, {"restart_service": perform}) as executor,
        ThreadPoolExecutor(CLIENTS_PER_PROCESS) as threads,
    ):
        desk = Desk(store, audit_of(folder), POLICY)

        def run(client: int) -> list[tuple[str, list[str]]]:
            mine = share_of(client, ids)
            return [(one, click(client, one, desk, executor)) for one in mine]

        first = process * CLIENTS_PER_PROCESS
        for clicks in threads.map(run, range(first, first + CLIENTS_PER_PROCESS)):
            append_line(folder / "clicks", json.dumps(clicks))


def test_every_act_takes_place_at_most_once(quick_folder: Path) -> None:
    with open_store(quick_folder) as store:
        desk = Desk(store, audit_of(quick_folder), POLICY)
        asked = [desk.request(restart(f"service-{n}")) for n in range(NUM_APPROVALS)]
    ids = [approval.id for approval in asked]
    children = [
        get_context("fork").Process(target=run_clients, args=(quick_folder, process, ids))
        for process in range(NUM_PROCESSES)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * NUM_PROCESSES

    told: dict[str, Counter[str]] = {approval_id: Counter() for approval_id in ids}
    for line in (quick_folder / "clicks").read_text().splitlines():
        for approval_id, came_of_it in json.loads(line):
            told[approval_id].update(came_of_it)
    with open_store(quick_folder) as store, store.reading() as rows:
        approvals = {approval.id: approval for approval in rows.all()}
    performed = Counter((quick_folder / "performed").read_text().splitlines())

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
    assert disagreements(approvals.values(), audit_of(quick_folder).records) == []
