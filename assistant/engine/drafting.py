"""`Drafting`: adds to a planned step the drafts that are worth verifying in it.

The parts are in `speculation`; here they meet the sequences and the cells of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import replace

from assistant.engine.cost import StepCost
from assistant.engine.prefix import PrefixIndex
from assistant.engine.scheduler import Work
from assistant.engine.sequence import Sequence
from assistant.engine.speculation import Draft, Payoff, PromptLookup

# llama.cpp's CPU kernels compute rows by fours: 16 with the token that is known anyway.
_MAX_DRAFTS = 15


class Drafting:
    """Drafts for all sequences of an engine. Belongs to the owner thread."""

    def __init__(self, step_tokens: int) -> None:
        self._step_tokens = step_tokens
        self._cost = StepCost()
        self._payoff = Payoff(self._cost)
        self._proposed: dict[Sequence, Draft] = {}

    def extend(self, work: Items[Work], index: PrefixIndex) -> list[Work]:
        """`work` with drafts where they pay and there are cells for them."""
        self._proposed.clear()
        num_tokens = sum(part.num_tokens for part in work)
        extended = []
        for part in work:
            drafts = self._drafts(part, num_tokens)
            if not index.reserve(num_tokens + len(drafts)):
                drafts = ()
            num_tokens += len(drafts)
            extended.append(replace(part, drafts=drafts) if drafts else part)
        return extended

    def observe_step(self, work: Items[Work], duration_s: float) -> None:
        """A step took `duration_s`."""
        self._cost.observe(sum(part.num_cells for part in work), duration_s)

    def observe_drawn(self, sequence: Sequence, tokens: Items[int]) -> None:
        """`tokens` came next in `sequence`, whatever was proposed."""
        if draft := self._proposed.get(sequence):
            self._payoff.observe(draft, tokens)
        if sequence.lookup is None:
            sequence.lookup = PromptLookup(sequence.tokens)
            return
        for token in tokens:
            sequence.lookup.push(token)

    def _drafts(self, part: Work, num_tokens: int) -> Items[int]:
        """What to verify for `part` in a step of `num_tokens` so far."""
        lookup = part.sequence.lookup
        room = min(_MAX_DRAFTS, part.sequence.num_left - 1, self._step_tokens - num_tokens)
        if lookup is None or not part.draws or part.num_tokens > 1 or room <= 0:
            return ()
        draft = self._proposed[part.sequence] = lookup.draft(room)
        return draft.tokens[: self._payoff.num_drafts(draft, num_tokens - 1)]
