"""`EngineCollector`: the engines' figures, read when Prometheus asks and not before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assistant.engine.interface import EngineStatus, Priority, RequestState

EngineSource = Callable[[], Mapping[str, EngineStatus]]
"""The status of each local model that is loaded, by its name; safe to call from any thread."""

# Name and meaning of a figure, and the attribute of the status that holds it.
_GAUGES = (
    ("kv_cells", "Cells of the KV cache; a token takes one.", "num_cells"),
    ("kv_cells_used", "Cells that requests and cached prefixes hold.", "num_used_cells"),
    ("running_limit", "Requests that run at once, at most.", "max_running"),
    ("waiting_limit", "Requests that a class waits behind, at most.", "max_waiting"),
)
_COUNTERS = (
    ("prompt_tokens", "Prompt tokens of requests that ended.", "num_prompt_tokens"),
    ("cached_tokens", "Of the prompt tokens, those found in the cache.", "num_cached_tokens"),
    ("computed_tokens", "Tokens computed, of prompts and answers.", "num_computed_tokens"),
    ("generated_tokens", "Tokens of answers, also of those going on.", "num_generated_tokens"),
    ("preemptions", "Requests that gave way to others.", "num_preemptions"),
)


class EngineCollector(Collector):
    """Yields the figures of whatever `source` lists at that moment."""

    def __init__(self, source: EngineSource) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        """The families, each with a sample per model."""
        yield from _families(self._source())

    def describe(self) -> Iterable[Metric]:
        """The families without samples: registering asks for names, and must not ask an engine."""
        return _families({})


def _families(engines: Mapping[str, EngineStatus]) -> Iterator[Metric]:
    yield _requests(engines)
    for name, meaning, attribute in _GAUGES:
        gauge = GaugeMetricFamily(f"midwatch_engine_{name}", meaning, labels=["model"])
        for model, status in engines.items():
            gauge.add_metric([model], getattr(status, attribute))
        yield gauge
    for name, meaning, attribute in _COUNTERS:
        counter = CounterMetricFamily(f"midwatch_engine_{name}", meaning, labels=["model"])
        for model, status in engines.items():
            counter.add_metric([model], getattr(status, attribute))
        yield counter


def _requests(engines: Mapping[str, EngineStatus]) -> Metric:
    """Requests by state and class; also those that are none, so that a sum is never absent."""
    family = GaugeMetricFamily(
        "midwatch_engine_requests",
        "Requests in the engine, by what they are at and by their class.",
        labels=["model", "state", "class"],
    )
    for model, status in engines.items():
        numbers = Counter((request.state, request.priority) for request in status.requests)
        for state in get_args(RequestState):
            for priority in Priority:
                labels = [model, state, priority.name.lower()]
                family.add_metric(labels, numbers[state, priority])
    return family
