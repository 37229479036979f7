"""The code alone, out of what a model wrote: no fences, no prose around them, nothing unseen."""

from __future__ import annotations

import re
import unicodedata

_FENCED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_FENCE_LINE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[\w-]*[ \t]*")
# No line of any of the languages begins so.
_PROSE = re.compile(
    r"(?:Here(?:'s| is| are)|Sure|Certainly|Of course|Below|The following|Note(?: that|:)"
    r"|This (?:script|query|code|playbook|manifest|unit|config\w*|will|is)|Explanation|Make sure"
    r"|Remember|You (?:can|may|should|need)|Save (?:this|the)|To (?:run|use)|In this"
    r"|I (?:have|will|hope))\b.*"
)
_KEPT = frozenset("\n\t")


def code_alone(text: str) -> str:
    """The code in `text`, ending in one line break; empty when there is none.

    The longest of several fenced blocks; all of it but prose, where no fence stands.
    """
    text = _seen(text)
    blocks = [match["code"] for match in _FENCED.finditer(text) if match["code"].strip()]
    code = max(blocks, key=len) if blocks else _without_prose(text)
    lines = [line.rstrip() for line in code.splitlines()]
    while lines and (not lines[-1] or _FENCE_LINE.fullmatch(lines[-1])):
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines) + "\n" if lines else ""


def _seen(text: str) -> str:
    """`text` without characters that steer a terminal or hide what it says."""
    text = text.replace("\r\n", "\n")
    return "".join(c for c in text if c in _KEPT or unicodedata.category(c) not in ("Cc", "Cf"))


def _without_prose(text: str) -> str:
    lines = text.splitlines()
    while lines and (not lines[0].strip() or _PROSE.match(lines[0].strip())):
        lines.pop(0)
    prose = next((n for n, line in enumerate(lines) if n and _ends_before(lines, n)), len(lines))
    return "\n".join(lines[:prose])


def _ends_before(lines: list[str], number: int) -> bool:
    """Whether an explanation begins at that line: prose after an empty line."""
    return not lines[number - 1].strip() and bool(_PROSE.match(lines[number]))
