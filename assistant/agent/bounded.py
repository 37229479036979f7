"""The bounded strategy: a graph of fixed shape for models that cannot be left to themselves.

    triage ──> choose ──> drill ──> explain
       ││         ╰───────────────────^│
       │╰── nothing to explain ────────╯
       ╰── a figure that code computed: the end

Code looks at everything first; the model makes at most a few constrained choices and one
explanation. There is no loop that it could stay in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.runtime import Runtime
from langgraph.types import Command

from assistant.agent.arguments import definition, narrowed
from assistant.agent.checking import cited_ids
from assistant.agent.confidence import confidence_line
from assistant.agent.direct import direct_answer, show_computed
from assistant.agent.exact import ExactAnswer
from assistant.agent.explain import Form, explain
from assistant.agent.onset import asks_when, onset_of, onset_text
from assistant.agent.prompt import EXPLAIN, INSTEAD, SYSTEM, first_message, tool_message
from assistant.agent.report import (
    closing_sections,
    instructions_section,
    seen_before_section,
    strongest_lead,
)
from assistant.agent.suggestion import suggested_restart
from assistant.agent.triage import CONCLUSIVE, FirstLook, first_look
from assistant.agent.turn import Draft, ModelSource, Resumption, Turn
from assistant.agent.verdict import form_of, gap_in, is_healthy, verdict_of_code
from assistant.chat.local import LocalChatModel
from tools.evidence import Evidence, distinct

# How many findings an answer quotes: the cause and its traces, or all that was found.
_NUM_FACTS = 5
_NUM_FOUND = 8
# How many findings an answer may rest on that goes on after a decision.
_NUM_INSTEAD = 8
# Two strings of at most 120 characters, and the call around them.
_MAX_CHOICE_TOKENS = 160

_ANSWER_NOW: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "answer",
        "description": "The findings are enough: answer now.",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}
TOOLS: tuple[dict[str, Any], ...] = (
    _ANSWER_NOW,
    definition("search_logs"),
    definition("read_capture"),
    definition("search_runbooks"),
)
"""Always all of them, in this order, in every prompt: the cached prefix depends on it."""


class _State(TypedDict):
    """`messages` is the finished conversation; `draft` is this turn's part, kept when it ends."""

    messages: Annotated[list[AnyMessage], add_messages]
    draft: list[AnyMessage]
    num_drilldowns: int


