"""Restarts that an answer advises: proposed only where a runbook has them, and flagged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assistant.agent.turn import Turn
from tests.assistant.agent.acting import KnownServices
from tests.assistant.agent.scene import BROKEN, Scene, bundle
from tests.assistant.chat.scripted import ScriptedEngine

RUNBOOK = "# The cart cannot open ledger.db\n\n## Fix\n\nFree some space, then restart the cart.\n"
ADVISING = "**Cause** [L1]: cart cannot open ledger.db.\n\n**Next:** Restart the cart."
OTHER = "**Cause** [L1]: cart cannot open ledger.db.\n\n**Next:** Free some space."
QUESTION = "Why does the cart fail?"


async def answered(
    folder: Path, said: str, actions: KnownServices, runbook: str = RUNBOOK, log: str = "cart"
) -> tuple[str, Turn]:
    scope = replace(bundle(folder / "bundle", {log: BROKEN}), origin="live")
    stage = Scene(scope, ScriptedEngine(said), folder)
    with stage.runbooks:
        if runbook:
            (folder / "runbooks").mkdir()
            (folder / "runbooks" / "cart.md").write_text(runbook)
            stage.runbooks.ingest([folder / "runbooks"])
        turn = stage.turn(QUESTION)
        turn.toolbox.actions = actions
        async with stage.strategy(folder, 0) as strategy:
            draft = await strategy.answer(turn)
    return draft.answer, turn


async def test_what_the_answer_advises_after_a_runbook_is_proposed(tmp_path: Path) -> None:
    actions = KnownServices(["cart", "checkout"])
    answer, _ = await answered(tmp_path, ADVISING, actions)
    [proposal] = actions.proposals
    assert (proposal.action.verb, proposal.action.service) == ("restart", "cart")
    assert "**Waiting for approval** `a-1`: restart `cart`" in answer
    assert "**Not what a person said**" in answer
    assert set(proposal.suggested_by) == {"R1", "L1"}


async def test_what_the_answer_does_not_advise_is_not_proposed(tmp_path: Path) -> None:
    actions = KnownServices(["cart"])
    answer, _ = await answered(tmp_path, OTHER, actions)
    assert not actions.proposals
    assert "Waiting for approval" not in answer


async def test_without_a_runbook_nothing_is_proposed(tmp_path: Path) -> None:
    actions = KnownServices(["cart"])
    await answered(tmp_path, ADVISING, actions, runbook="")
    assert not actions.proposals


async def test_evidence_about_no_known_service_proposes_nothing(tmp_path: Path) -> None:
    actions = KnownServices(["checkout"])
    await answered(tmp_path, ADVISING, actions)
    assert not actions.proposals


async def test_what_is_not_permitted_stays_advice(tmp_path: Path) -> None:
    actions = KnownServices(["cart"], refused="cart is protected")
    answer, turn = await answered(tmp_path, ADVISING, actions)
    assert not actions.proposals
    assert "Restart the cart." in answer
    assert "restart_service" not in [call.name for call in turn.toolbox.calls]
