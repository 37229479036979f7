"""The prompts of a benchmark: the same on every machine, and none of them like another.

They are plain text without a chat template that ends in the middle of a list of words, which a
model goes on with for as long as it may: so answers have the length that was asked for.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.engine.interface import GenerateRequest, Segment

# Each is one token of most vocabularies when it follows a space.
_WORD_LIST = """
apple bridge candle desert engine forest garden harbor island jacket kitchen ladder market needle
orange pencil river silver table valley window yellow bottle carpet dinner family guitar hammer
jungle letter mirror number office paper planet pocket rabbit season shadow signal spring station
stone street summer sunset temple ticket tower train travel tunnel village wagon water weather
winter worker bread cloud dream flower grass horse money music ocean queen storm sugar tiger world
"""
_WORDS = tuple(_WORD_LIST.split())
_QUESTION_WORDS = 12


@dataclass(frozen=True, slots=True)
class Workload:
    """Users who each ask a question of their own behind one system prefix."""

    prefix: str
    answer_tokens: int

    def prefix_prompt(self) -> list[Segment]:
        """What all users' prompts begin with."""
        return [Segment(self.prefix)]

    def request(self, question: str) -> GenerateRequest:
        """`question` behind the prefix, answered greedily."""
        prompt = [*self.prefix_prompt(), Segment(question)]
        return GenerateRequest(prompt=prompt, max_tokens=self.answer_tokens)


def prefix_of(num_tokens: int, seed: int, count_tokens: Callable[[Sequence[Segment]], int]) -> str:
    """Words that make `num_tokens` tokens, less than one word short of them.

    Prefixes of two seeds differ from the first word on, or from one of the next.
    """
    draw = random.Random(seed)
    words = [draw.choice(_WORDS) for _ in range(num_tokens)]
    sizes = range(1, len(words) + 1)
    fitting = bisect_right(
        sizes, num_tokens, key=lambda size: count_tokens([Segment(" ".join(words[:size]))])
    )
    return " ".join(words[:fitting])


def question_of(seed: int) -> str:
    """A question that no other seed asks; it begins with a space, so that tokens do not merge."""
    draw = random.Random(seed)
    words = ", ".join(draw.choice(_WORDS) for _ in range(_QUESTION_WORDS))
    return f" Question {seed}. A long list of words that have nothing to do with it: {words},"
