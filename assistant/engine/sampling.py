"""Drawing one token from the logits of a step.

What a grammar allows is the grammar's affair (`TokenFilter`), which tokens it forces that of
`forcing`; here is the arithmetic between the logits and the token.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from assistant.engine.errors import (
    DecodeFailed,
    EngineError,
    GrammarDeadEnd,
    RequestRefused,
)
from assistant.engine.interface import Sampling

Logits = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float32]

# Colder than this, everything but an exact tie with the best has weight 0, and 1 / t overflows.
_COLDEST = 1e-4
# Drawing again without what was refused costs 0.1 ms; the whole vocabulary costs up to 40 ms.
_NUM_RETRIES = 4
# The vocabulary is summed by blocks, so that only one block needs the exact running sum.
_BLOCK_TOKENS = 512
# The nucleus is widened shell by shell; only the last one has to be sorted.
_NUCLEUS_EDGES = (*(math.exp(-2 * step) for step in range(1, 8)), 0.0)


class TokenFilter(Protocol):
    """A grammar's view of the next token."""

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        ...

    def mask(self, logits: Logits) -> Logits:
        """A copy of `logits` with everything that may not come next at -inf."""
        ...

    def accept(self, token: int) -> None:
        """Advance past `token`, which must be allowed."""
        ...


@dataclass(frozen=True, slots=True)
class _Range:
    """What a number may be; both ends are allowed unless `has_open_low`."""

    low: float
    high: float
    has_open_low: bool = False

    def admits(self, value: float) -> bool:
        is_above = value > self.low if self.has_open_low else value >= self.low
        return is_above and value <= self.high

    def __str__(self) -> str:
        return f"{'above' if self.has_open_low else 'from'} {self.low:g} to {self.high:g}"


_RANGES = {
    "temperature": _Range(0.0, 1000.0),
    "top_p": _Range(0.0, 1.0, has_open_low=True),
    "min_p": _Range(0.0, 1.0),
    "repetition_penalty": _Range(0.01, 100.0),
    "presence_penalty": _Range(-100.0, 100.0),
    "frequency_penalty": _Range(-100.0, 100.0),
    "penalty_tokens": _Range(0, 65536),
    "seed": _Range(0, 2**64 - 1),
}


def check(sampling: Sampling) -> None:
    """Raise RequestRefused, naming the value, when nothing can be drawn with `sampling`."""
    for name, allowed in _RANGES.items():
        value = getattr(sampling, name)
        if not allowed.admits(value):
            raise RequestRefused(f"{name} is {value}", f"give {name} a value {allowed}")


