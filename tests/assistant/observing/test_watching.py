from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from assistant.errors import SessionError
from assistant.events import Event, TextDelta, TurnFailed, TurnStarted
from assistant.observing.metrics import Load, Metrics
from assistant.observing.traces import traces_to
from assistant.observing.watching import Watch, observed

from .scene import finished, value

EVENTS: list[Event] = [TurnStarted("s", "?"), TextDelta("a"), finished()]
GONE = SessionError("it is gone", "begin another")


class Witness:
    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.num_closed = 0

    def observe(self, event: Event) -> None:
        assert not self.num_closed
        self.seen.append(event)

    def close(self) -> None:
        self.num_closed += 1


class Source:
    def __init__(self, events: list[Event] = EVENTS, error: Exception | None = None) -> None:
        self.sent = events
        self.error = error
        self.is_closed = False

    async def events(self) -> AsyncGenerator[Event]:
        try:
            for event in self.sent:
                yield event
            if self.error:
                raise self.error
        finally:
            self.is_closed = True


async def test_everybody_sees_all_events_in_order() -> None:
    one, other = Witness(), Witness()
    passed = [event async for event in observed(Source().events(), lambda: [one, other])]
    assert passed == one.seen == other.seen == EVENTS
    assert (one.num_closed, other.num_closed) == (1, 1)


async def test_closing_early_closes_the_source_and_the_observers() -> None:
    source, witness = Source(), Witness()
    async with aclosing(observed(source.events(), lambda: [witness])) as events:
        async for _ in events:
            break
    assert witness.seen == EVENTS[:1]
    assert (source.is_closed, witness.num_closed) == (True, 1)


async def test_an_error_passes_and_is_a_failure_to_the_observers() -> None:
    witness = Witness()
    events = observed(Source(EVENTS[:1], GONE).events(), lambda: [witness])
    with pytest.raises(SessionError):
        [event async for event in events]
    assert witness.seen == [
        EVENTS[0],
        TurnFailed("", "session", "it is gone", "begin another"),
    ]
    assert witness.num_closed == 1


async def test_a_turn_is_counted_and_traced() -> None:
    metrics, memory = Metrics("1"), InMemorySpanExporter()
    traces = traces_to(memory, "1")
    watch = Watch(metrics, traces)
    assert [event async for event in watch.turn(Source().events(), "tui", {})] == EVENTS
    traces.close()
    assert value(metrics, "midwatch_turns_total", front="tui", outcome="answered") == 1
    assert "midwatch.turn" in [span.name for span in memory.get_finished_spans()]


async def test_an_error_behind_the_end_is_no_second_turn() -> None:
    metrics = Metrics("1")
    with pytest.raises(SessionError):
        [event async for event in Watch(metrics).turn(Source(EVENTS, GONE).events(), "cli")]
    assert value(metrics, "midwatch_turns_total", front="cli", outcome="answered") == 1
    assert value(metrics, "midwatch_turns_total", front="cli", outcome="failed") == 0
    assert metrics.load() == Load(0, 0, 0)


async def test_a_turn_that_never_begins_is_none() -> None:
    metrics = Metrics("1")
    events = Watch(metrics).turn(Source().events(), "cli")
    assert metrics.load() == Load(0, 0, 0)
    await events.aclose()
    assert value(metrics, "midwatch_turns_total", front="cli", outcome="cancelled") == 0
