"""`Metrics`: all that a running server counts, on a registry of its own.

Events and requests are fed in as they pass; what can be asked for at any time, the engine and the
process, is read when somebody asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from assistant.engine.interface import EngineStatus
from assistant.observing.engine_collector import EngineCollector, EngineSource
from assistant.observing.instruments import ServerInstruments, TurnInstruments
from assistant.observing.labels import OTHER
from assistant.observing.recent import Recent, RecentTurns
from assistant.observing.turn_meter import Names, TurnMeter

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _no_engines() -> Mapping[str, EngineStatus]:
    return {}


@dataclass(frozen=True, slots=True)
class Load:
    """What the server is busy with at this moment."""

    turns_waiting: int
    turns_running: int
    event_streams: int


class Metrics:
    """Counts; safe to use from any thread. `engines` is asked at each scrape."""

    def __init__(
        self,
        version: str,
        engines: EngineSource = _no_engines,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # A second series for each counter, with the time of its birth; it can only be left out for
        # the whole process.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.version = version
        self.engines = engines
        self._clock = clock
        self._began_at = clock()
        self._turns = TurnInstruments(self.registry)
        self._server = ServerInstruments(self.registry)
        self._names = Names()
        self._recent = RecentTurns(clock)
        self.registry.register(EngineCollector(engines))
        ProcessCollector(registry=self.registry)
        build = Gauge("midwatch_build_info", "Always 1.", ("version",), registry=self.registry)
        build.labels(version).set(1)

    @property
    def uptime_s(self) -> float:
        """Seconds since this object was made, which is when the server began."""
        return self._clock() - self._began_at

    def turn(self, front: str) -> TurnMeter:
        """The observer of a turn that `front` asks for and that was accepted just now."""
        return TurnMeter(self._turns, self._server, self._names, self._recent, front, self._clock)

    def failed(self, code: str) -> None:
        """A request was refused, or failed outside of a turn, with this code."""
        self._server.errors.labels("request", self._names.code(code)).inc()

    def retrieved(self, duration_s: float) -> None:
        """The knowledge base was searched outside of a turn."""
        self._server.retrieval.observe(duration_s)

    def answered(
        self, route: str, method: str, status: int, response_start_s: float | None
    ) -> None:
        """A request has ended; `route` is its template, never a path.

        `response_start_s` is None for one whose client left before anything was said.
        """
        shown = method if method in _METHODS else OTHER
        self._server.requests.labels(route, shown, str(status)).inc()
        if response_start_s is not None:
            self._server.response.labels(route).observe(response_start_s)

    @contextmanager
    def event_stream(self, *, is_resumed: bool) -> Iterator[None]:
        """A client reads a turn's events meanwhile."""
        self._server.streams.labels("resumed" if is_resumed else "opened").inc()
        with self._server.streams_open.track_inprogress():
            yield

    def set_approvals_waiting(self, number: int | None) -> None:
        """So many actions wait for a person; None: it cannot be found out."""
        self._server.approvals_waiting.set(float("nan") if number is None else number)

    def load(self) -> Load:
        """What the server is busy with."""
        return Load(
            turns_waiting=_value(self._turns.in_progress, state="waiting"),
            turns_running=_value(self._turns.in_progress, state="running"),
            event_streams=_value(self._server.streams_open),
        )

    def recent(self) -> Recent:
        """The turns of the last minutes."""
        return self._recent.figures()

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the text format that `accept` prefers, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


def _value(gauge: Gauge, **labels: str) -> int:
    samples = (sample for family in gauge.collect() for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.labels == labels))
