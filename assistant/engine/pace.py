"""How many threads to compute with, by what they cost at present.

llama.cpp's threads wait for each other many times in each step, by spinning. On idle processors
that is fastest; where other processes want them too, the spinning threads keep those that they wait
for from running, and a token takes a second instead of 20 ms (two processes of two threads each on
two processors: 1 token/s each; with one thread each: more than 20). So the choice is between all
threads, half of them (from four on: enough when others want a few of many processors) and one. All
are the rule; fewer are for as long as all cost clearly more.

The waiting is per step and the work per token: what loses for one token may win for a chunk of 256
at the same time. So steps are compared, and the choice is made, by size: powers of two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

_CLEARLY_MORE = 1.5
_MOSTLY = 0.8
# What the trials of other numbers of threads may cost, of the time that steps of a size take.
_TRIAL_SHARE = 0.05
# The best of times fades, since a longer context makes every step dearer.
_FADING = 1.001


class ThreadPace:
    """Chooses the number of threads of each step. `observe` has to follow each step.

    `num_idle` tells how many processors nobody uses, or None: while fewer threads compute than
    there are, it is the cheapest news that the others are free again.
    """

    def __init__(
        self, num_threads: int, num_idle: Callable[[], float | None] = lambda: None
    ) -> None:
        self._num_idle = num_idle
        half = (num_threads // 2,) if num_threads >= 4 else ()
        self.options = (num_threads, *half, 1) if num_threads > 1 else (1,)
        self._choices: dict[int, _Choice] = {}

    def next_threads(self, num_tokens: int) -> int:
        """Threads for a step of `num_tokens`. Ask once a step: the answer may begin a trial."""
        is_crowded = any(choice.usual != self.options[0] for choice in self._choices.values())
        if is_crowded and self._has_idle(self._choice(num_tokens).usual):
            self._assume_free()
            is_crowded = False
        return self._choice(num_tokens).next(is_crowded)

    def observe(
        self, num_threads: int, num_tokens: int, duration_s: float, *, is_undisturbed: bool = False
    ) -> None:
        """A step of `num_tokens` with `num_threads` took `duration_s`.

        `is_undisturbed`: the processors were ours for all of it, so that it took what it takes.
        """
        choice = self._choice(num_tokens)
        had_fewer = choice.usual != self.options[0]
        if is_undisturbed and num_threads == self.options[0]:
            choice.start_over()
        choice.observe(num_threads, duration_s / math.sqrt(num_tokens))
        if had_fewer and choice.is_free:
            self._assume_free()

    def _has_idle(self, num_threads: int) -> bool:
        """Whether the processors beyond `num_threads` have had nothing to do lately."""
        num_wanted = self.options[0] - num_threads
        num_idle = self._num_idle()
        return num_idle is not None and 0 < _MOSTLY * num_wanted <= num_idle

    def _assume_free(self) -> None:
        for choice in self._choices.values():
            choice.assume_free()

    def _choice(self, num_tokens: int) -> _Choice:
        size = (num_tokens - 1).bit_length()
        if size not in self._choices:
            self._choices[size] = _Choice(self.options, self._bounds(size))
        return self._choices[size]

    def _bounds(self, size: int) -> dict[int, float]:
        """What steps of a new size cost at most: a token of a larger step never costs more."""
        smaller = max((known for known in self._choices if known < size), default=None)
        if smaller is None:
            return dict.fromkeys(self.options, math.inf)
        growth = math.sqrt(2) ** (size - smaller)
        return {n: growth * cost for n, cost in self._choices[smaller].costs().items()}


class _Choice:
    """The number of threads for steps of about one size; each costs at most its `bounds`.

    A cost is seconds by the root of the number of tokens: the time of a step lies between constant
    and proportional, so that steps of one power of two compare within a factor of 1.4.
    """

    def __init__(self, options: tuple[int, ...], bounds: Mapping[int, float]) -> None:
        self._all = options[0]
        self._bounds = bounds
        self._least = bounds[self._all]
        self._costs: dict[int, float] = {}
        # The one that was measured last comes last.
        self._options = list(options)
        self._streak = 0
        self._since_trial = 0.0

    @property
    def is_free(self) -> bool:
        """Whether all threads cost about what they do on idle processors, and nothing beats it.

        Taken for granted until a step says otherwise.
        """
        if self._all not in self._costs:
            return True
        best = min(self._least, *map(self._cost, self._options))
        return self._cost(self._all) <= _CLEARLY_MORE * best

    @property
    def usual(self) -> int:
        """The number of threads of a step that is no trial."""
        return self._all if self.is_free else min(self._options, key=self._cost)

    def next(self, is_crowded: bool) -> int:
        """The number of threads of the next step: the usual one, now and then another.

        `is_crowded`: fewer threads are better for some size. What looks free here may then be a
        size that was never seen on idle processors.
        """
        if self.is_free and not is_crowded:
            self._since_trial = 0.0
            return self._all
        for trial in self._worth_trying():
            if self._can_afford(trial):
                self._since_trial = 0.0
                return trial
        return self.usual

    def observe(self, num_threads: int, cost: float) -> None:
        """Take in the cost of a step."""
        self._record(num_threads, cost)
        if num_threads == self._all:
            self._least = min(self._least * _FADING, cost)
        self._since_trial += cost

    def start_over(self) -> None:
        """Forget what was measured: a longer context makes every step dearer, which is no crowd."""
        self._costs.clear()
        self._least = math.inf
        self._streak = 0

    def assume_free(self) -> None:
        """Go back to all threads without a trial: the processors turned out to be free."""
        self._costs[self._all] = self._least

    def costs(self) -> dict[int, float]:
        """What each number of threads costs, all of them at the best of times."""
        return {n: self._cost(n) for n in self._options} | {self._all: self._least}

    def _worth_trying(self) -> list[int]:
        if not self._costs:
            return []
        if self.is_free:
            return [n for n in self._options if n not in self._costs]
        return [n for n in self._options if n != self.usual]

    def _can_afford(self, trial: int) -> bool:
        loss = self._cost(trial) - self._cost(self.usual)
        return loss <= _TRIAL_SHARE * self._since_trial

    def _record(self, num_threads: int, cost: float) -> None:
        self._streak = self._streak + 1 if num_threads == self._options[-1] else 1
        self._options.remove(num_threads)
        self._options.append(num_threads)
        # The first step after a change may be a cold start; the second is news as well.
        is_settled = self._streak > 2
        self._costs[num_threads] = (self._costs[num_threads] + cost) / 2 if is_settled else cost

    def _cost(self, num_threads: int) -> float:
        """As measured, or at most: more threads never help by more than their number."""
        if num_threads in self._costs:
            return self._costs[num_threads]
        return min(self._bounds[num_threads], self._least * self._all / num_threads)
