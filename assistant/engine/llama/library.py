"""llama.cpp itself: initialised once for the process, its errors in our log."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
from collections.abc import Callable, Iterator

import llama_cpp.llama_cpp as api

_log = logging.getLogger(__name__)
_GGML_LOG_LEVEL_ERROR = 4

Listener = Callable[[int, str], None]
_listeners: list[Listener] = []


def _forward_log(level: int, data: bytes, _data: object) -> None:
    text = data.decode(errors="replace").strip()
    if level == _GGML_LOG_LEVEL_ERROR:
        _log.error("llama.cpp: %s", text)
    for listener in _listeners:
        listener(level, text)


# llama.cpp keeps the pointer: this object must outlive every call.
_LOG_CALLBACK = api.llama_log_callback(_forward_log)


@functools.cache
def initialise() -> None:
    """Make llama.cpp ready; calling it again costs nothing."""
    api.llama_log_set(_LOG_CALLBACK, ctypes.c_void_p(0))
    api.llama_backend_init()


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` hear all that llama.cpp logs in the block: lines, and pieces of lines.

    It is called on the thread that logs, whichever that is.
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextlib.contextmanager
def hearing_errors() -> Iterator[list[str]]:
    """The errors that llama.cpp logs in the block, in a list that grows with them."""
    errors: list[str] = []

    def listener(level: int, text: str) -> None:
        if level == _GGML_LOG_LEVEL_ERROR:
            errors.append(text)

    with listening(listener):
        yield errors
