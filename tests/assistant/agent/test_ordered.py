"""Orders over the bounded strategy: code answers, and the engine's script stays unused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.agent.order import Target
from assistant.agent.question import understand
from assistant.agent.turn import Draft, Turn
from assistant.events import ApprovalRequested, ToolFinished
from tests.assistant.agent.acting import KnownServices
from tests.assistant.agent.scene import BROKEN, Scene, ask, bundle
from tests.assistant.chat.scripted import ScriptedEngine
from tools.scope import Scope
from tools.services.control import ServiceAction

LIVE = Scope("live", datetime(2026, 3, 1, tzinfo=UTC))
RUNBOOK = "# Checkout hangs\n\nWhen checkout hangs, restart checkout, but drain it first.\n"


async def asked(
    folder: Path, actions: KnownServices | None, text: str, *, scope: Scope = LIVE, before: str = ""
) -> tuple[Draft, Turn]:
    """The draft for `text`, and the turn that it came from."""
    stage = Scene(scope, ScriptedEngine(), folder)
    turn = stage.turn(text)
    turn.toolbox.actions = actions
    turn.toolbox.session = "s1"
    turn.question = understand(text, scope.now, [before] if before else [])
    async with stage.strategy(folder, 1) as strategy:
        return await strategy.answer(turn), turn


async def test_an_order_waits_for_a_person(tmp_path: Path) -> None:
    actions = KnownServices(["checkout", "cart"])
    draft, turn = await asked(tmp_path, actions, "Please restart checkout")
    [proposal] = actions.proposals
    assert proposal.action == ServiceAction("restart", "supervisor", "checkout")
    assert proposal.suggested_by == ()
    assert proposal.state == "RUNNING"
    assert "**Waiting for approval** `a-1`: restart `checkout` (supervisor)" in draft.answer
    assert "checkout RUNNING running for 5 s" in draft.answer
    assert [approval.id for approval in turn.toolbox.approvals] == ["a-1"]
    assert turn.toolbox.calls[-1].status == "needs_approval"


async def test_the_proposal_is_announced_after_its_call(tmp_path: Path) -> None:
    stage = Scene(LIVE, ScriptedEngine(), tmp_path)
    turn = stage.turn("restart cart")
    turn.toolbox.actions = KnownServices(["cart"])
    async with stage.strategy(tmp_path, 1) as strategy:
        await strategy.answer(turn)
    kinds = [type(event) for event in stage.events]
    assert kinds.index(ApprovalRequested) > kinds.index(ToolFinished)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("restart biling", "**No such service**: `biling`"),
        ("restart chekout", "did you mean `checkout`?"),
        ("restart it", "**Which one?** Say the service's name: `checkout`"),
        ("scale checkout to 3", "supervisor cannot scale `checkout`; it can: restart, start, stop"),
    ],
)
async def test_what_is_not_clear_is_asked_back(tmp_path: Path, text: str, said: str) -> None:
    actions = KnownServices(["checkout"])
    draft, _ = await asked(tmp_path, actions, text)
    assert said in draft.answer
    assert not actions.proposals


async def test_what_is_not_permitted_is_refused_with_the_reason(tmp_path: Path) -> None:
    actions = KnownServices(["checkout"], refused="checkout is protected; act on it by hand")
    draft, turn = await asked(tmp_path, actions, "restart checkout")
    assert "**Not proposed**: checkout is protected; act on it by hand" in draft.answer
    assert not actions.proposals
    assert turn.toolbox.calls[-1].status == "error"


async def test_it_is_what_the_question_before_named_and_says_so(tmp_path: Path) -> None:
    actions = KnownServices(["checkout", "cart"])
    before = "Why is checkout slow?"
    await asked(tmp_path, actions, "restart it", before=before)
    [proposal] = actions.proposals
    assert proposal.action.service == "checkout"
    # Nobody said the name with the order.
    assert proposal.suggested_by


async def test_in_a_bundle_an_order_is_advice_and_an_expired_entry(tmp_path: Path) -> None:
    scope = bundle(tmp_path / "bundle", {"checkout": BROKEN})
    draft, turn = await asked(tmp_path, None, "restart checkout", scope=scope)
    [approval] = turn.toolbox.approvals
    assert (approval.id, approval.status) == ("", "expired")
    assert approval.arguments == {"backend": "bundle", "service": "checkout"}
    assert "**Not done**: restart `checkout`" in draft.answer


async def test_a_question_about_a_restart_proposes_none(tmp_path: Path) -> None:
    stage = Scene(bundle(tmp_path / "b", {"cart": BROKEN}), ScriptedEngine(CAUSE), tmp_path)
    [draft] = await ask(stage, tmp_path, "Why did cart restart?")
    assert draft.answer.startswith("**Cause**")


CAUSE = "**Cause** [L1]: cart cannot open ledger.db.\n\n**Next:** Free some space."


async def test_a_question_without_an_order_asks_no_service_manager(tmp_path: Path) -> None:
    class Unasked(KnownServices):
        def targets(self) -> tuple[Target, ...]:
            raise AssertionError("asked for nothing")

    stage = Scene(bundle(tmp_path / "b", {"cart": BROKEN}), ScriptedEngine(CAUSE), tmp_path)
    turn = stage.turn("Why does the cart fail?")
    turn.toolbox.actions = Unasked(["cart"])
    async with stage.strategy(tmp_path, 1) as strategy:
        draft = await strategy.answer(turn)
    assert draft.answer.startswith("**Cause**")


async def test_the_runbook_that_speaks_of_it_is_shown(tmp_path: Path) -> None:
    runbook = tmp_path / "runbooks" / "checkout.md"
    runbook.parent.mkdir()
    runbook.write_text(RUNBOOK)
    stage = Scene(replace(LIVE), ScriptedEngine(), tmp_path)
    with stage.runbooks:
        stage.runbooks.ingest([runbook.parent])
        turn = stage.turn("restart checkout")
        turn.toolbox.actions = actions = KnownServices(["checkout"])
        async with stage.strategy(tmp_path, 1) as strategy:
            draft = await strategy.answer(turn)
    assert "drain it first" in draft.answer
    assert [item.finding.kind for item in actions.proposals[0].evidence] == ["service", "runbook"]
