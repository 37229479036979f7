"""The free strategy: a tool loop for models that can be trusted with one.

The model starts from the same first look as the bounded strategy and may then call any tool until
it answers. Middleware bounds the calls; the answer is checked and quoted like any other.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelCallLimitMiddleware,
    ToolCallLimitMiddleware,
)
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.base import BaseCheckpointSaver

from assistant.agent.arguments import argument_schema, definition, tools_for
from assistant.agent.checking import Grounding, SentenceGate, cited_ids
from assistant.agent.confidence import confidence_line
from assistant.agent.direct import direct_answer
from assistant.agent.prompt import EXPLAIN, INSTEAD, SYSTEM, first_message, tool_message
from assistant.agent.report import (
    approval_section,
    closing_sections,
    instructions_section,
    seen_before_section,
    strongest_lead,
)
from assistant.agent.triage import first_look
from assistant.agent.turn import Draft, ModelSource, Resumption, Turn
from assistant.chat.template import text_of

_MAX_TOOL_CALLS = 8
NO_END = (
    f"The model looked {_MAX_TOOL_CALLS} times and came to no answer; the strongest findings are "
    "quoted below."
)
_CITE = "Cite the ids of the findings that each statement rests on, in brackets."


class FreeStrategy:
    """First look, then `create_agent`'s loop (a `Strategy`)."""

    def __init__(self, model: ModelSource, saver: BaseCheckpointSaver[str]) -> None:
        self._model = model
        self._checkpointer = saver

    async def answer(self, turn: Turn) -> Draft:
        """See `Strategy`."""
        with turn.meter.phase("triage"):
            direct = await direct_answer(turn, self._model)
            if direct is not None:
                return Draft("".join(turn.shown), direct.evidence)
            look = await first_look(turn.question, turn.toolbox)
        if look.seen_before:
            turn.show(f"{seen_before_section(look.seen_before)}\n\n")
        asked = first_message(turn.question.text, look.overview, look.evidence)
        instruction = f"{EXPLAIN[turn.question.intent]} {_CITE}"
        num_first = len(turn.toolbox.ledger)
        written = await self._stream(turn, f"{asked}\n\n{instruction}")
        known = tuple(turn.toolbox.ledger)
        # Of an earlier turn's evidence only what is cited, of the first look's only what it kept.
        cited = [item for item in known if item.id in cited_ids(written)]
        mine = {item.id: item for item in (*cited, *look.evidence, *known[num_first:])}.values()
        if turn.question.intent == "diagnose":
            found = [item for item in mine if item.is_fact]
            turn.show_confidence(confidence_line(cited, found, look.seen_before))
        for approval in turn.toolbox.approvals:
            turn.show_section(approval_section(approval))
        turn.show_section(instructions_section(turn.rules(tuple(mine))))
        turn.show_section(closing_sections(written, tuple(mine), look.overview))
        ids = cited_ids("".join(turn.shown))
        return Draft("".join(turn.shown), tuple(e for e in known if e.id in ids))

    async def resume(self, turn: Turn, resumption: Resumption) -> Draft:
        """See `Strategy`."""
        if resumption.is_open:
            turn.show("\n\n")
            await self._stream(turn, f"{resumption.told}\n\n{resumption.ask or INSTEAD} {_CITE}")
        else:
            said = [HumanMessage(resumption.told), AIMessage(resumption.report)]
            agent = await self._agent(turn)
            thread = {"configurable": {"thread_id": turn.session}}
            await agent.aupdate_state(thread, {"messages": said}, as_node="model")
        ids = cited_ids("".join(turn.shown))
        return Draft("".join(turn.shown), tuple(e for e in turn.toolbox.ledger if e.id in ids))

    async def _stream(self, turn: Turn, asked: str) -> str:
        """Run the loop, showing checked sentences as they come; all of them in the end."""
        agent = await self._agent(turn)
        writing = _Writing(turn, asked)
        stream = agent.astream(
            {"messages": [HumanMessage(asked)]},
            {"configurable": {"thread_id": turn.session}},
            stream_mode="messages",
            durability="exit",
        )
        async with aclosing(stream) as messages:
            async for message, _ in messages:
                writing.add(message)
        writing.finish()
        return "".join(turn.shown)

    async def _agent(self, turn: Turn) -> Any:
        model = await turn.wait_for(self._model)
        verbs = await _verbs(turn)
        limits: list[AgentMiddleware[Any, Any, Any]] = [
            ToolCallLimitMiddleware(run_limit=_MAX_TOOL_CALLS),
            ModelCallLimitMiddleware(run_limit=_MAX_TOOL_CALLS + 1),
        ]
        return create_agent(
            model,
            [_tool(name, turn) for name in tools_for(turn.toolbox.scope, verbs)],
            system_prompt=SYSTEM,
            middleware=limits,
            checkpointer=self._checkpointer,
        )


class _Writing:
    """The answer as it streams: parts between tool calls, each checked sentence by sentence."""

    def __init__(self, turn: Turn, asked: str) -> None:
        self._turn = turn
        self._grounding = Grounding(asked)
        self._grounding.learn_subject(turn.question.text, *turn.question.earlier)
        self._grounding.learn_evidence(turn.toolbox.ledger)
        self._gate = SentenceGate(self._grounding)
        self._num_before = len(turn.shown)
        self._num_calls = 0
        self._is_cut = False
        self._is_new_part = False

    def add(self, message: Any) -> None:
        """Take in a piece of the model's text, or a tool's result."""
        if isinstance(message, ToolMessage):
            self._num_calls += 1
            self._grounding.learn(text_of(message))
            self._grounding.learn_evidence(self._turn.toolbox.ledger)
        elif isinstance(message, AIMessageChunk):
            self._turn.meter.count(message)
            self._is_cut = (
                self._is_cut or message.response_metadata.get("finish_reason") == "length"
            )
            self._show(self._gate.push(text_of(message)))
            if message.tool_call_chunks:
                # What it says before a call is no beginning of what it says after it.
                self._show(self._gate.finish())
                self._is_new_part = True

    def finish(self) -> None:
        """Show the last sentence, unless it was cut; say so when there was none at all."""
        if not self._is_cut:
            self._show(self._gate.finish())
        if not "".join(self._turn.shown[self._num_before :]).strip():
            is_out_of_calls = self._num_calls >= _MAX_TOOL_CALLS
            self._turn.show(
                NO_END if is_out_of_calls else strongest_lead([*self._turn.toolbox.ledger])
            )

    def _show(self, text: str) -> None:
        if text and self._is_new_part:
            self._turn.show_section(text)
            self._is_new_part = False
        else:
            self._turn.show(text)


async def _verbs(turn: Turn) -> set[str]:
    """What some service can be told to do; nothing where there is none."""
    actions = turn.toolbox.actions
    targets = () if actions is None else await asyncio.to_thread(actions.targets)
    return {verb for target in targets for verb in target.verbs}


def _tool(name: str, turn: Turn) -> StructuredTool:
    """The tool as LangChain calls it: its text has the findings under their ids."""

    async def run(**arguments: Any) -> str:
        report = await turn.toolbox.run(name, arguments)
        return tool_message(report.result.summary, report.evidence, "")

    description: str = definition(name)["function"]["description"]
    return StructuredTool.from_function(
        coroutine=run, name=name, description=description, args_schema=argument_schema(name)
    )
