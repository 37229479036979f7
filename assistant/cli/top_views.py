"""What `midwatch top` shows of a reading, in a terminal that is redrawn and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from assistant.cli.output import visible

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from assistant.observing.rates import Rates
    from assistant.observing.recent import Recent
    from assistant.observing.server_view import EngineView, RequestView, ServerView

_STYLES = {"alert": "red", "chat": "", "background": "dim"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A server, and its rates since the reading before; there are none with the first."""

    view: ServerView
    rates: Mapping[str, Rates] = field(default_factory=dict)


def json_object(reading: Reading) -> dict[str, Any]:
    """The reading for programs: what `GET /api/engine` says, and the rates by model."""
    return {
        **asdict(reading.view),
        "rates": {model: asdict(found) for model, found in reading.rates.items()},
    }


def rendered(reading: Reading, problem: str = "", max_requests: int = 1000) -> Group:
    """The reading for people; `problem` is why there is no newer one."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(line) for line in _head(reading.view)]
    for engine in reading.view.engines:
        parts += ["", Text(_engine_line(engine), style="bold")]
        parts.append(Text(_work_line(engine, reading.rates.get(engine.model))))
        if engine.requests:
            parts.append(_requests(engine.requests[:max_requests]))
        if len(engine.requests) > max_requests:
            parts.append(Text(f"… and {len(engine.requests) - max_requests} more"))
    if not reading.view.engines:
        parts += ["", Text("no local model is loaded")]
    if problem:
        parts += ["", Text(visible(problem), style="red")]
    return Group(*parts)


def _head(view: ServerView) -> Iterator[str]:
    waiting = "unknown" if view.approvals_waiting is None else str(view.approvals_waiting)
    yield _spaced(
        f"midwatch {visible(view.version)}, up {_span(view.uptime_s)}",
        f"turns: {view.turns_running} running, {view.turns_waiting} waiting",
        f"event streams: {view.event_streams}",
        f"approvals waiting: {waiting}",
    )
    recent = view.recent
    turns = "1 turn" if recent.num_turns == 1 else f"{recent.num_turns} turns"
    failed = f", {recent.num_failed} failed" if recent.num_failed else ""
    yield _spaced(f"last {_span(recent.window_s)}: {turns}{failed}", *_times(recent))


def _times(recent: Recent) -> Iterator[str]:
    if recent.ttft_p50_s is not None and recent.ttft_p95_s is not None:
        yield f"first word: p50 {recent.ttft_p50_s:.2f} s, p95 {recent.ttft_p95_s:.2f} s"
    if recent.total_p50_s is not None and recent.total_p95_s is not None:
        yield f"whole turn: p50 {recent.total_p50_s:.1f} s, p95 {recent.total_p95_s:.1f} s"


def _engine_line(engine: EngineView) -> str:
    return _spaced(
        visible(engine.model),
        f"running: {engine.num_running} of {engine.max_running}",
        f"waiting: {engine.num_waiting}",
        f"gave way: {engine.num_preemptions}",
    )


def _work_line(engine: EngineView, found: Rates | None) -> str:
    cells = f"cache: {engine.num_used_cells:,} of {engine.num_cells:,} cells"
    share = _share(engine.num_used_cells, engine.num_cells)
    hits = _share(engine.num_cached_tokens, engine.num_prompt_tokens)
    parts = [f"{cells} ({share})", f"hits: {hits}"]
    if found is not None:
        generated, prompt = found.generated_per_s, found.prompt_per_s
        parts.append(f"tokens/s: {generated:.1f} generated, {prompt:.0f} of prompts")
    return _spaced(*parts)


def _requests(requests: Sequence[RequestView]) -> RenderableType:
    from rich.table import Column, Table

    numbers = (Column(name, justify="right") for name in ("prompt", "cached", "answer", "age"))
    table = Table("class", "state", *numbers, box=None, pad_edge=False)
    for request in requests:
        table.add_row(
            request.request_class,
            request.state,
            _progress(request),
            _share(request.num_cached_tokens, request.num_prompt_tokens),
            f"{request.num_new_tokens}/{request.max_new_tokens}",
            _span(request.age_s),
            style=_STYLES[request.request_class],
        )
    return table


def _progress(request: RequestView) -> str:
    """The prompt's tokens; while they are computed, those that have been as well."""
    if request.state != "prefill":
        return str(request.num_prompt_tokens)
    return f"{request.num_computed_tokens}/{request.num_prompt_tokens}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def _span(seconds: float) -> str:
    """A duration in at most two units: 1.2 s, 42 s, 5 min, 2 h 5 min, 3 d 4 h."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _spaced(*parts: str) -> str:
    return "   ".join(parts)
