"""`measure`: a benchmark from its plan to its report."""

from __future__ import annotations

import asyncio
import itertools
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.benchmark.answers import (
    Answer,
    LoadFigures,
    load_figures,
    median_figures,
    read_answer,
)
from assistant.benchmark.figures import (
    CacheHits,
    FirstToken,
    Memory,
    Plan,
    Rates,
    Report,
    this_machine,
)
from assistant.benchmark.opening import Footprint, OpenEngine, footprint_of, isolated, open_engine
from assistant.benchmark.starting import Start, fresh_start
from assistant.benchmark.workload import Workload, prefix_of, question_of
from assistant.engine.interface import Engine, EngineStatus
from assistant.errors import MidwatchError
from assistant.settings import Settings

_MIB = 1 << 20
# More than any question takes.
_QUESTION_TOKENS = 100
_FIRST_SEED = 1000

Progress = Callable[[str], None]


async def measure(
    settings: Settings,
    plan: Plan,
    progress: Progress,
    open_: OpenEngine = open_engine,
    footprint: Callable[[Settings], Footprint] = footprint_of,
) -> Report:
    """Run `plan` on the local model of `settings`; minutes on a small machine.

    Nothing of the user's data is read or written. Raises MidwatchError when the plan does not fit
    into the context, and what the engine raises.
    """
    with TemporaryDirectory(prefix="midwatch-bench-") as scratch:
        own = isolated(settings, Path(scratch) / "data")
        progress("loading the model")
        taken = footprint(own)
        async with open_(own) as engine:
            _check_room(plan, engine.info.context_tokens)
            bench = _Bench(engine, plan, progress)
            rates, warm_s = await bench.single_user()
            before = engine.status()
            loads = [await bench.users(users) for users in plan.users]
            after = engine.status()
            memory = _memory(after, taken)
            model = engine.info.name
        starts = await _starts(own, bench.workload, plan, Path(scratch), progress)
    return Report(
        model=model,
        machine=this_machine(taken.threads),
        plan=plan,
        first_token=_first_token(starts, warm_s),
        rates=rates,
        loads=loads,
        memory=memory,
        cache=_hits(before, after),
        preemptions=after.num_preemptions - before.num_preemptions,
    )


class _Bench:
    """The part of a benchmark that asks one engine; `workload` is what all its users share."""

    def __init__(self, engine: Engine, plan: Plan, progress: Progress) -> None:
        self._engine = engine
        self._plan = plan
        self._progress = progress
        self._seeds = itertools.count(_FIRST_SEED)
        self.workload = self._fresh_workload(plan.answer_tokens)

    async def single_user(self) -> tuple[Rates, float]:
        """The rates of one user, and the seconds to the first token behind the warm prefix."""
        self._progress("a single user")
        prefill = [await self._prefill_rate() for _ in range(self._plan.runs)]
        await self._engine.warm(self.workload.prefix_prompt())
        answers = [(await self._ask(1))[0] for _ in range(self._plan.runs)]
        decode = statistics.median(answer.decode_rate for answer in answers)
        warm_s = statistics.median(answer.ttft_s for answer in answers)
        return Rates(statistics.median(prefill), decode), warm_s

    async def users(self, users: int) -> LoadFigures:
        """What `users` at once get."""
        self._progress(f"users at once: {users}")
        runs = [load_figures(await self._ask(users)) for _ in range(self._plan.runs)]
        return median_figures(runs)

    async def _ask(self, users: int) -> list[Answer]:
        """The answers to `users` questions asked at the same moment, none of them ever before."""
        questions = [question_of(next(self._seeds)) for _ in range(users)]
        requests = [self.workload.request(question) for question in questions]
        return await asyncio.gather(*(read_answer(self._engine, r) for r in requests))

    async def _prefill_rate(self) -> float:
        unseen = self._fresh_workload(answer_tokens=1)
        num_tokens = self._engine.count_tokens(unseen.request("").prompt)
        answer = await read_answer(self._engine, unseen.request(""))
        return num_tokens / answer.ttft_s

    def _fresh_workload(self, answer_tokens: int) -> Workload:
        seed = next(self._seeds)
        prefix = prefix_of(self._plan.prompt_tokens, seed, self._engine.count_tokens)
        return Workload(prefix, answer_tokens)


async def _starts(
    settings: Settings, workload: Workload, plan: Plan, scratch: Path, progress: Progress
) -> list[tuple[Start, Start]]:
    """Fresh processes in pairs: without a snapshot, then with the one that the first left."""
    pairs = []
    for run in range(plan.runs):
        progress(f"fresh processes, pair {run + 1} of {plan.runs}")
        own = isolated(settings, scratch / f"start-{run}")
        cold = await fresh_start(own, workload, question_of(2 * run))
        restored = await fresh_start(own, workload, question_of(2 * run + 1))
        pairs.append((cold, restored))
    return pairs


def _first_token(starts: list[tuple[Start, Start]], warm_s: float) -> FirstToken:
    return FirstToken(
        cold_s=statistics.median(cold.ttft_s for cold, _ in starts),
        snapshot_s=statistics.median(restored.ttft_s for _, restored in starts),
        loading_s=statistics.median(start.opened_s for pair in starts for start in pair),
        restored_tokens=min(restored.cached_tokens for _, restored in starts),
        warm_s=warm_s,
    )


def _check_room(plan: Plan, context_tokens: int) -> None:
    needed = plan.prompt_tokens + _QUESTION_TOKENS + plan.answer_tokens
    if needed > context_tokens:
        raise MidwatchError(
            f"a prompt of {plan.prompt_tokens:,} tokens, a question and an answer of "
            f"{plan.answer_tokens:,} need {needed:,} tokens, and the context holds "
            f"{context_tokens:,}",
            "take less, or raise [model] context_tokens",
        )


def _memory(status: EngineStatus, taken: Footprint) -> Memory:
    return Memory(
        peak_rss_mib=_peak_rss_bytes() / _MIB,
        kv_cache_mib=status.num_cells * taken.cell_bytes / _MIB,
        kv_cells=status.num_cells,
        kv_used_cells=status.num_used_cells,
    )


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes everywhere but there.
    return peak if sys.platform == "darwin" else peak * 1024


def _hits(before: EngineStatus, after: EngineStatus) -> CacheHits:
    return CacheHits(
        prompt_tokens=after.num_prompt_tokens - before.num_prompt_tokens,
        cached_tokens=after.num_cached_tokens - before.num_cached_tokens,
    )
