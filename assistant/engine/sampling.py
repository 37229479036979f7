"""Drawing one token from the logits of a step."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from assistant.engine.interface import Sampling

Logits = npt.NDArray[np.float32]


class TokenFilter(Protocol):
    """A grammar's view of the next token."""

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        ...

    def mask(self, logits: Logits) -> Logits:
        """A copy of `logits` with everything that may not come next at -inf."""
        ...

    def accept(self, token: int) -> None:
        """Advance past `token`."""
        ...


class Sampler:
    """The sampling state of one sequence."""

    def __init__(self, sampling: Sampling, grammar: TokenFilter | None = None) -> None:
        self._sampling = sampling
        self._grammar = grammar
        self._random = np.random.default_rng(sampling.seed)

    def draw(self, logits: Logits) -> int:
        """The next token of the sequence; `logits` is float32 (n_vocab,).

        A grammar is asked about the one sampled token first (about 1 µs) and applied to the whole
        vocabulary (about 10 ms) only when it refuses that one.
        """
        token = self._pick(logits)
        if self._grammar is None:
            return token
        if not self._grammar.allows(token):
            token = self._pick(self._grammar.mask(logits))
        self._grammar.accept(token)
        return token

    def _pick(self, logits: Logits) -> int:
        if self._sampling.temperature <= 0.0:
            return int(np.argmax(logits))
        probabilities = self._probabilities(logits)
        return int(self._random.choice(len(probabilities), p=probabilities))

    def _probabilities(self, logits: Logits) -> npt.NDArray[np.float64]:
        scaled = logits.astype(np.float64) / self._sampling.temperature
        weights = np.exp(scaled - scaled.max())
        weights[weights < self._sampling.min_p] = 0.0
        probabilities: npt.NDArray[np.float64] = weights / weights.sum()
        if self._sampling.top_p < 1.0:
            probabilities = _nucleus(probabilities, self._sampling.top_p)
        return probabilities


def _nucleus(probabilities: npt.NDArray[np.float64], top_p: float) -> npt.NDArray[np.float64]:
    """The smallest set of tokens whose probability reaches `top_p`, renormalised."""
    order = np.argsort(-probabilities)
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:count]] = probabilities[order[:count]]
    normalised: npt.NDArray[np.float64] = kept / kept.sum()
    return normalised
