"""`ServerView`: what `GET /api/engine` says and `midwatch top` shows.

It names no session and no person, and holds nothing of what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assistant.engine.interface import EngineStatus, RequestState, RequestStatus
from assistant.observing.recent import Recent

if TYPE_CHECKING:
    from assistant.observing.metrics import Metrics

RequestClass = Literal["alert", "chat", "background"]


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request in the engine. Of its prompt, `num_cached_tokens` were there before it came."""

    state: RequestState
    request_class: RequestClass
    num_prompt_tokens: int
    num_cached_tokens: int
    num_computed_tokens: int
    num_new_tokens: int
    max_new_tokens: int
    age_s: float


@dataclass(frozen=True, slots=True)
class EngineView:
    """A local model that is loaded. The counts are since it was; rates come from two readings."""

    model: str
    num_running: int
    max_running: int
    num_waiting: int
    max_waiting: int
    num_cells: int
    num_used_cells: int
    num_prompt_tokens: int
    num_cached_tokens: int
    num_computed_tokens: int
    num_generated_tokens: int
    num_preemptions: int
    requests: tuple[RequestView, ...]


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server at a moment, which `uptime_s` tells on the server's own clock.

    `approvals_waiting` is None where it cannot be found out. `engines` is empty before a local
    model is loaded, and where another server has it.
    """

    version: str
    uptime_s: float
    turns_waiting: int
    turns_running: int
    event_streams: int
    approvals_waiting: int | None
    recent: Recent
    engines: tuple[EngineView, ...]


def view_server(metrics: Metrics, approvals_waiting: int | None) -> ServerView:
    """The server now."""
    load = metrics.load()
    return ServerView(
        version=metrics.version,
        uptime_s=metrics.uptime_s,
        turns_waiting=load.turns_waiting,
        turns_running=load.turns_running,
        event_streams=load.event_streams,
        approvals_waiting=approvals_waiting,
        recent=metrics.recent(),
        engines=tuple(_view(model, status) for model, status in metrics.engines().items()),
    )


def _view(model: str, status: EngineStatus) -> EngineView:
    return EngineView(
        model=model,
        num_running=status.num_running,
        max_running=status.max_running,
        num_waiting=status.num_waiting,
        max_waiting=status.max_waiting,
        num_cells=status.num_cells,
        num_used_cells=status.num_used_cells,
        num_prompt_tokens=status.num_prompt_tokens,
        num_cached_tokens=status.num_cached_tokens,
        num_computed_tokens=status.num_computed_tokens,
        num_generated_tokens=status.num_generated_tokens,
        num_preemptions=status.num_preemptions,
        requests=tuple(map(_view_request, status.requests)),
    )


_CLASSES: tuple[RequestClass, ...] = ("alert", "chat", "background")


def _view_request(request: RequestStatus) -> RequestView:
    return RequestView(
        state=request.state,
        request_class=_CLASSES[request.priority],
        num_prompt_tokens=request.num_prompt_tokens,
        num_cached_tokens=request.num_cached_tokens,
        num_computed_tokens=request.num_computed_tokens,
        num_new_tokens=request.num_new_tokens,
        max_new_tokens=request.max_new_tokens,
        age_s=request.age_s,
    )
