"""What is wrong with a request, in words: the first field of it that is not as it must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pydantic_core
from pydantic import ValidationError

from assistant.server.openai_errors import RequestInvalid

_MAX_WORDS_CHARS = 300


def request_invalid(error: ValidationError, body: bytes) -> RequestInvalid:
    """The deepest of the faults: those above it are of the other forms that a field may have."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        return RequestInvalid(None, f"the body is not JSON: {_words(faults[0]['msg'])}")
    value = pydantic_core.from_json(body)
    paths = [(_path(fault["loc"], value, fault["type"] == "missing"), fault) for fault in faults]
    # Of two forms that fit equally badly, the one whose type at least is right says more.
    path, fault = max(paths, key=lambda p: (len(p[0]), not p[1]["type"].endswith("_type")))
    if not path:
        return RequestInvalid(None, f"the body: {_words(fault['msg'])}")
    param = _spelled(path)
    if fault["type"] == "extra_forbidden":
        return RequestInvalid(param, f"{param} is not supported", "unsupported_parameter")
    return RequestInvalid(param, f"{param}: {_words(fault['msg'])}")


def _path(loc: Sequence[int | str], value: Any, is_missing: bool) -> list[int | str]:
    """`loc` without the names of forms, which pydantic puts between those of fields."""
    path: list[int | str] = []
    for item in loc:
        is_index = isinstance(item, int) and isinstance(value, list) and item < len(value)
        if is_index or (isinstance(value, dict) and item in value):
            value = value[item]
            path.append(item)
    return [*path, loc[-1]] if is_missing else path


def _spelled(path: Sequence[int | str]) -> str:
    """`messages[0].content`."""
    spelled = "".join(f"[{item}]" if isinstance(item, int) else f".{item}" for item in path)
    return _words(spelled.removeprefix("."))


def _words(text: str) -> str:
    return " ".join(text.split())[:_MAX_WORDS_CHARS]