@dataclass(slots=True)
class _Work:
    """What a run has at hand beside its state: never stored."""

    turn: Turn
    look: FirstLook | None = None
    gap: str = ""
    """Why the evidence cannot answer at all; empty where it can."""
    drilled: tuple[Evidence, ...] = ()

    @property
    def citable(self) -> tuple[Evidence, ...]:
        """What the model may rest its answer on."""
        leads = self.look.leads if self.look else ()
        return distinct((*leads, *self.drilled)) or self.evidence

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What this turn found; what the session had before, when it found nothing."""
        first = self.look.evidence if self.look else ()
        return distinct((*first, *self.drilled)) or tuple(self.turn.toolbox.ledger)


class BoundedStrategy:
    """Triage, at most `max_drilldowns` constrained choices, explain (a `Strategy`)."""

    def __init__(
        self, model: ModelSource, saver: BaseCheckpointSaver[str], max_drilldowns: int
    ) -> None:
        self._model = model
        self._max_drilldowns = max_drilldowns
        graph = StateGraph(_State, context_schema=_Work)
        graph.add_node("triage", self._triage)
        graph.add_node("choose", self._choose)
        graph.add_node("drill", self._drill)
        graph.add_node("explain", self._explain)
        graph.add_edge(START, "triage")
        graph.add_edge("explain", END)
        self._graph = graph.compile(checkpointer=saver)

    async def answer(self, turn: Turn) -> Draft:
        """See `Strategy`."""
        work = _Work(turn)
        await self._graph.ainvoke(
            cast(_State, {"draft": [], "num_drilldowns": 0}),
            {"configurable": {"thread_id": turn.session}},
            context=work,
            # One write per turn: a turn that fails or is cancelled leaves no half of itself.
            durability="exit",
        )
        return Draft("".join(turn.shown), _cited(turn, work.evidence))

    async def resume(self, turn: Turn, resumption: Resumption) -> Draft:
        """See `Strategy`."""
        thread: RunnableConfig = {"configurable": {"thread_id": turn.session}}
        told = HumanMessage(resumption.told)
        written = ""
        if resumption.is_open:
            told = HumanMessage(f"{resumption.told}\n\n{resumption.ask or INSTEAD}")
            stored = (await self._graph.aget_state(thread)).values
            written = await self._instead(turn, stored.get("messages", []), told)
        said = AIMessage("\n\n".join(filter(None, (resumption.report, written))))
        update = {"messages": [told, said], "draft": []}
        await self._graph.aupdate_state(thread, update, as_node="explain")
        return Draft("".join(turn.shown), _cited(turn, ()))

    async def _instead(self, turn: Turn, earlier: list[AnyMessage], told: HumanMessage) -> str:
        """The model's word on what else there is to do."""
        model = await turn.wait_for(self._model)
        state: _State = {"messages": earlier, "draft": [told], "num_drilldowns": 0}
        facts = [item for item in turn.toolbox.ledger if item.is_fact]
        turn.show("\n\n")
        message = await explain(
            model,
            _conversation(model, state),
            tools=TOOLS,
            turn=turn,
            citable=_strongest(facts),
            known=tuple(turn.toolbox.ledger),
            form="answer",
        )
        return str(message.content)

    async def _triage(
        self, state: _State, runtime: Runtime[_Work]
    ) -> Command[Literal["choose", "explain", "__end__"]]:
        work = runtime.context
        with work.turn.meter.phase("triage"):
            direct = await direct_answer(work.turn, self._model)
            if direct is not None:
                return _ended_with(work.turn, direct)
            work.look = await first_look(work.turn.question, work.turn.toolbox)
            onset = onset_of(work.look.facts) if asks_when(work.turn.question.text) else ()
            if onset:
                began = ExactAnswer(onset_text(onset), onset, work.look.overview)
                show_computed(work.turn, began)
                return _ended_with(work.turn, began)
            work.gap = await asyncio.to_thread(gap_in, work.turn, work.look)
        if work.look.seen_before:
            # Said at once: what fixed it the last time needs no model.
            work.turn.show(f"{seen_before_section(work.look.seen_before)}\n\n")
        question = work.turn.question
        text = first_message(question.text, work.look.overview, work.look.evidence)
        may_drill = (
            self._max_drilldowns > 0
            and question.intent == "diagnose"
            and bool(work.turn.toolbox.scope.logs or work.turn.toolbox.scope.captures)
            and bool(work.look.facts)
            and not work.gap
            and not is_healthy(work.turn, work.look)
            and work.look.strongest < CONCLUSIVE
        )
        if may_drill:
            return Command(update={"draft": [HumanMessage(text)]}, goto="choose")
        asked = HumanMessage(f"{text}\n\n{EXPLAIN[question.intent]}")
        return Command(update={"draft": [asked]}, goto="explain")

    async def _choose(
        self, state: _State, runtime: Runtime[_Work]
    ) -> Command[Literal["drill", "explain"]]:
        """One constrained choice: look closer somewhere, or answer."""
        turn = runtime.context.turn
        model = await turn.wait_for(self._model)
        chooser = model.bind_tools(list(TOOLS), tool_choice="any")
        options: dict[str, Any] = {"max_tokens": _MAX_CHOICE_TOKENS}
        if isinstance(model, LocalChatModel):
            options["grammar"] = model.call_grammar(narrowed(TOOLS, turn.toolbox.scope))
        choice = await chooser.ainvoke(_conversation(model, state), **options)
        turn.meter.count(choice)
        if not choice.tool_calls:
            # Only a server can ignore that it has to choose; it is asked to answer then.
            instruction = HumanMessage(EXPLAIN[turn.question.intent])
            return Command(update={"draft": [*state["draft"], instruction]}, goto="explain")
        call = choice.tool_calls[0]
        draft = [*state["draft"], AIMessage(content="", tool_calls=[call])]
        if call["name"] != "answer":
            return Command(update={"draft": draft}, goto="drill")
        result = ToolMessage(EXPLAIN[turn.question.intent], tool_call_id=call["id"])
        return Command(update={"draft": [*draft, result]}, goto="explain")

    async def _drill(
        self, state: _State, runtime: Runtime[_Work]
    ) -> Command[Literal["choose", "explain"]]:
        work = runtime.context
        call = cast(AIMessage, state["draft"][-1]).tool_calls[0]
        with work.turn.meter.phase("drill"):
            report = await work.turn.toolbox.run(call["name"], call["args"])
        new = [item for item in report.evidence if item not in work.evidence]
        work.drilled += tuple(new)
        count = state["num_drilldowns"] + 1
        is_last = count >= self._max_drilldowns
        instruction = EXPLAIN[work.turn.question.intent] if is_last else ""
        text = tool_message(report.result.summary, new, instruction)
        result = ToolMessage(text, tool_call_id=call["id"])
        return Command(
            update={"draft": [*state["draft"], result], "num_drilldowns": count},
            goto="explain" if is_last else "choose",
        )

    async def _explain(self, state: _State, runtime: Runtime[_Work]) -> dict[str, Any]:
        work = runtime.context
        turn = work.turn
        assert work.look is not None
        form = form_of(work.turn, work.look, work.gap, work.evidence)
        if form is None:
            written = verdict_of_code(turn, work.look, work.gap)
            turn.show_section(written)
        else:
            written = await self._written(state, work, form)
        if form == "cause":
            cited = [item for item in work.evidence if item.id in cited_ids(written)]
            turn.show_confidence(confidence_line(cited, work.look.facts, work.look.seen_before))
            turn.show_section(await suggested_restart(turn, written, work.evidence))
        turn.show_section(instructions_section(turn.rules(work.evidence)))
        quotable = () if form is None else work.evidence
        num_facts = _NUM_FACTS if turn.question.intent == "diagnose" else _NUM_FOUND
        turn.show_section(
            closing_sections(written, quotable, work.look.overview, num_facts=num_facts)
        )
        return {"messages": [*state["draft"], AIMessage(written)], "draft": []}

    async def _written(self, state: _State, work: _Work, form: Form) -> str:
        """The model's own part; code's words for the strongest lead when none of it stands up."""
        model = await work.turn.wait_for(self._model)
        message = await explain(
            model,
            _conversation(model, state),
            tools=TOOLS,
            turn=work.turn,
            citable=work.citable,
            known=work.evidence,
            form=form,
        )
        if message.content:
            return str(message.content)
        lead = strongest_lead(work.citable)
        work.turn.show(lead)
        return lead


