"""The free strategy: a tool loop for models that can be trusted with one.

The model starts from the same first look as the bounded strategy and may then call any tool until
it answers. Middleware bounds the calls; the answer is checked and quoted like any other.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from aiosqlite import Connection
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelCallLimitMiddleware,
    ToolCallLimitMiddleware,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from assistant.agent.checking import Grounding, SentenceGate, cited_ids
from assistant.agent.explain import NOTHING_STOOD_UP
from assistant.agent.prompt import EXPLAIN, SYSTEM, first_message, tool_message
from assistant.agent.report import closing_sections
from assistant.agent.toolbox import TOOL_NAMES, argument_schema, definition
from assistant.agent.triage import first_look
from assistant.agent.turn import Draft, ModelSource, Turn
from assistant.chat.template import text_of

_MAX_TOOL_CALLS = 8
NO_END = (
    f"The model looked {_MAX_TOOL_CALLS} times and came to no answer; the strongest findings are "
    "quoted below."
)
_CITE = "Cite the ids of the findings that each statement rests on, in brackets."


class FreeStrategy:
    """First look, then `create_agent`'s loop (a `Strategy`)."""

    def __init__(self, model: ModelSource, sessions: Connection) -> None:
        self._model = model
        self._checkpointer = AsyncSqliteSaver(sessions)

    async def answer(self, turn: Turn) -> Draft:
        """See `Strategy`."""
        with turn.meter.phase("triage"):
            look = await first_look(turn.question, turn.toolbox)
        asked = first_message(turn.question.text, look.overview, look.evidence)
        instruction = f"{EXPLAIN[turn.question.intent]} {_CITE}"
        num_first = len(turn.toolbox.ledger)
        written = await self._stream(turn, f"{asked}\n\n{instruction}")
        known = tuple(turn.toolbox.ledger)
        # Of an earlier turn's evidence only what is cited, of the first look's only what it kept.
        cited = [item for item in known if item.id in cited_ids(written)]
        mine = {item.id: item for item in (*cited, *look.evidence, *known[num_first:])}.values()
        turn.show_section(closing_sections(written, tuple(mine), look.overview))
        ids = cited_ids("".join(turn.shown))
        return Draft("".join(turn.shown), tuple(e for e in known if e.id in ids))

    async def _stream(self, turn: Turn, asked: str) -> str:
        """Run the loop, showing checked sentences as they come; all of them in the end."""
        agent = self._agent(await turn.wait_for(self._model), turn)
        grounding = Grounding(asked)
        grounding.learn_evidence(turn.toolbox.ledger)
        gate = SentenceGate(grounding)
        stream = agent.astream(
            {"messages": [HumanMessage(asked)]},
            {"configurable": {"thread_id": turn.session}},
            stream_mode="messages",
            durability="exit",
        )
        num_calls, is_cut, is_new_part = 0, False, False
        async with aclosing(stream) as chunks:
            async for message, _ in chunks:
                if isinstance(message, ToolMessage):
                    num_calls += 1
                    grounding.learn(text_of(message))
                    grounding.learn_evidence(turn.toolbox.ledger)
                elif isinstance(message, AIMessageChunk):
                    turn.meter.count(message)
                    is_cut = message.response_metadata.get("finish_reason") == "length" or is_cut
                    if message.tool_call_chunks:
                        # What it says before a call is no beginning of what it says after it.
                        turn.show(gate.finish())
                        is_new_part = True
                    elif text := gate.push(text_of(message)):
                        turn.show_section(text) if is_new_part else turn.show(text)
                        is_new_part = False
        if not is_cut and (text := gate.finish()):
            turn.show_section(text) if is_new_part else turn.show(text)
        written = "".join(turn.shown)
        if not written.strip():
            turn.show(NO_END if num_calls >= _MAX_TOOL_CALLS else NOTHING_STOOD_UP)
        return written

    def _agent(self, model: BaseChatModel, turn: Turn) -> Any:
        limits: list[AgentMiddleware[Any, Any, Any]] = [
            ToolCallLimitMiddleware(run_limit=_MAX_TOOL_CALLS),
            ModelCallLimitMiddleware(run_limit=_MAX_TOOL_CALLS + 1),
        ]
        return create_agent(
            model,
            [_tool(name, turn) for name in TOOL_NAMES],
            system_prompt=SYSTEM,
            middleware=limits,
            checkpointer=self._checkpointer,
        )


def _tool(name: str, turn: Turn) -> StructuredTool:
    """The tool as LangChain calls it: its text has the findings under their ids."""

    async def run(**arguments: Any) -> str:
        report = await turn.toolbox.run(name, arguments)
        return tool_message(report.result.summary, report.evidence, "")

    description: str = definition(name)["function"]["description"]
    return StructuredTool.from_function(
        coroutine=run, name=name, description=description, args_schema=argument_schema(name)
    )
