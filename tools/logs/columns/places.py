"""Places: where in all lines of a shape something stands that one line of it shows.

The parser says for one line where its time stamp or its status stands. In the other lines of the
same shape the numbers before that place may be longer or shorter; the expression made here finds
the place in all of them.
"""

from __future__ import annotations

import re

from tools.logs.columns.text import RUN, RUN_GOES_ON

_RUN = re.compile(RUN)
# A run with what stands before it; the letters that a run may begin with belong to either.
_TO_RUN_END = rf"[^0-9]*[0-9][0-9A-Za-z_]*(?:{RUN_GOES_ON})*"
# A name and what parts it from its value, or a bracket. What it begins with is in no number, so
# that it cannot be found inside one.
_ANCHOR = re.compile(r"(?:[\s\"'{(\[,;<]\"?[A-Za-z_@][\w.@-]*\"?\s?[:=]\s?[\"'\[]?|[\[(<\"'|])$")
# A word before a run, from its blank or bracket on.
_BEFORE_RUN = re.compile(r"[\s\"'(\[<{][A-Za-z_]{2,20}[/=:\[( ]$")
# A run goes on with one of these.
_GOES_ON = re.compile(rf"[0-9A-Za-z_]|{RUN_GOES_ON}")
_ENDS = r"(?:[^0-9A-Za-z_.:,/-]|[.:,/-](?:[^0-9]|$)|$)"


def masked(text: str) -> str:
    """The shape of `text`: what it shares with the lines of its shape."""
    return _RUN.sub("0", text)


def place_of(text: str, start: int) -> str:
    """An expression for what stands before `start`, in `text` and in all lines of its shape.

    A group put behind it begins where the place is.
    """
    runs = [run.span() for run in _RUN.finditer(text) if run.end() <= start]
    if not runs:
        return f"^.{{{start}}}"
    between = text[runs[-1][1] : start]
    anchor = _ANCHOR.search(between)
    shape = masked(text)
    if anchor is not None and shape.count(anchor[0]) == 1:
        return re.escape(anchor[0])
    before = _BEFORE_RUN.search(text, 0, runs[-1][0])
    if before is not None and shape.count(f"{before[0]}0{between}") == 1:
        return f"{re.escape(before[0])}{RUN}{re.escape(between)}"
    return f"^(?:{_TO_RUN_END}){{{len(runs)}}}.{{{len(between)}}}"


def end_of(text: str, end: int) -> str:
    """An expression for what stands from `end` on, in `text` and in lines of its shape.

    Put behind a group, it refuses lines in which there is more than what the group matches.
    """
    return re.escape(text[end]) if _GOES_ON.match(text, end) else _ENDS
