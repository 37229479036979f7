"""Rates of the engines, from two readings of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.observing.server_view import EngineView, ServerView


@dataclass(frozen=True, slots=True)
class Rates:
    """What an engine computed per second between two readings, in tokens."""

    generated_per_s: float
    prompt_per_s: float


def rates(before: ServerView, now: ServerView) -> Mapping[str, Rates]:
    """The rates of each model that both readings know.

    None for a server, or a model, that began anew in between: its counts did so, too.
    """
    elapsed_s = now.uptime_s - before.uptime_s
    earlier = {engine.model: engine for engine in before.engines}
    if elapsed_s <= 0:
        return {}
    return {
        engine.model: _rates(earlier[engine.model], engine, elapsed_s)
        for engine in now.engines
        if engine.model in earlier
        and engine.num_computed_tokens >= earlier[engine.model].num_computed_tokens
    }


def _rates(before: EngineView, now: EngineView, elapsed_s: float) -> Rates:
    num_generated = now.num_generated_tokens - before.num_generated_tokens
    num_computed = now.num_computed_tokens - before.num_computed_tokens
    # A generated token is computed in the step behind it.
    return Rates(num_generated / elapsed_s, max(0, num_computed - num_generated) / elapsed_s)
