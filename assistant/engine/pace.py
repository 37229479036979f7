"""How many threads to compute with, by what they cost at present.

llama.cpp's threads wait for each other many times in each token, by spinning. On idle processors
that is fastest; where other processes want them too, the spinning threads keep those that they wait
for from running, and a token takes a second instead of 20 ms (two processes of two threads each on
two processors: 1 token/s each; with one thread each: more than 20). So the choice is between all
threads and one. All are the rule; one is for as long as they cost clearly more.
"""

from __future__ import annotations

# A step of more tokens than this is prefill: per token it costs a fraction of a decode step.
_MAX_DECODE_TOKENS = 2
_CLEARLY_MORE = 1.5
_FIRST_INTERVAL = 16
_LAST_INTERVAL = 256
_PREFILL_INTERVAL = 3


class ThreadPace:
    """Chooses the number of threads of each step. `observe` has to follow each step."""

    def __init__(self, num_threads: int) -> None:
        self.options = (num_threads, 1) if num_threads > 1 else (1,)
        self._decode = _Choice(num_threads, _FIRST_INTERVAL, _LAST_INTERVAL)
        self._prefill = _Choice(num_threads, _PREFILL_INTERVAL, _PREFILL_INTERVAL)

    def next_threads(self, num_tokens: int) -> int:
        """Threads for a step of `num_tokens`."""
        if num_tokens <= _MAX_DECODE_TOKENS:
            return self._decode.next()
        if self._decode.is_single and self._prefill.wants_comparison:
            # The processors are wanted elsewhere: see what one thread makes of a chunk.
            return 1
        return self._prefill.next()

    def observe(self, num_threads: int, num_tokens: int, duration_s: float) -> None:
        """A step of `num_tokens` with `num_threads` took `duration_s`."""
        kind = self._decode if num_tokens <= _MAX_DECODE_TOKENS else self._prefill
        kind.observe(num_threads, duration_s / num_tokens)


class _Choice:
    """All threads or one, for one kind of step; costs are seconds a token."""

    def __init__(self, num_threads: int, first_interval: int, last_interval: int) -> None:
        self._all = num_threads
        self._cost_all = 0.0
        self._cost_one = 0.0
        self._first_interval = first_interval
        self._last_interval = last_interval
        self._interval = first_interval
        self._steps_left = first_interval
        self.is_single = False

    @property
    def wants_comparison(self) -> bool:
        """Whether all threads are in use, and what one costs is not known yet."""
        return not self.is_single and self._cost_all > 0.0 and self._cost_one == 0.0

    def next(self) -> int:
        """The number of threads of the next step; now and then it tries all of them again."""
        if not self.is_single:
            return self._all
        self._steps_left -= 1
        return 1 if self._steps_left > 0 else self._all

    def observe(self, num_threads: int, cost: float) -> None:
        """Take in the cost of a step."""
        if num_threads == 1:
            self._cost_one = (self._cost_one + cost) / 2 if self._cost_one else cost
        else:
            # While one thread is the rule, a try of all is the only news of them.
            is_usual = not self.is_single and self._cost_all > 0.0
            self._cost_all = (self._cost_all + cost) / 2 if is_usual else cost
        self._decide()

    def _decide(self) -> None:
        if not self.is_single:
            if self._cost_one and self._cost_all > _CLEARLY_MORE * self._cost_one:
                self.is_single = True
                self._interval = self._steps_left = self._first_interval
        elif self._cost_all < self._cost_one:
            self.is_single = False
        elif self._steps_left <= 0:
            # Trying again found nothing better, and trying costs: wait longer.
            self._interval = min(2 * self._interval, self._last_interval)
            self._steps_left = self._interval
