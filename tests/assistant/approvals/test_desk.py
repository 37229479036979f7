"""Asking and deciding, with a clock and an audit of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.errors import ApprovalConflict, ApprovalNotFound, ApprovalRefused
from tests.assistant.approvals.scene import (
    ANNA,
    BEN,
    NOON,
    AuditBroken,
    Scene,
    disagreements,
    open_scene,
    restart,
)
from tests.assistant.places import Place

STRANGER = Person("slack", "U07")


def test_a_request_waits_for_a_person(scene: Scene) -> None:
    approval = scene.desk.request(restart())
    assert (approval.status, approval.outcome) == ("pending", None)
    assert approval.expires_at_utc == NOON + timedelta(minutes=15)
    assert scene.desk.get(f" {approval.id.upper()} ") == approval
    assert scene.desk.all() == [approval]
    assert scene.desk.num_missing(approval) == 1
    [(kind, told)] = scene.audit.records
    assert kind == "requested"
    assert told["arguments"] == {"backend": "supervisor", "service": "web"}
    assert (told["approval"], told["digest"]) == (approval.id, restart().digest)


def test_what_waits_already_is_not_doubled(scene: Scene) -> None:
    first = scene.desk.request(restart())
    again = restart(turn=2, reason="it is still down")
    assert scene.desk.request(again) == first
    assert scene.audit.kinds == ["requested"]


@pytest.mark.parametrize(
    "other",
    [restart("db"), restart(session="s2"), restart(action="stop_service"), restart("web ")],
)
def test_another_act_is_another_approval(scene: Scene, other: object) -> None:
    first = scene.desk.request(restart())
    scene.desk.approve(first.id, ANNA)
    second = scene.desk.request(other)  # type: ignore[arg-type]
    assert second.id != first.id
    assert second.status == "pending"


def test_what_was_decided_is_asked_anew(scene: Scene) -> None:
    first = scene.desk.request(restart())
    scene.desk.reject(first.id, ANNA)
    assert scene.desk.request(restart()).status == "pending"
    assert len(scene.desk.all()) == 2


def test_approvals_are_listed_newest_first_and_by_session(scene: Scene) -> None:
    requests = [restart("a"), restart("b", session="s2"), restart("c")]
    a, b, c = (scene.desk.request(request) for request in requests)
    assert scene.desk.all() == [c, b, a]
    assert scene.desk.all("s1") == [c, a]
    assert scene.desk.all("") == []


def test_a_person_approves(scene: Scene) -> None:
    pending = scene.desk.request(restart())
    scene.clock.advance(minutes=2)
    approval = scene.desk.approve(pending.id, ANNA, "go ahead")
    assert approval.status == "approved"
    [decision] = approval.decisions
    assert (decision.person, decision.note) == (ANNA, "go ahead")
    assert decision.at_utc == NOON + timedelta(minutes=2)
    kind, told = scene.audit.records[-1]
    assert (kind, told["by"], told["note"], told["is_enough"]) == (
        "approved",
        "anna (cli)",
        "go ahead",
        True,
    )
    assert scene.desk.get(pending.id) == approval


def test_a_person_rejects_and_says_why(scene: Scene) -> None:
    pending = scene.desk.request(restart())
    approval = scene.desk.reject(pending.id, BEN, "customers are on it")
    assert approval.status == "rejected"
    assert approval.decisions[-1].note == "customers are on it"
    assert scene.audit.records[-1][0] == "rejected"


def test_a_second_click_is_told_of_the_first(scene: Scene) -> None:
    approval = scene.approved()
    for person in (ANNA, BEN):
        with pytest.raises(ApprovalConflict, match=r"approved by anna \(cli\) at 12:00:00 UTC"):
            scene.desk.approve(approval.id, person)
    assert scene.desk.get(approval.id) == approval
    assert scene.audit.kinds == ["requested", "approved"]


def test_what_is_approved_can_be_taken_back_until_it_is_used(scene: Scene) -> None:
    approval = scene.approved()
    assert scene.desk.reject(approval.id, BEN, "stop").status == "rejected"
    with pytest.raises(ApprovalConflict, match="rejected by ben"):
        scene.execute(approval)
    used = scene.approved()
    scene.execute(used)
    with pytest.raises(ApprovalConflict, match="done at"):
        scene.desk.reject(used.id, BEN)
    assert scene.performed == ["web"]


def test_what_is_rejected_stays_rejected(scene: Scene) -> None:
    pending = scene.desk.request(restart())
    scene.desk.reject(pending.id, ANNA, "no")
    with pytest.raises(ApprovalConflict, match=r"rejected by anna .*: no"):
        scene.desk.approve(pending.id, BEN)


def test_who_may_not_decide_is_told_who_may(scene: Scene) -> None:
    pending = scene.desk.request(restart())
    for decide in (scene.desk.approve, scene.desk.reject):
        with pytest.raises(ApprovalRefused, match=r"U07 \(slack\) may not decide") as caught:
            decide(pending.id, STRANGER)
        assert "anyone (cli), anyone (tui)" in caught.value.hint
    assert scene.desk.get(pending.id) == pending
    assert scene.audit.kinds == ["requested", "refused", "refused"]
    assert scene.audit.records[-1][1]["by"] == "U07 (slack)"
    assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_who_asked_may_take_it_back_and_not_agree_to_it(scene: Scene) -> None:
    pending = scene.desk.request(restart(asked_by=STRANGER))
    with pytest.raises(ApprovalRefused):
        scene.desk.approve(pending.id, STRANGER)
    assert scene.desk.reject(pending.id, STRANGER).status == "rejected"


def test_nobody_knows_an_id_that_was_not_given(scene: Scene) -> None:
    calls: list[Callable[[], object]] = [
        lambda: scene.desk.get("a-222222"),
        lambda: scene.desk.approve("a-222222", ANNA),
        lambda: scene.desk.reject("a-%", ANNA),
        lambda: scene.desk.get(""),
    ]
    for call in calls:
        with pytest.raises(ApprovalNotFound):
            call()


def test_two_people_agree(place: Place) -> None:
    policy = Policy.parse(["cli:*:*", "tui:*:*", "slack:*:*"], ["restart_*"])
    with open_scene(place, policy) as scene:
        pending = scene.desk.request(restart())
        first = scene.desk.approve(pending.id, ANNA)
        assert (first.status, scene.desk.num_missing(first)) == ("pending", 1)
        with pytest.raises(ApprovalConflict, match="approved by anna") as caught:
            scene.desk.approve(pending.id, Person("tui", "anna"))
        assert "a second person" in caught.value.hint
        with pytest.raises(ApprovalRefused, match="cannot be known") as refused:
            scene.desk.approve(pending.id, STRANGER)
        assert "same front: cli" in refused.value.hint
        with pytest.raises(ApprovalConflict, match="cannot be used"):
            scene.execute(first)
        second = scene.desk.approve(pending.id, BEN)
        assert second.status == "approved"
        assert scene.execute(second).state == "done"
        told = [data.get("is_enough") for kind, data in scene.audit.records if kind == "approved"]
        assert told == [False, True]
        assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_one_of_two_can_still_say_no(place: Place) -> None:
    with open_scene(place, Policy.parse(two_person=["*"])) as scene:
        pending = scene.desk.request(restart())
        scene.desk.approve(pending.id, ANNA)
        rejected = scene.desk.reject(pending.id, ANNA, "on second thought")
        assert (rejected.status, rejected.agreed) == ("rejected", (ANNA,))
        other = scene.desk.reject(scene.desk.request(restart("db")).id, BEN)
        assert scene.desk.num_missing(other) == 2


@pytest.mark.parametrize("is_approved", [False, True])
def test_time_runs_out(scene: Scene, is_approved: bool) -> None:
    approval = scene.approved() if is_approved else scene.desk.request(restart())
    scene.clock.advance(minutes=15)
    assert scene.desk.get(approval.id).status == "expired"
    assert [one.status for one in scene.desk.all()] == ["expired"]
    for decide in (scene.desk.approve, scene.desk.reject):
        with pytest.raises(ApprovalConflict, match="expired at 12:15:00 UTC"):
            decide(approval.id, ANNA)
    assert scene.audit.kinds.count("expired") == 1
    with pytest.raises(ApprovalConflict, match="expired"):
        scene.execute(approval)
    assert scene.performed == []
    assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_the_last_moment_is_in_time(scene: Scene) -> None:
    pending = scene.desk.request(restart())
    scene.clock.advance(minutes=15, microseconds=-1)
    assert scene.desk.expire_due() == ()
    assert scene.desk.approve(pending.id, ANNA).status == "approved"
    scene.clock.advance(microseconds=1)
    [expired] = scene.desk.expire_due()
    assert (expired.id, expired.state) == (pending.id, "expired")
    assert scene.desk.expire_due() == ()


@pytest.mark.parametrize("is_approved", [False, True])
def test_time_runs_out_while_others_hold_the_store(scene: Scene, is_approved: bool) -> None:
    approval = scene.approved() if is_approved else scene.desk.request(restart())
    scene.clock.ticks_s = 15 * 60
    use: Callable[[], object] = (
        partial(scene.execute, approval)
        if is_approved
        else partial(scene.desk.approve, approval.id, ANNA)
    )
    with pytest.raises(ApprovalConflict, match="expired"):
        use()
    assert scene.performed == []
    assert scene.audit.kinds[1:] == ["approved"] * is_approved


def test_an_act_whose_time_ran_out_can_be_asked_for_again(scene: Scene) -> None:
    first = scene.desk.request(restart())
    scene.clock.advance(minutes=20)
    second = scene.desk.request(restart())
    assert (second.id != first.id, second.status) == (True, "pending")
    assert scene.audit.kinds == ["requested", "expired", "requested"]


def test_approvals_outlive_every_process(place: Place) -> None:
    with open_scene(place) as scene:
        pending, approved = scene.desk.request(restart("db")), scene.approved()
    with open_scene(place) as scene:
        assert scene.desk.get(pending.id) == pending
        assert scene.desk.approve(pending.id, ANNA).status == "approved"
        assert scene.execute(approved).state == "done"


@pytest.mark.parametrize("kind", ["requested", "approved", "rejected", "expired", "refused"])
def test_nothing_changes_that_cannot_be_recorded(scene: Scene, kind: str) -> None:
    waiting = scene.desk.request(restart())
    steps: dict[str, Callable[[], object]] = {
        "requested": lambda: scene.desk.request(restart("db")),
        "approved": lambda: scene.desk.approve(waiting.id, ANNA),
        "rejected": lambda: scene.desk.reject(waiting.id, ANNA),
        "refused": lambda: scene.desk.approve(waiting.id, STRANGER),
        "expired": scene.desk.expire_due,
    }
    scene.audit.broken_kinds = {kind}
    scene.clock.advance(hours=kind == "expired")
    with pytest.raises(AuditBroken):
        steps[kind]()
    scene.clock.now = NOON
    assert scene.desk.all() == [waiting]
    scene.audit.broken_kinds = set()
    assert disagreements(scene.desk.all(), scene.audit.records) == []


def test_changed_arguments_are_not_approved(scene: Scene, place: Place) -> None:
    pending = scene.desk.request(restart())
    place.change_approvals("UPDATE approvals SET arguments = replace(arguments, 'web', 'db')")
    with pytest.raises(ApprovalRefused, match="not those that were asked for"):
        scene.desk.approve(pending.id, ANNA)
    assert scene.desk.reject(pending.id, ANNA).status == "rejected"


def test_long_notes_are_cut(scene: Scene) -> None:
    approval = scene.desk.approve(scene.desk.request(restart()).id, ANNA, "x" * 5_000)
    assert approval.decisions[0].note == "x" * 1_000


def test_the_acts_of_the_last_day_are_kept(scene: Scene) -> None:
    used, rejected = scene.approved(), scene.desk.request(restart("db"))
    scene.execute(used)
    scene.desk.reject(rejected.id, ANNA)
    scene.clock.advance(hours=23)
    assert scene.desk.prune(timedelta(0)) == 0
    [act] = scene.desk.acts(timedelta(days=1))
    assert (act.approval, act.at_utc) == (used.id, NOON)
    assert scene.desk.acts(timedelta(hours=22)) == ()
    scene.clock.advance(hours=2)
    assert scene.desk.prune(timedelta(0)) == 2
    assert scene.desk.all() == []
