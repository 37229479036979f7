"""Traces by OpenTelemetry, for those who have a collector: a turn is a span, with spans in it for
its phases and its tools.

Only who turns them on imports this module's libraries. A span carries names, outcomes and numbers,
and nothing of what was asked, found or answered: a collector is another system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assistant import events

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_EXPORT_TIMEOUT_S = 5.0
_SCOPE = "midwatch"


class Traces:
    """Makes the observers of turns, and sends what they saw. Open it with `open_traces`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_SCOPE)

    def turn(self, front: str, headers: Mapping[str, str] | None = None) -> TurnTrace:
        """The observer of a turn that was accepted just now.

        With a `traceparent` among `headers` (lower case) it is a part of the caller's trace.
        """
        return TurnTrace(self._tracer, front, headers or {})

    def close(self) -> None:
        """Send what is left; blocks for some seconds when the collector does not answer."""
        self._provider.shutdown()


class TurnTrace:
    """A `TurnObserver` that makes one turn's spans.

    The phases are what events tell apart: `open` until the turn begins, `investigate` until the
    first word, `answer` from then on. Tools are below the phase in which they began. What the time
    went to in detail (`TurnUsage.phases_s`) stands in the turn's attributes.
    """

    def __init__(self, tracer: Tracer, front: str, headers: Mapping[str, str]) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        caller = TraceContextTextMapPropagator().extract(dict(headers))
        self._tracer = tracer
        self._turn = tracer.start_span(
            "midwatch.turn", context=caller, attributes={"midwatch.front": front}
        )
        self._tools: dict[int, Span] = {}
        self._phase_name = ""
        self._phase: Span | None = None
        self._is_over = False
        self._enter("open")

    def observe(self, event: events.Event) -> None:
        """See `TurnObserver.observe`."""
        if self._is_over:
            return
        match event:
            case events.TurnStarted():
                self._turn.set_attribute("midwatch.session", event.session)
                self._enter("investigate")
            case events.TextDelta() if self._phase_name != "answer":
                self._enter("answer")
            case events.ToolStarted():
                self._tools[event.call] = self._child(f"midwatch.tool {event.name}", self._phase)
            case events.ToolFinished() if event.call in self._tools:
                self._end_tool(self._tools.pop(event.call), event.status)
            case events.TurnFinished():
                self._set_usage(event.usage)
                self._end(event.outcome)
            case events.TurnFailed():
                self._turn.set_attribute("error.type", event.code)
                self._end("cancelled" if event.code == "cancelled" else "failed")

    def close(self) -> None:
        """See `TurnObserver.close`."""
        if not self._is_over:
            self._end("cancelled")

    def _child(self, name: str, parent: Span | None) -> Span:
        from opentelemetry.trace import set_span_in_context

        return self._tracer.start_span(name, context=set_span_in_context(parent or self._turn))

    def _enter(self, phase: str) -> None:
        if self._phase is not None:
            self._phase.end()
        self._phase_name = phase
        self._phase = self._child(f"midwatch.{phase}", None)

    def _end_tool(self, span: Span, outcome: str) -> None:
        span.set_attribute("midwatch.outcome", outcome)
        _mark(span, has_failed=outcome == "error")
        span.end()

    def _set_usage(self, usage: events.TurnUsage) -> None:
        """The names of OpenTelemetry's conventions for generative AI, where it has some."""
        self._turn.set_attributes(
            {
                "gen_ai.request.model": usage.model,
                "gen_ai.usage.input_tokens": usage.prompt_tokens,
                "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
                "gen_ai.usage.output_tokens": usage.completion_tokens,
                "midwatch.model_calls": usage.model_calls,
                **{f"midwatch.phase.{name}_s": s for name, s in usage.phases_s.items()},
            }
        )

    def _end(self, outcome: str) -> None:
        self._is_over = True
        for span in self._tools.values():
            self._end_tool(span, "cancelled")
        if self._phase is not None:
            self._phase.end()
        self._turn.set_attribute("midwatch.outcome", outcome)
        _mark(self._turn, has_failed=outcome == "failed")
        self._turn.end()


def open_traces(endpoint: str, version: str) -> Traces:
    """Traces for the OTLP collector at `endpoint`, over gRPC: `http://host:4317` or `https://…`.

    A collector that does not answer is logged, and costs the turns nothing.
    """
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    insecure = urlsplit(endpoint).scheme != "https"
    exporter = OTLPSpanExporter(endpoint, insecure=insecure, timeout=_EXPORT_TIMEOUT_S)
    return traces_to(exporter, version)


def traces_to(exporter: SpanExporter, version: str) -> Traces:
    """Traces that go to `exporter`, behind the scenes, in batches."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "midwatch", "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider)


def _mark(span: Span, *, has_failed: bool) -> None:
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR if has_failed else StatusCode.OK)
