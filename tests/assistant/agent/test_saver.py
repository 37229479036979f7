"""The graph's saver: what a graph has stored is there for the next process."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.graph import END, START, StateGraph, add_messages

from assistant.agent.saver import open_saver
from tests.assistant.places import Place


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    num_turns: int


async def answer(state: State) -> dict[str, Any]:
    return {"messages": [AIMessage("no \0 space, 100 %")], "num_turns": state["num_turns"] + 1}


async def graph(saver: Any) -> Any:
    built = StateGraph(State)
    built.add_node("answer", answer)
    built.add_edge(START, "answer")
    built.add_edge("answer", END)
    return built.compile(checkpointer=saver)


async def test_a_conversation_goes_on_in_the_next_process(place: Place) -> None:
    thread = {"configurable": {"thread_id": "s1"}}
    for number in (1, 2, 3):
        async with place.open_sessions() as store:
            agent = await graph(await open_saver(store))
            asked = {"messages": [HumanMessage(f"why {number}? \0 ?")]}
            before = {"num_turns": 0} if number == 1 else {}
            await agent.ainvoke(asked | before, thread, durability="exit")
            values = (await agent.aget_state(thread)).values
    assert values["num_turns"] == 3
    assert [message.content for message in values["messages"]] == [
        text for number in (1, 2, 3) for text in (f"why {number}? \0 ?", "no \0 space, 100 %")
    ]
