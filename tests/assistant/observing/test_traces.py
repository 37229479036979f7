"""Spans of turns, in memory and sent to a collector that speaks OTLP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc  # type: ignore[import-untyped]
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from assistant.events import (
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnStarted,
    TurnUsage,
)
from assistant.observing.traces import Traces, open_traces, traces_to
from tests.tools.metrics.prometheus_server import free_port

from .scene import finished

USAGE = TurnUsage("small", 700, 600, 50, phases_s={"decode": 1.5}, model_calls=2)


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(memory: InMemorySpanExporter) -> Iterator[Traces]:
    traces = traces_to(memory, "1.2.3")
    yield traces
    traces.close()


def ended(traces: Traces, memory: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    traces.close()
    return {span.name: span for span in memory.get_finished_spans()}


def play(traces: Traces) -> None:
    turn = traces.turn("slack")
    turn.observe(TurnStarted("s1", "the QUESTION"))
    turn.observe(ToolStarted(1, "search_logs", {"pattern": "ARGUMENT"}))
    turn.observe(ToolStarted(2, "probe", {}))
    turn.observe(ToolFinished(2, "probe", "error", "SUMMARY", 0.1))
    turn.observe(ToolFinished(1, "search_logs", "ok", "", 0.1))
    turn.observe(TextDelta("ANSWER"))
    turn.observe(TextDelta("more"))
    turn.observe(finished(USAGE))
    turn.close()


def test_a_turn_has_phases_and_tools_below_it(traces: Traces, memory: InMemorySpanExporter) -> None:
    play(traces)
    spans = ended(traces, memory)
    parents = {
        span.name: next(
            (p.name for p in spans.values() if span.parent and p.context == span.parent), None
        )
        for span in spans.values()
    }
    assert parents == {
        "midwatch.turn": None,
        "midwatch.open": "midwatch.turn",
        "midwatch.investigate": "midwatch.turn",
        "midwatch.tool search_logs": "midwatch.investigate",
        "midwatch.tool probe": "midwatch.investigate",
        "midwatch.answer": "midwatch.turn",
    }
    assert len(memory.get_finished_spans()) == len(spans)
    turn = spans["midwatch.turn"]
    assert turn.attributes == {
        "midwatch.front": "slack",
        "midwatch.session": "s1",
        "midwatch.outcome": "answered",
        "midwatch.model_calls": 2,
        "midwatch.phase.decode_s": 1.5,
        "gen_ai.request.model": "small",
        "gen_ai.usage.input_tokens": 700,
        "gen_ai.usage.cache_read.input_tokens": 600,
        "gen_ai.usage.output_tokens": 50,
    }
    assert turn.status.status_code == StatusCode.OK
    assert spans["midwatch.tool probe"].status.status_code == StatusCode.ERROR
    assert turn.resource.attributes["service.version"] == "1.2.3"


def test_nothing_of_what_was_said_is_in_a_span(
    traces: Traces, memory: InMemorySpanExporter
) -> None:
    play(traces)
    told = "".join(span.to_json() for span in ended(traces, memory).values())
    words = ("QUESTION", "ARGUMENT", "SUMMARY", "ANSWER")
    assert [word for word in words if word in told] == []


@pytest.mark.parametrize(
    ("failed", "outcome", "status"),
    [
        (TurnFailed("s", "busy", "MESSAGE"), "failed", StatusCode.ERROR),
        (TurnFailed("s", "cancelled", "…"), "cancelled", StatusCode.OK),
        (None, "cancelled", StatusCode.OK),
    ],
)
def test_a_turn_that_breaks_off_leaves_no_span_open(
    traces: Traces,
    memory: InMemorySpanExporter,
    failed: TurnFailed | None,
    outcome: str,
    status: StatusCode,
) -> None:
    turn = traces.turn("cli")
    turn.observe(TurnStarted("s1", "?"))
    turn.observe(ToolStarted(1, "probe", {}))
    if failed:
        turn.observe(failed)
    turn.close()
    spans = ended(traces, memory)
    assert set(spans) == {
        "midwatch.turn",
        "midwatch.open",
        "midwatch.investigate",
        "midwatch.tool probe",
    }
    whole = spans["midwatch.turn"]
    assert whole.attributes is not None
    assert whole.attributes["midwatch.outcome"] == outcome
    assert whole.status.status_code == status


def test_a_tool_whose_beginning_was_not_seen_has_no_span(
    traces: Traces, memory: InMemorySpanExporter
) -> None:
    turn = traces.turn("cli")
    turn.observe(ToolFinished(7, "probe", "ok", "", 0.1))
    turn.close()
    assert set(ended(traces, memory)) == {"midwatch.turn", "midwatch.open"}


def test_a_turn_is_a_part_of_its_callers_trace(
    traces: Traces, memory: InMemorySpanExporter
) -> None:
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    traces.turn("api", {"traceparent": f"00-{trace_id}-{span_id}-01"}).close()
    traces.turn("cli", {"traceparent": "rubbish"}).close()
    traces.close()
    spans = memory.get_finished_spans()
    called, alone = (span for span in spans if span.name == "midwatch.turn")
    assert called.context is not None
    assert called.parent is not None
    assert f"{called.context.trace_id:032x}" == trace_id
    assert f"{called.parent.span_id:016x}" == span_id
    assert alone.parent is None


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans over gRPC, as a collector does."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def Export(self, request, context):  # type: ignore[no-untyped-def]
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.names += [span.name for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


def test_spans_reach_a_collector() -> None:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        traces = open_traces(f"http://127.0.0.1:{port}", "1.2.3")
        traces.turn("cli").close()
        traces.close()
    finally:
        server.stop(None).wait()
    assert collector.names == ["midwatch.open", "midwatch.turn"]


def test_a_collector_that_is_not_there_costs_no_turn_anything() -> None:
    traces = open_traces(f"http://127.0.0.1:{free_port()}", "1.2.3")
    play(traces)
    traces.close()


def test_what_is_off_is_not_imported() -> None:
    code = (
        "import sys, assistant.observing.traces, assistant.observing.metrics;"
        "print([m for m in sys.modules if m.startswith(('opentelemetry', 'grpc'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
