"""What a benchmark found: the figures of `midwatch bench`, and their form as JSON."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assistant.benchmark.answers import LoadFigures
from assistant.machine import usable_processors

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: the sizes of prompts and answers, how many users, and how often.

    Each figure is the median of `runs`.
    """

    users: Sequence[int] = (1, 2, 4, 8, 16)
    prompt_tokens: int = 700
    answer_tokens: int = 64
    runs: int = 3


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured. `threads` is the most that the model may compute with."""

    system: str
    architecture: str
    processors: int
    threads: int


@dataclass(frozen=True, slots=True)
class FirstToken:
    """Seconds to the first token behind the system prefix.

    `cold_s` and `snapshot_s` count from the start of a fresh process, without and with a snapshot
    of the prefix; `loading_s` of both is the process on its way to a loaded model. A snapshot held
    `restored_tokens`, 0 when there was none. `warm_s` counts from the question, in a process that
    holds the prefix.
    """

    cold_s: float
    snapshot_s: float
    loading_s: float
    restored_tokens: int
    warm_s: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens a second of a single user: a prompt never seen before, and an answer."""

    prefill_tokens_per_s: float
    decode_tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The most that the process held, and the KV cache in it."""

    peak_rss_mib: float
    kv_cache_mib: float
    kv_cells: int
    kv_used_cells: int


@dataclass(frozen=True, slots=True)
class CacheHits:
    """Prompt tokens of all users' requests, and how many of them were not computed again."""

    prompt_tokens: int
    cached_tokens: int

    @property
    def share(self) -> float:
        """Cached tokens of all prompt tokens, from 0 to 1."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The whole benchmark of one model."""

    model: str
    machine: Machine
    plan: Plan
    first_token: FirstToken
    rates: Rates
    loads: Sequence[LoadFigures]
    memory: Memory
    cache: CacheHits
    preemptions: int


def this_machine(threads: int) -> Machine:
    """The machine that this process runs on."""
    return Machine(platform.system(), platform.machine(), len(usable_processors()), threads)


def as_json(report: Report) -> dict[str, Any]:
    """The contract of `bench --json`."""
    values = asdict(report)
    values["cache"]["share"] = report.cache.share
    rounded: dict[str, Any] = _rounded(values)
    return rounded


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, _DIGITS)
        case Mapping():
            return {key: _rounded(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_rounded(inner) for inner in value]
    return value
