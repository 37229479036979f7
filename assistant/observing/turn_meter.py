"""`TurnMeter`: one turn's events, counted.

Times are taken as the events pass, from the moment that the turn was accepted, so they include what
the turn itself cannot see: waiting for its session, and opening what it looks at.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from assistant import events
from assistant.observing.instruments import FRONTS, ServerInstruments, TurnInstruments
from assistant.observing.labels import Bounded
from assistant.observing.recent import RecentTurns

RETRIEVAL_TOOLS = frozenset({"search_runbooks", "recall_incidents"})
_ENGINE_PHASES = ("load", "prefill", "decode")


class Names:
    """The label values that a turn may bring, bounded over all turns."""

    def __init__(self) -> None:
        self.front = Bounded(FRONTS, max_values=len(FRONTS))
        self.tool = Bounded(RETRIEVAL_TOOLS)
        self.model = Bounded(max_values=32)
        self.phase = Bounded(("triage", "retrieve", "choose", "drill", *_ENGINE_PHASES))
        self.code = Bounded(("internal", "engine", "busy", "evidence", "provider", "session"))


class TurnMeter:
    """A `TurnObserver` that counts one turn; made by `Metrics.turn` when it is accepted."""

    def __init__(
        self,
        turns: TurnInstruments,
        server: ServerInstruments,
        names: Names,
        recent: RecentTurns,
        front: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._turns = turns
        self._server = server
        self._names = names
        self._recent = recent
        self._front = names.front(front)
        self._clock = clock
        self._accepted_at = clock()
        self._ttft_s: float | None = None
        self._tools = _BusyTime(clock)
        self._state: str | None = None
        self._enter("waiting")

    def observe(self, event: events.Event) -> None:
        """See `TurnObserver.observe`."""
        if self._state is None:
            return
        match event:
            case events.TurnStarted():
                self._enter("running")
            case events.TextDelta() if self._ttft_s is None:
                self._ttft_s = self._elapsed_s()
                self._turns.ttft.labels(self._front).observe(self._ttft_s)
            case events.ToolStarted():
                self._tools.begin()
            case events.ToolFinished():
                self._tools.end()
                self._count_tool(event)
            case events.ApprovalRequested() | events.ApprovalResolved():
                self._turns.approvals.labels(event.approval.status).inc()
            case events.TurnFinished():
                self._count_usage(event.usage)
                self._turns.duration.labels(self._front).observe(self._elapsed_s())
                self._end(event.outcome)
            case events.TurnFailed(code="cancelled"):
                self._end("cancelled")
            case events.TurnFailed():
                self._server.errors.labels("turn", self._names.code(event.code)).inc()
                self._end("failed")

    def close(self) -> None:
        """See `TurnObserver.close`: a turn without an end was given up by whoever asked."""
        if self._state is not None:
            self._end("cancelled")

    def _enter(self, state: str | None) -> None:
        if self._state is not None:
            self._turns.in_progress.labels(self._state).dec()
        if state is not None:
            self._turns.in_progress.labels(state).inc()
        self._state = state

    def _end(self, outcome: str) -> None:
        self._enter(None)
        self._turns.turns.labels(self._front, outcome).inc()
        if outcome != "cancelled":
            has_failed = outcome == "failed"
            self._recent.add(self._ttft_s, self._elapsed_s(), has_failed=has_failed)

    def _count_tool(self, event: events.ToolFinished) -> None:
        tool = self._names.tool(event.name)
        self._turns.tools.labels(tool, event.status).observe(event.duration_s)
        if event.name in RETRIEVAL_TOOLS:
            self._server.retrieval.observe(event.duration_s)

    def _count_usage(self, usage: events.TurnUsage) -> None:
        for phase, seconds in usage.phases_s.items():
            self._turns.phases.labels(self._names.phase(phase)).observe(seconds)
        tokens = {
            "prompt": usage.prompt_tokens,
            "cached": usage.cached_tokens,
            "completion": usage.completion_tokens,
        }
        if usage.model_calls:
            for kind, number in tokens.items():
                self._turns.tokens.labels(self._names.model(usage.model), kind).inc(number)
        # A server elsewhere does not say how long it computed.
        if not usage.model_calls or "decode" in usage.phases_s:
            self._turns.own.observe(self._own_s(usage))

    def _own_s(self, usage: events.TurnUsage) -> float:
        """The share of neither engine nor tools; 0.0 where those two worked at the same time."""
        engine_s = sum(usage.phases_s.get(phase, 0.0) for phase in _ENGINE_PHASES)
        return max(0.0, self._elapsed_s() - engine_s - self._tools.total_s)

    def _elapsed_s(self) -> float:
        return self._clock() - self._accepted_at


class _BusyTime:
    """The time in which at least one of several things is going on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._num_open = 0
        self._since = 0.0
        self.total_s = 0.0

    def begin(self) -> None:
        if self._num_open == 0:
            self._since = self._clock()
        self._num_open += 1

    def end(self) -> None:
        self._num_open -= 1
        if self._num_open == 0:
            self.total_s += self._clock() - self._since
