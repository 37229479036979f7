"""The team's own ways, out of its knowledge base, for whoever writes code for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.code.report import Language
from tools.logs.lookup.words import stem

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase
    from knowledge.examples import Example

# What a prompt of a small model has room for.
_MAX_CONVENTIONS = 2
_MAX_EXAMPLES = 1
_KNOWN_AS: dict[Language, str] = {"kubernetes": "yaml", "ansible": "yaml", "systemd": "ini"}
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{3,}")
_PLAIN_TEXT = """
a about above after alert all also and any are been before below bash check code command each every
file files find from given have into like line list make more name only over path print python query
script shell should show shows some text than that their them then there these this those through
under unit until using what when where which while will with write yaml your
"""
_PLAIN = frozenset(stem(word) for word in _PLAIN_TEXT.split())
_MIN_SHARED = 2


@dataclass(frozen=True, slots=True)
class HouseText:
    """A convention, or an example of how the team writes; `text` stands verbatim in `source`."""

    kind: str
    source: str
    heading: str
    line: int
    text: str


def house_texts(base: KnowledgeBase, task: str, language: Language) -> tuple[HouseText, ...]:
    """What the knowledge base has to say on `task`; nothing when nothing in it fits.

    Raises StoreUnavailable, EmbeddingUnavailable.
    """
    if base.is_empty():
        return ()
    from knowledge.examples import house_of

    house = house_of(base, task, _KNOWN_AS.get(language, language))
    conventions = [
        HouseText("convention", passage.path, passage.heading, passage.line, passage.text)
        for passage in house.conventions[:_MAX_CONVENTIONS]
    ]
    return (*conventions, *list(_fitting(house.examples, task))[:_MAX_EXAMPLES])


def _fitting(examples: Sequence[Example], task: str) -> Iterator[HouseText]:
    """The examples that speak of the task's own things: another's are worse than none."""
    wanted = _telling(task)
    for example in examples:
        shared = wanted & _telling(f"{example.heading} {example.code}")
        if len(shared) >= min(_MIN_SHARED, len(wanted)) and shared:
            yield HouseText("example", example.path, example.heading, example.line, example.code)


def _telling(text: str) -> frozenset[str]:
    return frozenset(stem(word.lower()) for word in _WORD.findall(text)) - _PLAIN
