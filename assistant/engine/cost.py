"""What a step costs by its number of tokens, learned from the steps themselves.

Twice the tokens take about twice as long on two processors and hardly longer on a GPU, and a few
tokens in between are a matter of kernels; so nothing is assumed that can be measured. How the
number of threads changes a step's cost is the business of `pace`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort

_WEIGHT = 0.2
# The first step of a size may be the one that something else held up.
_FIRST_WEIGHT = 0.5
# Between a cost that does not grow and one that grows in proportion.
_UNKNOWN_GROWTH = 0.5
_MEMORY_STEPS = 1024
# Sizes are learned to this many bits: each up to 31, beyond that those within a sixteenth as one.
_SIZE_BITS = 5
_SHORTEST_S = 1e-6


class StepCost:
    """How the duration of a step grows with its number of tokens.

    Between measured sizes it follows a power law, beyond them the square root. A size that was not
    seen for 1,024 steps is forgotten within as many more: the machine may have become quieter, and
    what looked too dear gets another chance.
    """

    def __init__(self) -> None:
        self._num_steps = 0
        # Ascending sizes; the logarithm of the duration of each, and the step that last had it.
        self._sizes: list[int] = []
        self._logs: dict[int, float] = {}
        self._seen: dict[int, int] = {}

    def observe(self, num_tokens: int, duration_s: float) -> None:
        """A step of `num_tokens` took `duration_s`."""
        size, log = _rounded(num_tokens), math.log(max(duration_s, _SHORTEST_S))
        expected, weight = self._log(size), _WEIGHT
        if size not in self._logs:
            insort(self._sizes, size)
            weight = _FIRST_WEIGHT if len(self._sizes) > 1 else 1.0
        self._logs[size] = expected + weight * (log - expected)
        self._seen[size] = self._num_steps
        self._num_steps += 1
        if self._num_steps % _MEMORY_STEPS == 0:
            self._forget()

    def growth(self, base: int, num_tokens: int) -> float:
        """How many times as long as a step of `base` tokens one of `num_tokens` takes."""
        return math.exp(self._log(num_tokens) - self._log(base))

    def _forget(self) -> None:
        horizon = self._num_steps - _MEMORY_STEPS
        for size in [size for size in self._sizes if self._seen[size] < horizon]:
            self._sizes.remove(size)
            del self._logs[size], self._seen[size]

    def _log(self, num_tokens: int) -> float:
        """The logarithm of the duration, up to a constant while nothing was observed."""
        if num_tokens in self._logs:
            return self._logs[num_tokens]
        if not self._sizes:
            return _UNKNOWN_GROWTH * math.log(num_tokens)
        at = bisect_left(self._sizes, num_tokens)
        if at in (0, len(self._sizes)):
            nearest = self._sizes[0 if at == 0 else -1]
            return self._logs[nearest] + _UNKNOWN_GROWTH * math.log(num_tokens / nearest)
        below, above = self._sizes[at - 1], self._sizes[at]
        share = math.log(num_tokens / below) / math.log(above / below)
        return (1 - share) * self._logs[below] + share * self._logs[above]


def _rounded(num_tokens: int) -> int:
    shift = max(num_tokens.bit_length() - _SIZE_BITS, 0)
    return num_tokens >> shift << shift
