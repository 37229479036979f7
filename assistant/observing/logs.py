"""Structured logs: one JSON object a line, which says of what request, turn and session it is.

Whatever is logged goes through the redactor at the very end, so that no caller has to think of it.
A line is for machines; what a person at the command line reads is set up elsewhere.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TextIO

_MAX_TEXT_CHARS = 16_384

_NO_IDS: Mapping[str, str] = MappingProxyType({})
_context: ContextVar[Mapping[str, str]] = ContextVar("log context", default=_NO_IDS)


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """Name what is worked on: each line logged within carries `request`, `turn`, `session`.

    Tasks and threads (`asyncio.to_thread`) that begin within inherit it. Contexts nest.
    """
    token = _context.set({**_context.get(), **ids})
    try:
        yield
    finally:
        _context.reset(token)


def current_ids() -> Mapping[str, str]:
    """What the lines logged here would carry."""
    return _context.get()


def with_fields(**fields: Any) -> dict[str, Any]:
    """The `extra` of a log call that adds `fields` to its line."""
    return {"fields": fields}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON without secrets."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line. What has no JSON form is written as Python shows it."""
        entry = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        clean = {key: self._clean(value) for key, value in entry.items()}
        return json.dumps(clean, default=lambda value: self._clean(str(value)))

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return _cut(self._redact(value))
        if isinstance(value, Mapping):
            return {str(key): self._clean(below) for key, below in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(below) for below in value]
        return value


@contextmanager
def json_logging(
    redact: Callable[[str], str], level: int = logging.INFO, stream: TextIO | None = None
) -> Iterator[None]:
    """Write all logs of this process to `stream` (standard error) as JSON lines meanwhile.

    Of libraries only what they warn of; of midwatch everything from `level` on. Handlers that were
    there before are put back at the end.
    """
    root = logging.getLogger()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(redact))
    before = (root.handlers, root.level)
    ours = [logging.getLogger(name) for name in ("assistant", "tools", "knowledge", "bots")]
    levels = [logger.level for logger in ours]
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for logger in ours:
        logger.setLevel(level)
    try:
        yield
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
        for logger, earlier in zip(ours, levels, strict=True):
            logger.setLevel(earlier)


def _timestamp(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")


def _cut(text: str) -> str:
    if len(text) <= _MAX_TEXT_CHARS:
        return text
    return f"{text[:_MAX_TEXT_CHARS]} … ({len(text)} characters in all)"
