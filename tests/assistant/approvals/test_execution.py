"""Performing what was agreed to, in one process, and what can go wrong at each step of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from assistant.approvals.approval import Approval
from assistant.approvals.execution import MAX_RESULT_CHARS, open_executor
from assistant.approvals.policy import Policy
from assistant.approvals.rows import Act
from assistant.errors import ApprovalConflict, ApprovalNotFound, ApprovalRefused
from tests.assistant.approvals.scene import (
    AuditBroken,
    Clock,
    MemoryAudit,
    Scene,
    disagreements,
    open_scene,
    permitted,
    restart,
)
from tests.assistant.places import Place
from tools.errors import InvalidQuery


@contextmanager
def performing(
    scene: Scene, perform: Callable[[], object], policy: Policy | None = None
) -> Iterator[Scene]:
    """The scene with another way to restart a service, or another policy."""

    def performer(arguments: Mapping[str, Any], request: object, progress: object) -> Any:
        return perform()

    with open_executor(
        scene.store,
        scene.audit,
        policy or Policy.parse(),
        {"restart_service": performer},
        scene.clock,
    ) as executor:
        yield Scene(scene.store, scene.desk, executor, scene.audit, scene.clock, scene.performed)


def test_what_was_agreed_to_is_performed_once(scene: Scene) -> None:
    approval = scene.approved()
    done = scene.execute(approval)
    assert (done.state, done.status, done.outcome) == ("done", "approved", "done")
    assert done.result == {"state": "RUNNING"}
    with pytest.raises(ApprovalConflict, match=r"cannot be used: approved by anna .*; done at"):
        scene.execute(approval)
    assert scene.performed == ["web"]
    assert scene.desk.get(approval.id) == done
    assert scene.audit.kinds == ["requested", "approved", "started", "finished"]
    assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_its_begin_is_on_record_before_it_takes_place(scene: Scene) -> None:
    approval = scene.approved()

    def look() -> None:
        now = scene.desk.get(approval.id)
        assert (now.state, now.begun_at_utc) == ("running", scene.clock.now)
        kind, told = scene.audit.records[-1]
        assert (kind, told["arguments"]["service"]) == ("started", "web")
        assert told["agreed"] == ["anna (cli)"]

    with performing(scene, look) as looking:
        assert looking.execute(approval).state == "done"


@pytest.mark.parametrize("decide", ["pending", "rejected"])
def test_nothing_is_performed_that_nobody_agreed_to(scene: Scene, decide: str) -> None:
    approval = scene.desk.request(restart())
    if decide == "rejected":
        scene.desk.reject(approval.id, approval.request.asked_by)
    with pytest.raises(ApprovalConflict, match=decide):
        scene.execute(approval)
    with pytest.raises(ApprovalNotFound):
        scene.executor.execute("a-222222", session="s1", permit=permitted)
    assert scene.performed == []


def test_a_wrong_call_does_not_use_an_approval_up(scene: Scene) -> None:
    approval, unknown = scene.approved(), scene.approved(restart(action="stop_service"))
    with pytest.raises(ApprovalRefused, match="another session"):
        scene.executor.execute(approval.id, session="s2", permit=permitted)
    with pytest.raises(ApprovalRefused, match="nothing here can perform stop_service"):
        scene.execute(unknown)
    assert {one.state for one in scene.desk.all()} == {"approved"}
    assert scene.execute(approval).state == "done"


@pytest.mark.parametrize(
    "change",
    [
        "arguments = replace(arguments, 'web', 'db')",
        "arguments = replace(arguments, 'web', 'wеb')",  # noqa: RUF001 - a Cyrillic letter
        "action = 'stop_service'",
        "digest = replace(digest, substr(digest, 1, 1), 'g')",
    ],
)
def test_changed_arguments_are_not_performed(scene: Scene, place: Place, change: str) -> None:
    def perform(arguments: object, request: object, progress: object) -> None:
        scene.performed.append("something")

    approval = scene.approved()
    place.change_approvals(f"UPDATE approvals SET {change}")
    performers = {"restart_service": perform, "stop_service": perform}
    with (
        open_executor(
            scene.store, scene.audit, Policy.parse(), performers, scene.clock
        ) as executor,
        pytest.raises(ApprovalRefused, match="not those that were agreed to"),
    ):
        executor.execute(approval.id, session="s1", permit=permitted)
    assert scene.performed == []
    assert scene.desk.get(approval.id).outcome == "refused"
    assert scene.audit.kinds == ["requested", "approved", "refused"]


def test_unreadable_arguments_are_not_performed(scene: Scene, place: Place) -> None:
    approval = scene.approved()
    place.change_approvals('UPDATE approvals SET arguments = \'{"service": ["db"]}\'')
    with pytest.raises(ApprovalRefused, match="changed from outside"):
        scene.execute(approval)
    assert scene.performed == []


@pytest.mark.parametrize("policy", [Policy.parse(["tui:*:*"]), Policy.parse(two_person=["*"])])
def test_the_settings_of_now_have_a_say(scene: Scene, policy: Policy) -> None:
    approval = scene.approved()
    with (
        performing(scene, lambda: scene.performed.append("web"), policy) as stricter,
        pytest.raises(ApprovalRefused, match="somebody else has to agree"),
    ):
        stricter.execute(approval)
    assert scene.performed == []
    with pytest.raises(ApprovalConflict, match="refused"):
        scene.execute(approval)


def test_the_permit_has_the_last_word(scene: Scene) -> None:
    def refuse(request: object, earlier: object) -> None:
        raise InvalidQuery("web is protected", "see [services] protected")

    approval = scene.approved()
    with pytest.raises(ApprovalRefused, match="not performed: web is protected") as caught:
        scene.execute(approval, refuse)
    assert caught.value.hint == "see [services] protected"
    refused = scene.desk.get(approval.id)
    assert (refused.outcome, refused.message) == ("refused", "web is protected")
    with pytest.raises(ApprovalConflict):
        scene.execute(approval)
    assert scene.performed == []
    assert scene.audit.kinds == ["requested", "approved", "refused"]
    assert scene.desk.acts(scene.clock.now - scene.clock.now) == ()


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyboardInterrupt(), SystemExit(1)])
def test_a_check_that_breaks_is_no_permission(scene: Scene, error: BaseException) -> None:
    def broken(request: object, earlier: object) -> None:
        raise error

    approval = scene.approved()
    with pytest.raises(type(error)):
        scene.execute(approval, broken)
    assert scene.performed == []
    assert "could not be checked" in scene.desk.get(approval.id).message
    assert scene.desk.get(approval.id).outcome == "refused"


def test_a_check_that_takes_too_long_is_no_permission(scene: Scene) -> None:
    approval = scene.approved()
    with pytest.raises(ApprovalRefused, match="time ran out"):
        scene.execute(approval, lambda request, earlier: scene.clock.advance(minutes=15))
    assert scene.performed == []


def test_the_permit_is_shown_the_acts_before(scene: Scene) -> None:
    shown: list[Sequence[Act]] = []
    approvals = [scene.approved(restart(service)) for service in "abc"]
    for approval in approvals:
        scene.execute(approval, lambda request, earlier: shown.append(earlier))
    assert [[act.arguments["service"] for act in acts] for acts in shown] == [[], ["a"], ["b", "a"]]
    scene.clock.advance(days=1, seconds=1)
    scene.execute(scene.approved(), lambda request, earlier: shown.append(earlier))
    assert shown[-1] == ()


def test_of_two_acts_at_once_the_second_sees_the_first(scene: Scene) -> None:
    both_claimed = threading.Barrier(2)
    shown: list[int] = []

    def permit(request: object, earlier: Sequence[Act]) -> None:
        both_claimed.wait(30)
        shown.append(len(earlier))

    approvals = [scene.approved(restart(service)) for service in "ab"]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda approval: scene.execute(approval, permit), approvals))
    assert sorted(shown) == [0, 1]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidQuery("there is no web"), "there is no web"),
        (ValueError("odd"), "something in midwatch failed: ValueError: odd"),
        (OSError("\udcff"), "\udcff"),
    ],
)
def test_an_act_can_fail(scene: Scene, error: Exception, message: str) -> None:
    def fail() -> None:
        raise error

    approval = scene.approved()
    with performing(scene, fail) as failing:
        failed = failing.execute(approval)
    assert (failed.outcome, failed.message) == ("failed", message)
    assert scene.desk.get(approval.id) == failed
    assert scene.audit.kinds[-2:] == ["started", "failed"]
    with pytest.raises(ApprovalConflict, match="failed"):
        scene.execute(approval)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupted_act_is_unfinished(scene: Scene, error: BaseException) -> None:
    def interrupted() -> None:
        raise error

    approval = scene.approved()
    with performing(scene, interrupted) as interrupting, pytest.raises(type(error)):
        interrupting.execute(approval)
    unfinished = scene.desk.get(approval.id)
    assert unfinished.outcome == "unfinished"
    assert "whether it took effect is not known" in unfinished.message
    assert scene.audit.kinds[-1] == "unfinished"


def test_who_watches_has_no_say(scene: Scene) -> None:
    def gone(words: str) -> None:
        raise BrokenPipeError(words)

    approval = scene.approved()
    done = scene.executor.execute(approval.id, session="s1", permit=permitted, progress=gone)
    assert done.state == "done"
    told: list[str] = []
    scene.executor.execute(
        scene.approved().id, session="s1", permit=permitted, progress=told.append
    )
    assert told == ["restarting"]


def test_nothing_begins_that_cannot_be_recorded(scene: Scene) -> None:
    approval = scene.approved()
    scene.audit.broken_kinds = {"started"}
    with pytest.raises(AuditBroken):
        scene.execute(approval)
    assert scene.performed == []
    refused = scene.desk.get(approval.id)
    assert (refused.outcome, refused.begun_at_utc) == ("refused", None)
    scene.audit.broken_kinds = set()
    with pytest.raises(ApprovalConflict):
        scene.execute(approval)
    assert disagreements(scene.desk.all(), scene.audit.records) == []


@pytest.mark.parametrize("broken", [{"refused"}, {"finished"}])
def test_what_cannot_be_recorded_afterwards_is_owed(scene: Scene, broken: set[str]) -> None:
    def protected(request: object, earlier: object) -> None:
        raise InvalidQuery("protected")

    approval, other = scene.approved(), scene.approved(restart("db"))
    scene.audit.broken_kinds = broken
    with pytest.raises(AuditBroken):
        scene.execute(approval, protected if broken == {"refused"} else permitted)
    kept = scene.desk.get(approval.id)
    assert (kept.is_audited, {kept.outcome} < {"refused", "done"}) == (False, True)
    num_records = len(scene.audit.records)
    for _ in range(2):
        with pytest.raises(AuditBroken):
            scene.execute(other)
    assert "db" not in scene.performed
    assert len(scene.audit.records) == num_records
    scene.audit.broken_kinds = set()
    assert scene.execute(other).state == "done"
    assert scene.audit.kinds[-3:] == [*broken, "started", "finished"]
    assert scene.desk.get(approval.id).is_audited
    assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_the_next_start_pays_what_is_owed(place: Place) -> None:
    with open_scene(place) as scene:
        approval = scene.approved()
        scene.audit.broken_kinds = {"finished"}
        with pytest.raises(AuditBroken):
            scene.execute(approval)
        owed = scene.audit.records
    with open_scene(place) as scene:
        assert scene.executor.recover() == ()
        assert scene.audit.kinds == ["finished"]
        assert scene.audit.records[0][1]["result"] == {"state": "RUNNING"}
        assert disagreements(scene.desk.all(), owed + scene.audit.records) == []


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (float("nan"), "cannot be kept"),
        ({1, 2}, "cannot be kept"),
        ("x" * MAX_RESULT_CHARS, "too long to keep"),
    ],
)
def test_a_result_that_cannot_be_kept_undoes_nothing(
    scene: Scene, result: object, message: str
) -> None:
    with performing(scene, lambda: result) as odd:
        done = odd.execute(scene.approved())
    assert (done.outcome, done.result) == ("done", None)
    assert message in done.message


def test_the_audit_is_spared_long_results(scene: Scene) -> None:
    with performing(scene, lambda: "x" * 20_000) as long:
        done = long.execute(scene.approved())
    assert done.result == "x" * 20_000
    assert scene.audit.records[-1][1]["result_chars"] == 20_002
    assert "result" not in scene.audit.records[-1][1]


def test_acts_under_way_are_left_to_those_who_perform_them(scene: Scene, place: Place) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def perform() -> str:
        under_way.set()
        assert go_on.wait(30)
        return "late"

    approval = scene.approved()
    with performing(scene, perform) as slow, ThreadPoolExecutor(1) as threads:
        act = threads.submit(slow.execute, approval)
        assert under_way.wait(30)
        with open_scene(place) as elsewhere:
            assert elsewhere.executor.recover() == ()
            assert slow.executor.recover() == ()
            with pytest.raises(ApprovalConflict, match="running at"):
                elsewhere.execute(approval)
        go_on.set()
        assert act.result(30).result == "late"


def test_the_end_waits_for_acts_under_way(scene: Scene) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def perform() -> None:
        under_way.set()
        assert go_on.wait(30)

    approval = scene.approved()
    with ThreadPoolExecutor(1) as threads:
        with performing(scene, perform) as slow:
            act = threads.submit(slow.execute, approval)
            assert under_way.wait(30)
            threading.Timer(0.05, go_on.set).start()
        # Its outcome is on record: the lock was not given up before.
        assert scene.desk.get(approval.id).outcome == "done"
        assert act.result(30).state == "done"


def killed_while(place: Place, approval: Approval, where: str) -> None:
    """Execute in a child process that is killed within its permit or its performer."""

    def die(at: str) -> None:
        if at == where:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        with (
            place.open_store() as store,
            open_executor(
                store,
                MemoryAudit(),
                Policy.parse(),
                {"restart_service": lambda *_: die("performer")},
                Clock(),
            ) as executor,
        ):
            executor.execute(approval.id, session="s1", permit=lambda *_: die("permit"))
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    place.wait_for_the_dead()


@pytest.mark.parametrize(
    ("where", "known"),
    [("permit", "nothing was done"), ("performer", "whether it took effect is not known")],
)
def test_what_a_killed_process_left_is_unfinished(place: Place, where: str, known: str) -> None:
    with open_scene(place) as scene:
        approval = scene.approved()
    killed_while(place, approval, where)
    with open_scene(place) as scene:
        assert scene.desk.get(approval.id).outcome == "running"
        [unfinished] = scene.executor.recover()
        assert (unfinished.id, unfinished.outcome) == (approval.id, "unfinished")
        assert known in unfinished.message
        assert scene.audit.kinds == ["unfinished"]
        assert scene.executor.recover() == ()
        with pytest.raises(ApprovalConflict, match="unfinished"):
            scene.execute(approval)
        assert scene.performed == []
        assert place.num_owners() == 1


def test_recovery_takes_place_on_record_or_not_at_all(place: Place) -> None:
    with open_scene(place) as scene:
        approval = scene.approved()
    killed_while(place, approval, "performer")
    with open_scene(place) as scene:
        scene.audit.broken_kinds = {"unfinished"}
        with pytest.raises(AuditBroken):
            scene.executor.recover()
        assert scene.desk.get(approval.id).outcome == "running"
        scene.audit.broken_kinds = set()
        assert len(scene.executor.recover()) == 1
