"""The events of a namespace as a log: one line per event, in the order of time.

Kubernetes keeps events for an hour by default: they say what has just happened, why a pod was not
scheduled, which image could not be pulled, what failed its probe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from tools.logs.sources.kube_pods import KubeModel
from tools.logs.sources.moments import Moment
from tools.logs.sources.names import printable
from tools.window import Window

_MAX_MESSAGE_CHARS = 2000


class _Object(KubeModel):
    kind: str = "?"
    name: str = "?"


class _Series(KubeModel):
    count: int = 1
    last_observed_time: Moment | None = None


class _Metadata(KubeModel):
    creation_timestamp: Moment | None = None


class Event(KubeModel):
    """An event, in the old form (`lastTimestamp`, `count`) or the new (`eventTime`, `series`)."""

    metadata: _Metadata = _Metadata()
    type: str = "Normal"
    reason: str = "Unknown"
    message: str = ""
    count: int = 1
    involved_object: _Object = _Object()
    series: _Series = _Series()
    first_timestamp: Moment | None = None
    last_timestamp: Moment | None = None
    event_time: Moment | None = None


@dataclass(frozen=True, slots=True)
class _Dated:
    """An event and when it last happened."""

    time: datetime
    event: Event


def event_lines(items: Iterable[Any], window: Window) -> list[str]:
    """The events of `window` among `items` (JSON), each as one line with the time it last happened.

    What is no event, or has no time, is left out.
    """
    dated = sorted(_dated(items), key=lambda event: event.time)
    return [_line(event) for event in dated if event.time in window]


def _dated(items: Iterable[Any]) -> Iterator[_Dated]:
    for item in items:
        try:
            event = Event.model_validate(item)
        except ValidationError:
            continue
        time = _last_seen(event)
        if time is not None:
            yield _Dated(time, event)


def _last_seen(event: Event) -> datetime | None:
    return (
        event.series.last_observed_time
        or event.last_timestamp
        or event.event_time
        or event.metadata.creation_timestamp
    )


def _line(dated: _Dated) -> str:
    """`2026-03-01T12:00:00Z WARNING BackOff Pod/web-0: Back-off … (14 times since …)`."""
    event = dated.event
    subject = f"{event.involved_object.kind}/{event.involved_object.name}"
    message = printable(event.message, _MAX_MESSAGE_CHARS)
    head = f"{_stamp(dated.time)} {event.type.upper()} {event.reason} {subject}"
    return f"{printable(head, _MAX_MESSAGE_CHARS)}: {message}{_repetition(event)}"


def _repetition(event: Event) -> str:
    times = max(event.count, event.series.count)
    if times <= 1:
        return ""
    first = event.first_timestamp or event.event_time
    return f" ({times} times since {_stamp(first)})" if first else f" ({times} times)"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
