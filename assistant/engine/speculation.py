"""Speculative decoding without a draft model: what a text repeats is proposed, then verified.

An answer that quotes a log line copies tokens that stand in its own prompt. `PromptLookup` proposes
how the quote goes on; the engine computes the proposal in one step and draws every token as it
would without, so that the output is the same. `Payoff` decides how much of a proposal to verify:
on a GPU the extra tokens are nearly free, on a few processors they pay in long quotes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.engine.cost import StepCost

_LONG, _SHORT = 3, 2
# Copied so far: 0, 1, 2-3, 4-7, 8-15, 16 and more tokens.
_NUM_RUN_CLASSES = 6
# Habits change: the last 32 observations count most.
_LEAST_WEIGHT = 1 / 32
# What is less likely than this adds nothing worth the arithmetic.
_LEAST_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Draft:
    """Tokens that may come next.

    `num_copied` is how many tokens the text has copied already from where these stand: what was
    copied for long is likely to be copied on.
    """

    tokens: Sequence[int]
    num_copied: int


class PromptLookup:
    """The tokens of one sequence, prompt and generated, indexed by their n-grams.

    A draft is what followed the most recent earlier occurrence of the last three tokens, or else of
    the last two; that place is kept for as long as the text goes on as it did there.
    """

    def __init__(self, tokens: Iterable[int] = ()) -> None:
        self._tokens: list[int] = []
        # For each n-gram, the position after its last occurrence.
        self._ends: dict[tuple[int, ...], int] = {}
        self._source: int | None = None
        self._num_copied = 0
        for token in tokens:
            self.push(token)

    def push(self, token: int) -> None:
        """Take in the next token of the sequence; about 1 µs."""
        source = self._source
        self._tokens.append(token)
        grams = tuple(self._tokens[-_LONG:]), tuple(self._tokens[-_SHORT:])
        if source is not None and self._tokens[source] == token:
            self._source = source + 1
            self._num_copied += 1
        else:
            self._source = self._ends.get(grams[0], self._ends.get(grams[1]))
            self._num_copied = 0
        # After the look: a source is always an earlier occurrence, so it is followed by something.
        for gram in grams:
            self._ends[gram] = len(self._tokens)

    def draft(self, max_tokens: int) -> Draft:
        """At most `max_tokens` that may come next; none when the text ends in nothing known."""
        if self._source is None:
            return Draft((), 0)
        return Draft(self._tokens[self._source : self._source + max_tokens], self._num_copied)


class Payoff:
    """How much of a draft to verify: what makes the most tokens a second, counting all sequences.

    Drafts cost nothing until they are verified, so that each, verified or not, teaches how likely
    one more token is to be copied after so many. One object serves all sequences of a model.
    """

    def __init__(self, cost: StepCost) -> None:
        self._cost = cost
        self._chances = [0.5] * _NUM_RUN_CLASSES
        # The first chances count as much as two observations.
        self._num_observed = [2] * _NUM_RUN_CLASSES

    def num_drafts(self, draft: Draft, num_other_tokens: int) -> int:
        """How many tokens of `draft` to verify in a step.

        `num_other_tokens` are the step's tokens besides these and the sequence's own last one,
        drafts of other sequences included.
        """
        num_usual = 1 + num_other_tokens
        best, best_rate = 0, float(num_usual)
        chance, num_expected = 1.0, 0.0
        for num_drafts in range(1, len(draft.tokens) + 1):
            chance *= self._chances[_run_class(draft.num_copied + num_drafts - 1)]
            if chance < _LEAST_CHANCE:
                break
            num_expected += chance
            growth = self._cost.growth(num_usual, num_usual + num_drafts)
            rate = (num_usual + num_expected) / growth
            if rate > best_rate:
                best, best_rate = num_drafts, rate
        return best

    def observe(self, draft: Draft, drawn: Sequence[int]) -> None:
        """The model drew `drawn` where `draft` was proposed.

        It is all that the step drew: one token more than were verified and right.
        """
        for offset, (proposed, token) in enumerate(zip(draft.tokens, drawn, strict=False)):
            self._learn(_run_class(draft.num_copied + offset), proposed == token)

    def _learn(self, run_class: int, is_copied: bool) -> None:
        self._num_observed[run_class] += 1
        weight = max(1 / self._num_observed[run_class], _LEAST_WEIGHT)
        self._chances[run_class] += weight * (is_copied - self._chances[run_class])


def _run_class(num_copied: int) -> int:
    return min(num_copied.bit_length(), _NUM_RUN_CLASSES - 1)
