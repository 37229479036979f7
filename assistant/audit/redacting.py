"""What of a caller's data goes into a record: no secrets, and no text without end."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import JsonValue

# A longer text is named by its hash; whoever has it can compare.
_MAX_TEXT_CHARS = 16_384


def redacted(data: Mapping[str, JsonValue], redact: Callable[[str], str]) -> dict[str, Any]:
    """`data` with each text in it, keys included, redacted and then cut to 16,384 characters.

    What is no JSON is left as it is, to be refused when the record is made.
    """
    return {_clean(key, redact): _clean(value, redact) for key, value in data.items()}


def _clean(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return _cut(redact(value))
    if isinstance(value, Mapping):
        return redacted(value, redact)
    if isinstance(value, list | tuple):
        return [_clean(below, redact) for below in value]
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no such numbers, and what was done is to be recorded all the same.
        return str(value)
    return value


def _cut(text: str) -> str:
    if len(text) <= _MAX_TEXT_CHARS:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:_MAX_TEXT_CHARS]} … ({len(text)} characters in all, SHA-256 {digest})"
