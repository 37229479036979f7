"""Waiting for a decision that is taken elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from assistant.approvals.waiting import decided
from assistant.errors import ApprovalNotFound
from tests.assistant.approvals.scene import ANNA, Scene, open_scene, restart
from tests.assistant.places import Place


async def test_a_decision_of_another_process_is_seen(scene: Scene, place: Place) -> None:
    pending = scene.desk.request(restart())
    waiting = asyncio.create_task(decided(scene.desk, pending.id, poll_s=0.001))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    with open_scene(place) as elsewhere:
        elsewhere.desk.approve(pending.id, ANNA)
    assert (await waiting).status == "approved"


async def test_waiting_ends_when_the_time_is_over(scene: Scene) -> None:
    pending = scene.desk.request(restart())
    waiting = asyncio.create_task(decided(scene.desk, pending.id, poll_s=0.001))
    scene.clock.advance(minutes=15)
    assert (await waiting).status == "expired"


async def test_nobody_waits_for_what_was_never_asked(scene: Scene) -> None:
    with pytest.raises(ApprovalNotFound):
        await decided(scene.desk, "a-222222")