class Sampler:
    """The sampling state of one sequence.

    With a temperature, which tokens are drawn depends on the logits, the seed and the number of
    tokens drawn so far, on nothing else: a sequence may pause, or share its steps with others.
    """

    def __init__(self, sampling: Sampling, grammar: TokenFilter | None = None) -> None:
        self._sampling = sampling
        self._grammar = grammar
        self._random = np.random.default_rng(sampling.seed)
        self._recent: deque[int] = deque(maxlen=sampling.penalty_tokens)
        self._has_penalties = (
            sampling.repetition_penalty != 1.0
            or sampling.presence_penalty != 0.0
            or sampling.frequency_penalty != 0.0
        )

    def draw(self, logits: Logits) -> int:
        """The next token of the sequence, which is then past it; `logits` is float32 (n_vocab,).

        A grammar is asked about the one drawn token first (about 5 µs); only when it refuses a few
        of them it is applied to the whole vocabulary. Raises GrammarDeadEnd, and DecodeFailed when
        the logits are no numbers.
        """
        # Two for each token, needed or not: see the class.
        first, second = self._random.random(2)
        weighed = self._penalised(logits)
        token = self._pick(weighed, first)
        if self._grammar is not None and not self._grammar.allows(token):
            token = self._pick_allowed(self._grammar, weighed, token, second)
        self._pass(token)
        return token

    def take(self, token: int) -> None:
        """Go past `token`, which nobody drew: the grammar forces it.

        Raises DecodeFailed when the grammar refuses it.
        """
        if self._grammar is not None and not self._grammar.allows(token):
            raise DecodeFailed(f"token {token} was forced, and the grammar does not allow it")
        self._pass(token)

    def _pass(self, token: int) -> None:
        if self._grammar is not None:
            self._grammar.accept(token)
        self._recent.append(token)

    def _penalised(self, logits: Logits) -> Logits:
        """llama.cpp's formula: first the repetition penalty, then what is subtracted."""
        if not self._has_penalties or not self._recent:
            return logits
        sampling = self._sampling
        tokens, counts = np.unique(np.array(self._recent), return_counts=True)
        found = logits[tokens]
        factor = np.float32(sampling.repetition_penalty)
        scaled = np.where(found > 0, found / factor, found * factor)
        penalised = logits.copy()
        penalised[tokens] = scaled - counts * sampling.frequency_penalty - sampling.presence_penalty
        return penalised

    def _pick_allowed(
        self, grammar: TokenFilter, logits: Logits, refused: int, uniform: float
    ) -> int:
        """What `_pick` gives when nothing but allowed tokens is there, after `refused` was drawn.

        Drawing again without the refused ones has the same distribution as drawing from the
        allowed ones, at a fraction of the cost.
        """
        random = np.random.default_rng(int(uniform * 2**53))
        left = logits.copy()
        for _ in range(_NUM_RETRIES):
            left[refused] = -np.inf
            refused = self._pick(left, random.random())
            if grammar.allows(refused):
                return refused
        return self._pick(grammar.mask(left), random.random())

    def _pick(self, logits: Logits, uniform: float) -> int:
        """The token at `uniform` (0 to 1) of the distribution, or the most likely one."""
        best = int(np.argmax(logits))
        top = float(logits[best])
        if not math.isfinite(top):
            raise _nothing_to_pick(top)
        if self._sampling.temperature < _COLDEST:
            return best
        weights = np.exp((logits - np.float32(top)) * np.float32(1 / self._sampling.temperature))
        kept = self._kept(weights)
        if kept is None:
            return _index_by_blocks(weights, uniform)
        return int(kept[_index(weights[kept], uniform)])

    def _kept(self, weights: Weights) -> npt.NDArray[np.intp] | None:
        """The tokens that min-p and top-p leave; None when neither is asked for.

        `weights` is relative to the most likely token, which has 1. Top-p counts what min-p leaves.
        """
        min_p, top_p = self._sampling.min_p, self._sampling.top_p
        if top_p < 1.0:
            return _nucleus(weights, top_p, min_p)
        return np.flatnonzero(weights >= np.float32(min_p)) if min_p > 0.0 else None


def _nothing_to_pick(top: float) -> EngineError:
    if top == -math.inf:
        return GrammarDeadEnd()
    return DecodeFailed(f"the model computed {top} as the most likely logit")


def _nucleus(weights: Weights, top_p: float, min_p: float) -> npt.NDArray[np.intp]:
    """The smallest set of tokens of at least `min_p` that has `top_p` of their weight."""
    everything = weights if min_p == 0.0 else weights[weights >= np.float32(min_p)]
    wanted = top_p * float(everything.sum(dtype=np.float64))
    inner, inner_sum, inner_edge = np.empty(0, dtype=np.intp), 0.0, math.inf
    for edge in _NUCLEUS_EDGES:
        tokens = np.flatnonzero(weights >= np.float32(max(edge, min_p)))
        sum_ = float(weights[tokens].sum(dtype=np.float64))
        if sum_ >= wanted:
            break
        inner, inner_sum, inner_edge = tokens, sum_, edge
    shell = tokens[weights[tokens] < np.float32(inner_edge)]
    shell = shell[np.argsort(-weights[shell], kind="stable")]
    sums = np.cumsum(weights[shell], dtype=np.float64)
    count = int(np.searchsorted(sums, wanted - inner_sum)) + 1
    return np.concatenate([inner, shell[:count]])


def _index_by_blocks(weights: Weights, uniform: float) -> int:
    """`_index`, ten times as fast over a whole vocabulary."""
    starts = np.arange(0, len(weights), _BLOCK_TOKENS)
    sums = np.cumsum(np.add.reduceat(weights, starts), dtype=np.float64)
    wanted = uniform * sums[-1]
    block = _first_above(sums, wanted)
    before = sums[block - 1] if block else 0.0
    within = (wanted - before) / (sums[block] - before)
    start = int(starts[block])
    return start + _index(weights[start : start + _BLOCK_TOKENS], within)


def _index(weights: Weights, uniform: float) -> int:
    """The index at `uniform` (0 to 1) of the summed `weights`; never one whose weight is 0."""
    sums = np.cumsum(weights, dtype=np.float64)
    return _first_above(sums, uniform * sums[-1])


def _first_above(sums: npt.NDArray[np.float64], wanted: float) -> int:
    # Rounding may lift `wanted` to the very end, beyond which there is nothing.
    reachable = min(wanted, np.nextafter(sums[-1], 0.0))
    return int(np.searchsorted(sums, reachable, side="right"))
