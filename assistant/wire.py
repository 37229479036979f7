"""What goes between processes, and what is kept of turns: events, approvals and requests as JSON.

The JSON of an event is the contract of `assistant.events`; reading it back checks it against the
same dataclasses. What has more than a reader knows is read all the same, what has less is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import JsonValue, TypeAdapter, ValidationError

from assistant import events
from assistant.errors import WireError

T = TypeVar("T")

_EVENTS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(events.Event)}
_HINT = "client and server may be of two versions: use the same"


def event_of(value: Mapping[str, Any]) -> events.Event:
    """The event of which `value` is the JSON object (`to_json`). Raises WireError."""
    kind = _EVENTS.get(str(value.get("event")))
    if kind is None:
        raise WireError(f"there is no event {value.get('event')!r}", _HINT)
    event: events.Event = read(kind, {k: v for k, v in value.items() if k != "event"})
    return event


def read(kind: type[T], value: Any) -> T:
    """The object of the dataclass `kind` of which `value` is the JSON. Raises WireError."""
    try:
        found: T = adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        what = f"this is no {kind.__name__}: {place}: {first['msg']}"
        raise WireError(what, _HINT) from error
    return found


def written(value: Any) -> Any:
    """The JSON of an object of a dataclass."""
    return adapter(type(value)).dump_python(value, mode="json", warnings=False, fallback=dict)


def _made(kind: Any) -> TypeAdapter[Any]:
    found = TypeAdapter(kind)
    # Modules that must be quick to import have these names for the type checker only.
    found.rebuild(_types_namespace={"JsonValue": JsonValue})
    return found


adapter: Callable[[Any], TypeAdapter[Any]] = cache(_made)
"""What reads and writes the JSON of a dataclass."""
