"""An answer as its reader sees it: when its pieces came."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from assistant.engine.interface import Engine, Finished, GenerateRequest, TextDelta


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that was read to its end.

    `asked_at` and `arrived_at`, the moment of each piece of text, are seconds of one monotonic
    clock. A piece is one token as a rule.
    """

    asked_at: float
    arrived_at: tuple[float, ...]
    num_tokens: int
    text: str = ""

    @property
    def ttft_s(self) -> float:
        """Seconds from the question to the first text."""
        return self.arrived_at[0] - self.asked_at

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """Seconds between each piece of text and the next."""
        return tuple(after - before for before, after in itertools.pairwise(self.arrived_at))

    @property
    def decode_rate(self) -> float:
        """Tokens a second after the first one; 0 when there is no second."""
        duration_s = self.arrived_at[-1] - self.arrived_at[0]
        return (self.num_tokens - 1) / duration_s if duration_s > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """What `users` at once got: tokens a second of all together, and how long each had to wait."""

    users: int
    tokens_per_s: float
    ttft_median_s: float
    ttft_slowest_s: float
    gap_median_s: float
    gap_longest_s: float


async def read_answer(engine: Engine, request: GenerateRequest) -> Answer:
    """Ask for `request` and read the answer. Raises what `Engine.generate` raises."""
    asked_at = time.monotonic()
    pieces: list[str] = []
    arrived_at: list[float] = []
    num_tokens = 0
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    arrived_at.append(time.monotonic())
                    pieces.append(text)
                case Finished():
                    num_tokens = event.usage.completion_tokens
    # A model may end its turn without a word: the reader then waited for the end.
    return Answer(asked_at, tuple(arrived_at) or (time.monotonic(),), num_tokens, "".join(pieces))


def load_figures(answers: Sequence[Answer]) -> LoadFigures:
    """The figures of answers that were asked for at once; all tokens, over first question to last
    text."""
    started_at = min(answer.asked_at for answer in answers)
    ended_at = max(answer.arrived_at[-1] for answer in answers)
    waits_s = [answer.ttft_s for answer in answers]
    gaps_s = [gap for answer in answers for gap in answer.gaps_s] or [0.0]
    return LoadFigures(
        users=len(answers),
        tokens_per_s=sum(answer.num_tokens for answer in answers) / (ended_at - started_at),
        ttft_median_s=statistics.median(waits_s),
        ttft_slowest_s=max(waits_s),
        gap_median_s=statistics.median(gaps_s),
        gap_longest_s=max(gaps_s),
    )


def median_figures(runs: Sequence[LoadFigures]) -> LoadFigures:
    """Each figure's median over `runs` of the same number of users."""
    return LoadFigures(
        users=runs[0].users,
        tokens_per_s=statistics.median(run.tokens_per_s for run in runs),
        ttft_median_s=statistics.median(run.ttft_median_s for run in runs),
        ttft_slowest_s=statistics.median(run.ttft_slowest_s for run in runs),
        gap_median_s=statistics.median(run.gap_median_s for run in runs),
        gap_longest_s=statistics.median(run.gap_longest_s for run in runs),
    )
