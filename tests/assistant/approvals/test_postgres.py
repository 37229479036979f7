"""Acts that several processes share through a PostgreSQL that may go away."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.approvals.execution import open_executor
from assistant.approvals.policy import Policy
from assistant.errors import ApprovalConflict, ApprovalNotFound, DataFolderError
from assistant.postgres import pools
from tests.assistant.approvals.scene import (
    ANNA,
    Scene,
    disagreements,
    open_scene,
    permitted,
    restart,
)
from tests.assistant.places import PostgresPlace


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a database that is away."""
    monkeypatch.setattr(pools, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setattr(pools, "RECONNECT_TIMEOUT_S", 0.5)


def perform_with(scene: Scene, approval_id: str, performer: Any, permit: Any = permitted) -> Any:
    performers = {"restart_service": performer}
    with open_executor(
        scene.store, scene.audit, Policy.parse(), performers, scene.clock
    ) as executor:
        return executor.execute(approval_id, session="s1", permit=permit)


def test_a_restart_of_the_database_is_not_noticed(postgres_place: PostgresPlace) -> None:
    with open_scene(postgres_place) as scene:
        approval = scene.approved()

        def perform(*_: object) -> str:
            postgres_place.server.stop()
            postgres_place.server.start()
            return "restarted"

        assert perform_with(scene, approval.id, perform).state == "done"
        assert scene.desk.get(approval.id).result == "restarted"
        assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_without_the_database_nothing_is_decided_or_done(postgres_place: PostgresPlace) -> None:
    with open_scene(postgres_place) as scene:
        waiting, approved = scene.desk.request(restart("db")), scene.approved()
        postgres_place.server.stop()
        with pytest.raises(DataFolderError, match="the database cannot be used") as caught:
            scene.desk.approve(waiting.id, ANNA)
        assert "postgres_env" in caught.value.hint
        with pytest.raises(DataFolderError):
            scene.execute(approved)
        postgres_place.server.start()
        assert scene.performed == []
        assert scene.desk.get(waiting.id) == waiting
        assert scene.execute(approved).state == "done"


def test_what_is_lost_before_its_begin_does_not_take_place(postgres_place: PostgresPlace) -> None:
    with open_scene(postgres_place) as scene:
        approval = scene.approved()
        with pytest.raises(DataFolderError):
            scene.execute(approval, permit=lambda *_: postgres_place.server.stop())
        postgres_place.server.start()
        assert scene.performed == []
        assert scene.desk.get(approval.id).state == "running"
        [closed] = scene.executor.recover()
        assert (closed.state, closed.id) == ("unfinished", approval.id)
        assert "nothing was done" in closed.message
        assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_an_end_that_cannot_be_written_down_is_told_as_unknown(
    postgres_place: PostgresPlace,
) -> None:
    with open_scene(postgres_place) as scene:
        approval = scene.approved()
        with pytest.raises(DataFolderError):
            perform_with(scene, approval.id, lambda *_: postgres_place.server.stop())
        postgres_place.server.start()
        [closed] = scene.executor.recover()
        assert "whether it took effect is not known" in closed.message
        with pytest.raises(ApprovalConflict):
            scene.execute(approval)
        assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_who_was_wrongly_taken_for_dead_does_nothing(postgres_place: PostgresPlace) -> None:
    with open_scene(postgres_place) as scene, open_scene(postgres_place) as elsewhere:
        approval = scene.approved()

        def close_elsewhere(*_: object) -> None:
            with elsewhere.store.writing() as rows:
                [claimed] = rows.running()
                elsewhere.executor._close(rows, claimed)

        with pytest.raises(ApprovalConflict):
            scene.execute(approval, permit=close_elsewhere)
        assert scene.performed == []
        assert scene.desk.get(approval.id).state == "unfinished"


def test_who_looks_sees_one_moment(postgres_place: PostgresPlace) -> None:
    with open_scene(postgres_place) as scene, scene.store.reading() as rows:
        assert rows.all() == []
        approval = scene.desk.request(restart())
        assert rows.all() == []
        with pytest.raises(ApprovalNotFound):
            rows.get(approval.id)


def test_who_only_looks_changes_nothing(postgres_place: PostgresPlace) -> None:
    with open_scene(postgres_place) as scene:
        approval = scene.approved()
        with pytest.raises(DataFolderError, match="read-only"), scene.store.reading() as rows:
            rows.replace(approval, approval)
