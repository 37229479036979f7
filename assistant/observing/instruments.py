"""The metrics that are counted as things happen: their names, labels and buckets.

Names follow Prometheus' conventions: the unit at the end, `_total` on counters. What stands here is
what `docs/grafana/` may ask for; the engine's own figures are in `engine_collector`.
"""

from __future__ import annotations

import itertools
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from assistant.events import Outcome

FRONTS = ("cli", "tui", "slack", "api", "alerts")

_TURN_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
_TOOL_BUCKETS_S = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# The aim is 20 ms.
_OWN_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
_HTTP_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)


class TurnInstruments:
    """What a turn leaves in the metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.turns = Counter(
            "midwatch_turns_total",
            "Turns that ended, by the front that asked and by how they ended.",
            ("front", "outcome"),
            registry=registry,
        )
        self.in_progress = Gauge(
            "midwatch_turns_in_progress",
            "Turns that were accepted and have not begun (waiting), or not ended (running).",
            ("state",),
            registry=registry,
        )
        self.ttft = Histogram(
            "midwatch_turn_ttft_seconds",
            "From accepting a turn to the first word of its answer.",
            ("front",),
            buckets=_TURN_BUCKETS_S,
            registry=registry,
        )
        self.duration = Histogram(
            "midwatch_turn_duration_seconds",
            "From accepting a turn to its end, for turns that did not fail.",
            ("front",),
            buckets=_TURN_BUCKETS_S,
            registry=registry,
        )
        self.own = Histogram(
            "midwatch_turn_own_seconds",
            "Of a turn's time, what neither the engine nor a tool took: midwatch's own share.",
            buckets=_OWN_BUCKETS_S,
            registry=registry,
        )
        self.phases = Histogram(
            "midwatch_turn_phase_seconds",
            "What the time of finished turns went to.",
            ("phase",),
            buckets=_TURN_BUCKETS_S,
            registry=registry,
        )
        self.tokens = Counter(
            "midwatch_turn_tokens_total",
            "Tokens of finished turns: prompt, of it cached, and completion.",
            ("model", "kind"),
            registry=registry,
        )
        self.tools = Histogram(
            "midwatch_tool_duration_seconds",
            "Calls of tools, by name and by how they ended.",
            ("tool", "outcome"),
            buckets=_TOOL_BUCKETS_S,
            registry=registry,
        )
        self.approvals = Counter(
            "midwatch_approvals_total",
            "Actions that were put before a person (pending), and what became of them.",
            ("status",),
            registry=registry,
        )
        # What begins with its first failure is no increase to Prometheus.
        for front, outcome in itertools.product(FRONTS, (*get_args(Outcome), "cancelled")):
            self.turns.labels(front, outcome)
        for state in ("waiting", "running"):
            self.in_progress.labels(state)


class ServerInstruments:
    """What the server leaves in the metrics beside its turns."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "midwatch_http_requests_total",
            "Answered requests, by the route's template.",
            ("route", "method", "status"),
            registry=registry,
        )
        self.response = Histogram(
            "midwatch_http_response_start_seconds",
            "From a request to the beginning of its response; streams go on after it.",
            ("route",),
            buckets=_HTTP_BUCKETS_S,
            registry=registry,
        )
        self.errors = Counter(
            "midwatch_errors_total",
            "Failures by code: those that ended a turn, and those that a request was refused with.",
            ("origin", "code"),
            registry=registry,
        )
        self.retrieval = Histogram(
            "midwatch_retrieval_duration_seconds",
            "Searches in the knowledge base, those of turns included.",
            buckets=_TOOL_BUCKETS_S,
            registry=registry,
        )
        self.streams_open = Gauge(
            "midwatch_event_streams_open", "Event streams that are being read.", registry=registry
        )
        self.streams = Counter(
            "midwatch_event_streams_total",
            "Event streams, opened for the first time or resumed after a lost connection.",
            ("kind",),
            registry=registry,
        )
        self.approvals_waiting = Gauge(
            "midwatch_approvals_waiting", "Actions that wait for a person now.", registry=registry
        )
        for kind in ("opened", "resumed"):
            self.streams.labels(kind)