def _ended_with(turn: Turn, exact: ExactAnswer) -> Command[Any]:
    """The turn ends with what was shown, and no model is asked to explain it."""
    said = [HumanMessage(first_message(turn.question.text, exact.overview, exact.evidence))]
    return Command(update={"messages": [*said, AIMessage(exact.text)], "draft": []}, goto=END)


def _conversation(model: BaseChatModel, state: _State) -> list[BaseMessage]:
    """The messages for the model: all of the session, or its newest turns when it grew too long.

    Turns go out in halves, so that the prompt keeps its beginning (and its place in the cache) for
    as long as it can.
    """
    earlier = list(state["messages"])
    while True:
        messages: list[BaseMessage] = [SystemMessage(SYSTEM), *earlier, *state["draft"]]
        if not earlier or not isinstance(model, LocalChatModel) or model.fits(messages, TOOLS):
            return messages
        questions = [i for i, message in enumerate(earlier) if isinstance(message, HumanMessage)]
        earlier = earlier[questions[len(questions) // 2] :] if len(questions) > 1 else []


def _strongest(facts: Sequence[Evidence]) -> list[Evidence]:
    return sorted(facts, key=lambda item: -item.finding.suspicion)[:_NUM_INSTEAD]


def _cited(turn: Turn, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    by_id = {item.id: item for item in (*turn.toolbox.ledger, *evidence)}
    return tuple(by_id[i] for i in cited_ids("".join(turn.shown)) if i in by_id)
