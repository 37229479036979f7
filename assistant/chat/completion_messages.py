"""The turns of a completion as LangChain messages, which every chat model takes."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import tool_call

from assistant.chat.completion import Turn


def messages_of(turns: Sequence[Turn]) -> list[BaseMessage]:
    """One message for each turn, in their order."""
    return [_message(turn) for turn in turns]


def _message(turn: Turn) -> BaseMessage:
    match turn.role:
        case "system":
            return SystemMessage(turn.text)
        case "user":
            return HumanMessage(turn.text)
        case "tool":
            return ToolMessage(turn.text, tool_call_id=turn.call_id)
        case "assistant":
            calls = [
                tool_call(name=call.name, args=dict(call.arguments), id=call.id)
                for call in turn.calls
            ]
            return AIMessage(turn.text, tool_calls=calls)
