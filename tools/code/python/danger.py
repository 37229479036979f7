"""How a rule says that a call is dangerous."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.code.python.calls import Call, Program
from tools.code.report import Danger, excerpt

Rule = Callable[[Call, Program], Iterator[Danger]]


def danger_of(call: Call, what: str, advice: str) -> Danger:
    """The call as a danger: `what` it does, and what to do before or instead."""
    return Danger(call.line, excerpt(call.text), what, advice)
