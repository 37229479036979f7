"""Code within a conversation: "write the script that fixes it", answered with checked code.

The code is shown with what its checks say, and never run. What the session found is given to the
model as data; the house's conventions come from the knowledge base.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.agent.exact import ExactAnswer
from assistant.agent.inert import inert_line
from assistant.agent.turn import ModelSource, Turn
from tools.evidence import Evidence
from tools.result import Status, ToolResult

if TYPE_CHECKING:
    from assistant.coding.generated import Generated
    from assistant.coding.request import CodeRequest

_NOUN = (
    r"(?:script|one-?liner|program|playbook|manifest|promql|sql|query|unit file|(?:systemd|service)"
    r" unit|timer|cron ?job|dockerfile|ya?ml|config(?:uration)?|server block|bash|python|function)"
)
_ASKED = re.compile(
    r"^\W*(?:(?:please|ok(?:ay)?|now|then|and|so)\b[,:]?\s+)*"
    r"(?:(?:can|could|would) you\s+(?:please\s+)?)?"
    r"(?:write|create|generate|draft|compose|give me|make me|show me)\b[^.?!\n]{0,60}?\b"
    rf"{_NOUN}\b",
    re.IGNORECASE,
)
_MAX_FACTS = 6
_CANCEL_CHECK_S = 0.2


def asks_for_code(text: str) -> bool:
    """Whether `text` asks to have code written: by its first words, and by what it names."""
    return _ASKED.match(text) is not None


async def coded_answer(turn: Turn, model: ModelSource) -> ExactAnswer | None:
    """The code that the question asks for, with its checks; None when it asks for none."""
    if not asks_for_code(turn.question.text):
        return None
    written: list[Generated] = []
    loop = asyncio.get_running_loop()

    def write() -> ToolResult:
        coroutine = _written(turn, model)
        generated = _outcome(asyncio.run_coroutine_threadsafe(coroutine, loop), turn)
        written.append(generated)
        told = f"{len(generated.code.splitlines())} lines of {generated.language}"
        return ToolResult(Status.OK, f"Wrote {told}; checked, not run.")

    report = await turn.toolbox.perform("generate_code", {"task": turn.question.text[:200]}, write)
    if not written:
        return ExactAnswer(f"**No code**: {inert_line(report.result.summary)}", (), ())
    _count(turn, written[0])
    from assistant.coding.shown import markdown_of

    return ExactAnswer(markdown_of(written[0]), (), ())


async def _written(turn: Turn, model: ModelSource) -> Generated:
    from assistant.coding.generate import generate_code

    request = await asyncio.to_thread(_request, turn)
    return await generate_code(request, await turn.wait_for(model))


def _request(turn: Turn) -> CodeRequest:
    from assistant.coding.language import language_of_request
    from assistant.coding.preparation import prepare_request
    from assistant.coding.request import Attachment

    task = turn.question.text
    found = "\n".join(_facts(turn.toolbox.ledger))
    attached = [Attachment("what was found", found)] if found else []
    toolbox = turn.toolbox
    language = language_of_request(task)
    request = prepare_request(task, language, attached, toolbox.runbooks, toolbox.scope.metrics)
    house = (replace(text, text=toolbox.redact(text.text)) for text in request.house)
    return replace(request, house=tuple(house))


def _facts(ledger: Iterable[Evidence]) -> list[str]:
    """The strongest of what the session found, a line each."""
    facts = [item for item in ledger if item.is_fact]
    strongest = sorted(facts, key=lambda item: -item.finding.suspicion)[:_MAX_FACTS]
    return [f"{item.finding.source}: {item.finding.text}" for item in strongest]


def _outcome(future: Future[Generated], turn: Turn) -> Generated:
    """What the future comes to; it is cancelled with the turn."""
    while True:
        try:
            return future.result(timeout=_CANCEL_CHECK_S)
        except TimeoutError:
            if turn.toolbox.is_cancelled:
                future.cancel()
                turn.toolbox.checkpoint()


def _count(turn: Turn, generated: Generated) -> None:
    usage, meter = generated.usage, turn.meter
    meter.model_calls += usage.model_calls
    meter.prompt_tokens += usage.prompt_tokens
    meter.cached_tokens += usage.cached_tokens
    meter.completion_tokens += usage.completion_tokens
    meter.add("prefill", usage.ttft_s)
    meter.add("decode", usage.total_s - usage.ttft_s)
