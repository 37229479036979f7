"""How many threads to decode with, by what they cost at present.

llama.cpp's threads wait for each other many times in each token, by spinning. On idle processors
that is fastest; where other processes want them too, the spinning threads keep those that they wait
for from running, and a token takes a second instead of 20 ms (two processes of two threads each on
two processors: 1 token/s each; with one thread each: more than 20). So the choice is between all
threads and one, and every now and then the other one is tried.
"""

from __future__ import annotations

# A step of more tokens than this is prefill: its cost says nothing about a decode step's.
_MAX_COMPARED_TOKENS = 2
_FIRST_INTERVAL = 64
_LAST_INTERVAL = 1024


class ThreadPace:
    """Chooses the number of threads of each step. `observe` has to follow each step."""

    def __init__(self, num_threads: int) -> None:
        self.options = (num_threads, 1) if num_threads > 1 else (1,)
        self._cost_s: dict[int, float] = {}
        self._choice = num_threads
        self._interval = _FIRST_INTERVAL
        self._steps_left = self._interval

    def next_threads(self, num_tokens: int) -> int:
        """Threads for a step of `num_tokens`."""
        if num_tokens > _MAX_COMPARED_TOKENS or len(self.options) == 1:
            return self._choice
        self._steps_left -= 1
        return self._choice if self._steps_left > 0 else self._other()

    def observe(self, num_threads: int, num_tokens: int, duration_s: float) -> None:
        """A step of `num_tokens` with `num_threads` took `duration_s`."""
        if num_tokens > _MAX_COMPARED_TOKENS:
            return
        # Steps with the chosen number are many and averaged; a try of the other is the only news.
        is_usual = num_threads == self._choice
        known = self._cost_s.get(num_threads, duration_s) if is_usual else duration_s
        self._cost_s[num_threads] = (known + duration_s) / 2
        best = min(self._cost_s, key=self._cost_s.__getitem__)
        if best != self._choice:
            self._choice, self._interval = best, _FIRST_INTERVAL
            self._steps_left = self._interval
        elif self._steps_left <= 0:
            # Trying again found nothing better, and trying costs: wait longer.
            self._interval = min(2 * self._interval, _LAST_INTERVAL)
            self._steps_left = self._interval

    def _other(self) -> int:
        return next(option for option in self.options if option != self._choice)
