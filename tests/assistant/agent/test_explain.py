from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from assistant.agent.explain import Form, answer_grammar, explain
from assistant.agent.prompt import SYSTEM, first_message
from assistant.agent.question import understand
from assistant.agent.toolbox import Toolbox
from assistant.agent.turn import Turn
from assistant.chat.local import LocalChatModel
from tests.assistant.chat.scripted import ScriptedEngine
from tools.evidence import Evidence, Finding, Kind, Ledger


def evidence(kind: Kind, source: str, text: str, number: int = 1) -> Evidence:
    prefix = {"log": "L", "service": "S", "capture": "C", "runbook": "R"}[kind]
    return Evidence(f"{prefix}{number}", Finding(kind, source, text, suspicion=0.9))


DISK = evidence("log", "cart", "CRITICAL cannot open ledger.db: disk is full")


def turn_of() -> Turn:
    toolbox = Toolbox(None, None, 0.3, Ledger(), lambda _: None)  # type: ignore[arg-type]
    return Turn("s", understand("Why?", datetime(2026, 3, 1, tzinfo=UTC)), toolbox, lambda _: None)


async def shown(script: str, form: Form = "cause", reason: str = "stop") -> str:
    engine = ScriptedEngine(script, reason=reason)
    turn = turn_of()
    await explain(
        LocalChatModel(engine=engine),
        [HumanMessage("Question: Why?")],
        tools=[],
        turn=turn,
        citable=[DISK],
        known=[DISK],
        form=form,
    )
    return "".join(turn.shown)


SAID = 'cart says "cannot open ledger.db: disk is full".'


async def test_a_cause_begins_with_what_its_evidence_shows() -> None:
    text = f"**Cause** [L1]: {SAID} It cannot open ledger.db.\n\n**Next:** Free some space."
    assert await shown(text) == text


async def test_what_code_says_stays_when_nothing_else_stands_up() -> None:
    text = f"**Cause** [L1]: {SAID} It lost 999 orders.\n\n**Next:** Look at order 998."
    assert await shown(text) == f"**Cause** [L1]: {SAID}"
    text = f"**Cause** [L1]: {SAID} It lost 999 orders.\n\n**Next:** Free some space."
    assert await shown(text) == f"**Cause** [L1]: {SAID}\n\n**Next:** Free some space."


async def test_another_answer_shows_its_head_with_the_first_sentence_that_stands_up() -> None:
    text = "**Answer** [L1]: It lost 999 orders. It cannot open ledger.db."
    assert await shown(text, "answer") == "**Answer** [L1]: It cannot open ledger.db."
    assert await shown("**Answer** [L1]: It lost 999 orders.", "answer") == ""


async def test_sentence_that_the_token_limit_cut_is_left_out() -> None:
    text = f"**Cause** [L1]: {SAID} It cannot open ledger.db. The disk is"
    assert (await shown(text, reason="length")).strip() == (
        f"**Cause** [L1]: {SAID} It cannot open ledger.db."
    )


async def test_a_cause_that_was_cut_within_its_head_is_none() -> None:
    assert await shown("**Cause** [L1]: cart says", reason="length") == ""


@pytest.mark.model
@pytest.mark.parametrize("form", ["cause", "answer"])
async def test_real_model_keeps_to_the_form(model_file: Callable[[str], Path], form: Form) -> None:
    from assistant.engine.batch import BatchEngine
    from assistant.engine.interface import GenerateRequest, Sampling, TextDelta
    from assistant.engine.llama import LlamaModel
    from assistant.engine.load import LoadOptions

    found = [DISK, evidence("service", "supervisor:cart", "cart FATAL exited", 1)]
    engine = BatchEngine(lambda: LlamaModel(model_file("qwen2.5-coder-0.5b"), LoadOptions(2048, 2)))
    model = LocalChatModel(engine=engine)
    messages = [SystemMessage(SYSTEM), HumanMessage(first_message("Why?", [], found))]
    request = GenerateRequest(
        model.prompt(messages),
        max_tokens=200,
        grammar=answer_grammar(found, form),
        sampling=Sampling(temperature=0.6, seed=5),
    )
    text = "".join([e.text async for e in engine.generate(request) if isinstance(e, TextDelta)])
    await engine.aclose()
    ids = r"(\[(L1|S1)\]){1,3}"
    pattern = {
        "cause": rf"\*\*Cause\*\* {ids}: cart [^\n]*\. [^\n]+\.\n\n\*\*Next:\*\* [^\n]+\.",
        "answer": rf"\*\*Answer\*\* {ids}: [^\n]+\.",
    }[form]
    assert re.fullmatch(pattern, text), text
