"""A session's title, written by a small model and held against what it is about.

A title stands in lists, among them those of other programs. Whatever a question or a log line talks
the model into, it comes out as a few plain words, most of them the conversation's own; or not at
all, and then the session keeps the title that it had.
"""

from __future__ import annotations

import re
import unicodedata

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from assistant.chat.local import LocalChatModel

_SYSTEM = (
    "You write titles. Write a title of at most eight words for the conversation, in the language "
    "of the question. Write the title and nothing else."
)
_QUESTION_CHARS = 600
_ANSWER_CHARS = 300
_MAX_TOKENS = 32
_MAX_CHARS = 72
_MIN_WORDS, _MAX_WORDS = 2, 8
# The check below is the stricter one; the grammar spares the model what would be refused.
_GRAMMAR = (
    r"root ::= [^\x00- !-/:-@[-`{-\xA0] "
    rf"[^\x00-\x1F!-$&*+/:-@[-`{{-\xA0]{{1,{_MAX_CHARS - 1}}}"
)
_SIGNS = frozenset(" %'(),-.")
_MARKUP = re.compile(r"\*\*[^*\n]*\*\*|\[\w+\]:?|[*`]")
_WORD = re.compile(r"[^\W_]+")
# Words are compared by their beginnings: `refusal` is known where `refused` stands.
_STEM_CHARS = 4
_MAX_NEW_WORDS = 1


async def write_title(
    model: LocalChatModel, question: str, answer: str, deadline_s: float
) -> str | None:
    """A title for the conversation that begins so; None when the model finds no fit one.

    Raises EngineError, DeadlineExceeded among them.
    """
    messages: list[BaseMessage] = [
        SystemMessage(_SYSTEM),
        HumanMessage(
            f"Question: {question[:_QUESTION_CHARS]}\n"
            f"Answer: {_MARKUP.sub('', answer).strip()[:_ANSWER_CHARS]}"
        ),
    ]
    written = await model.ainvoke(
        messages, max_tokens=_MAX_TOKENS, grammar=_GRAMMAR, deadline_s=deadline_s
    )
    if written.response_metadata["finish_reason"] == "length":
        return None
    return fit_title(str(written.content), f"{question} {answer}")


def fit_title(text: str, conversation: str) -> str | None:
    """`text` as a title of `conversation`; None when it is not plain, not short or not about it."""
    title = text.strip(" .,-")
    is_short = len(title) <= _MAX_CHARS and _MIN_WORDS <= len(title.split()) <= _MAX_WORDS
    if not is_short or not all(map(_is_plain, title)) or not _is_about(title, conversation):
        return None
    return title


def _is_plain(character: str) -> bool:
    """Whether it is a letter, accent or digit of any script, or a sign that means no markup."""
    return character in _SIGNS or unicodedata.category(character)[0] in "LMN"


def _is_about(title: str, conversation: str) -> bool:
    """Whether its words stand in the conversation, but for one; a number always has to."""
    known = conversation.casefold()
    new = [word for word in _WORD.findall(title.casefold()) if not _stands_in(known, word)]
    return len(new) <= _MAX_NEW_WORDS and all(word.isascii() and word.isalpha() for word in new)


def _stands_in(known: str, word: str) -> bool:
    """Whether `known` has the word, or its beginning; short plain words are passed over."""
    if not word.isalpha():
        return word in _WORD.findall(known)
    return (len(word) < _STEM_CHARS and word.isascii()) or word[:_STEM_CHARS] in known
