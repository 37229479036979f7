"""The last step: the model says what the evidence means, and code decides what may be said.

The model writes into a form that a grammar holds it to: first the ids of the evidence that it rests
on (so it has to choose before it explains), then, for a cause, the sentence that code has for the
first of them, then a sentence or two of its own, then the next step. Each sentence of its own is
checked against the evidence before it is shown.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from assistant.agent.checking import Grounding, SentenceGate
from assistant.agent.statement import statement
from assistant.agent.turn import Turn
from assistant.chat.local import LocalChatModel
from assistant.chat.template import text_of
from tools.evidence import Evidence

Form = Literal["cause", "answer"]
"""`cause`: what is wrong, and the next step. `answer`: to a question."""

_MAX_TOKENS: dict[Form, int] = {"cause": 220, "answer": 160}
# A full stop ends a sentence unless a number or a name goes on after it, in small letters or in
# backticks: given a capital, a model that wants one more sentence writes it without the space. Nor
# may there be many of them: such a model counts on, "12.12.12", to the limit of its tokens.
# Brackets are for ids, and those have been chosen already; a number that begins a sentence is
# mostly that of a list.
_SENTENCE_RULES = r"""
paragraph ::= sentence more-sentences
more-sentences ::= (" " sentence (" " sentence)?)?
sentence ::= ([A-Z"'] | "`" [^`\n\x00[\]]+ "`") rest
rest ::= words ("." [a-z0-9] words){0,8} "."
words ::= ([^\n\x00.`[\]] | "`" [^`\n\x00[\]]+ "`")*
"""
_NEXT = "**Next:**"
# So much of what code says, and no other text can follow.
_SURE_CHARS = 12


async def explain(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    *,
    tools: Sequence[dict[str, Any]],
    turn: Turn,
    citable: Sequence[Evidence],
    known: Sequence[Evidence],
    form: Form,
) -> AIMessage:
    """Stream the model's checked sentences into the turn; the message as it was shown.

    The answer rests on some of `citable`; its sentences may speak of anything `known`. Empty when
    no sentence passed the check.
    """
    grounding = _grounding(messages, known)
    grounding.learn_subject(turn.question.text, *turn.question.earlier)
    gate = SentenceGate(grounding)
    head = _Head(model, citable, form)
    paper = _Paper(turn, head)
    is_cut = False
    async with aclosing(_stream(model, messages, tools, head.grammar, form)) as chunks:
        async for chunk in chunks:
            turn.meter.count(chunk)
            is_cut = is_cut or chunk.response_metadata.get("finish_reason") == "length"
            paper.write(gate.push(head.push(text_of(chunk))))
    if not is_cut:
        paper.write(gate.finish())
    return AIMessage(content=paper.text.strip())


class _Head:
    """The beginning of the answer: the ids of its evidence and, for a cause, what they show.

    What a cause begins with is code's own and shown at once; that of another answer is shown with
    the first sentence that passes its check.
    """

    def __init__(self, model: BaseChatModel, citable: Sequence[Evidence], form: Form) -> None:
        is_bound = isinstance(model, LocalChatModel)
        self.grammar = answer_grammar(citable, form) if is_bound else None
        self.pending = ""
        self._is_open = is_bound and bool(citable)
        self._statements = {item.id: statement(item) if form == "cause" else "" for item in citable}
        self._held = ""
        self._num_forced = 0

    def push(self, text: str) -> str:
        """The text after the head.

        What the grammar forces need not be waited for: it is known from its first letters on.
        """
        if self._num_forced:
            forced, text = text[: self._num_forced], text[self._num_forced :]
            self._num_forced -= len(forced)
        if not self._is_open:
            return text
        self._held += text
        ids, colon, rest = self._held.partition("]: ")
        stated = self._statements.get(ids.partition("[")[2].partition("]")[0], "")
        if not colon or len(rest) < min(len(stated), _SURE_CHARS):
            return ""
        self._is_open = False
        if not stated.startswith(rest[: len(stated)]):
            stated = ""
        self.pending = f"{ids}{colon}{stated}"
        self._num_forced = max(0, len(stated) - len(rest))
        return rest[len(stated) :]

    @property
    def is_complete(self) -> bool:
        """Whether it says something by itself."""
        return self.pending.endswith(".")


class _Paper:
    """What was shown of the answer: whole paragraphs, and none that lost its beginning."""

    def __init__(self, turn: Turn, head: _Head) -> None:
        self._turn = turn
        self._head = head
        self.text = ""

    def write(self, text: str) -> None:
        """Show checked text.

        Blanks of a sentence that was dropped go with it, and so does a next step without a cause.
        """
        if not self.text and self._head.is_complete:
            self._show(self._head.pending)
        words = text.strip()
        if not words or (not self.text and words.startswith(_NEXT)):
            return
        gap = "\n\n" if words.startswith(_NEXT) else " "
        self._show(gap + words if self.text else self._head.pending + words)

    def _show(self, text: str) -> None:
        self.text += text
        self._turn.show(text)


def answer_grammar(citable: Sequence[Evidence], form: Form) -> str:
    """GBNF for an answer that begins with the evidence that it rests on (at most three ids).

    A cause goes on with what the first of them shows: left alone, a small model puts the blame on
    whatever the question named.
    """
    if not citable:
        return f"root ::= paragraph\n{_SENTENCE_RULES}"
    ids = " | ".join(_literal(item.id) for item in citable)
    if form == "cause":
        begun = " | ".join(
            f"{_literal(f'[{item.id}]')} more {_literal(f': {statement(item)} ')} paragraph"
            for item in citable
        )
        root = f'root ::= "**Cause** " ({begun}) "\\n\\n{_NEXT} " paragraph'
    else:
        root = f'root ::= "**Answer** [" ({ids}) "]" more ": " paragraph'
    more = f'more ::= ("[" ({ids}) "]" ("[" ({ids}) "]")?)?'
    return "\n".join([root, more, _SENTENCE_RULES])


def _literal(text: str) -> str:
    return json.dumps(text)


async def _stream(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    tools: Sequence[dict[str, Any]],
    grammar: str | None,
    form: Form,
) -> AsyncGenerator[AIMessageChunk]:
    bound: Any = model
    options: dict[str, Any] = {"max_tokens": _MAX_TOKENS[form]}
    if grammar is not None:
        options["grammar"] = grammar
    if tools:
        bound = model.bind_tools(list(tools), tool_choice="none")
    async for chunk in bound.astream(list(messages), **options):
        yield chunk


def _grounding(messages: Sequence[BaseMessage], evidence: Sequence[Evidence]) -> Grounding:
    """What an answer may speak of: the conversation so far and the whole text of the evidence."""
    grounding = Grounding(*(text_of(m) for m in messages if m.type in ("human", "tool")))
    grounding.learn_evidence(evidence)
    return grounding
