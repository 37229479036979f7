"""Keys: which fields of a structured line hold its time, level, message, service and status.

The names are those of the common libraries and collectors (pino, bunyan, zap, logback, structlog,
python-json-logger, ECS, GELF, OpenTelemetry, MongoDB, GCP, CloudWatch, …), compared without regard
to case. Nested objects are flattened by one level before, so that `log.level` is one key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from tools.logs.levels import http_level

_TIME = (
    "timestamp", "time", "ts", "@timestamp", "datetime", "date", "t", "asctime", "t.$date", "@t",
    "eventtime", "event_time", "start_time", "time_iso8601", "time_local", "timemillis",
    "requestreceivedtimestamp", "instant.epochsecond",
)  # fmt: skip
_LEVEL = (
    "levelname", "level_name", "level", "severity", "lvl", "log.level", "loglevel", "log_level",
    "severity_text", "severitytext", "@l",
)  # fmt: skip
_MESSAGE = (
    "message", "msg", "short_message", "@m", "@mt", "event", "log", "body", "textpayload",
    "jsonpayload.message", "jsonpayload.msg", "line", "error", "err", "error.message",
    "err.message", "text",
)  # fmt: skip
_SERVICE = (
    "service", "service.name", "logger", "logger_name", "log.logger", "app", "component", "name",
    "container_name", "category", "sourcecontext", "caller",
)  # fmt: skip
_STATUS = (
    "status", "status_code", "statuscode", "response_code", "responsecode", "res.statuscode",
    "response.status", "http.response.status_code", "http_status", "httprequest.status",
    "elb_status_code",
)  # fmt: skip
_METHOD = ("method", "request_method", "req.method", "httprequest.requestmethod")
_PATH = ("path", "url", "uri", "request_uri", "req.url", "request.uri", "httprequest.requesturl")
# The message of these is a line as a program wrote it: (keys that must be there, its key).
_WRAPPERS = (
    ({"log", "stream"}, "log"),
    ({"log", "container_name"}, "log"),
    ({"textpayload"}, "textpayload"),
    ({"message", "ingestiontime"}, "message"),
    ({"message", "logstreamname"}, "message"),
    ({"line", "labels"}, "line"),
)


class Keys(NamedTuple):
    """The keys of a structured line that mean something; None where it has no such key."""

    time: str | None
    level: str | None
    message: str | None
    service: str | None
    status: str | None
    request: tuple[str, ...]
    wraps: bool
    counts_like_syslog: bool


def keys_of(fields: Mapping[str, object]) -> Keys:
    """What the keys of a line mean; lines with the same keys are frequent."""
    names = tuple(fields)
    return _known(names) if len(names) <= _MAX_KNOWN_KEYS else _keys(names)


def _keys(names: tuple[str, ...]) -> Keys:
    by_lower = {name.lower(): name for name in names}
    present = {*by_lower, *(name.split(".")[0] for name in by_lower)}
    wrapped = next(
        (key for needed, key in _WRAPPERS if needed <= present and key in by_lower), None
    )
    is_mongo = "t.$date" in by_lower
    return Keys(
        _first(by_lower, _TIME),
        _first(by_lower, ("s",) if is_mongo else _LEVEL),
        by_lower[wrapped] if wrapped else _first(by_lower, _MESSAGE),
        _first(by_lower, ("c",) if is_mongo else _SERVICE),
        _first(by_lower, _STATUS),
        _request(by_lower),
        wrapped is not None,
        "short_message" in by_lower,
    )


_MAX_KNOWN_KEYS = 100
_known = lru_cache(maxsize=500)(_keys)


def status_of(value: object) -> int | None:
    """The HTTP status that a field holds, as a number or as its digits."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and http_level(value) is not None else None


def flattened(fields: Mapping[str, object]) -> dict[str, object]:
    """`fields` with objects one level deep taken apart: `{"res": {"a": 1}}` has `res.a`."""
    flat: dict[str, object] = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            flat[key] = value
    return flat


def _first(by_lower: Mapping[str, str], wanted: Iterable[str]) -> str | None:
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _request(by_lower: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that together say what was asked for."""
    if "request" in by_lower:
        return (by_lower["request"],)
    parts = (_first(by_lower, _METHOD), _first(by_lower, _PATH))
    return tuple(part for part in parts if part) if all(parts) else ()
