"""Turns as their events, a clock that a test moves, and engines without a model."""

from __future__ import annotations

from assistant.engine.interface import EngineStatus, Priority, RequestStatus
from assistant.events import TurnFinished, TurnUsage
from assistant.observing.metrics import Metrics


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def finished(usage: TurnUsage | None = None, outcome: str = "answered") -> TurnFinished:
    return TurnFinished("s1", "text", outcome, usage=usage or TurnUsage(model=""))  # type: ignore[arg-type]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The sample's value, None where there is no such series."""
    shown = {"class": labels.pop("priority")} if "priority" in labels else {}
    return metrics.registry.get_sample_value(name, {**labels, **shown})


STREAMING = RequestStatus("decode", Priority.CHAT, 700, 650, 760, 61, 256, 2.5)
QUEUED = RequestStatus("waiting", Priority.BACKGROUND, 400, 0, 0, 0, 64, 9.0)
BUSY = EngineStatus(
    num_running=1,
    num_waiting=1,
    num_cells=32_768,
    num_used_cells=2048,
    num_prompt_tokens=1000,
    num_cached_tokens=800,
    num_completion_tokens=90,
    num_preemptions=2,
    num_computed_tokens=5000,
    num_generated_tokens=400,
    max_running=16,
    max_waiting=64,
    requests=(STREAMING, QUEUED),
)
