"""Text of others inside a prompt: fenced so that nothing in it can end the fence.

Special tokens in it are harmless anyway, because the engine never parses them in such text; a fence
keeps a log line from passing for a part of the task.
"""

from __future__ import annotations

import re
import unicodedata

_RUNS = re.compile(r"`+")


def fenced(text: str, limit_chars: int) -> str:
    """`text` in a fence longer than any in it, at most `limit_chars` of it: beginning and end."""
    shown = _clipped(_visible(text).strip("\n"), limit_chars)
    longest = max((len(run) for run in _RUNS.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _visible(text: str) -> str:
    """`text` with what a terminal obeys or an eye cannot see replaced."""
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") else "\ufffd"
        for c in text.replace("\r\n", "\n")
    )


def _clipped(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]}\n… {len(text) - limit} characters left out …\n{text[head - limit :]}"
