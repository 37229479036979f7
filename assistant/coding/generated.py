"""`Generated`: code as it is shown, with all that is known of it. Nobody has run it."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.coding.house import HouseText
from assistant.events import TurnUsage
from tools.code.report import CodeReport, Language

_MAX_TOUCHES = 6


@dataclass(frozen=True, slots=True)
class Generated:
    """The best attempt at a request.

    `rounds` counts the attempts, of which this is the one with the fewest errors; `fixes` says what
    was put right in it without the model. It is not `is_whole` when it breaks off in the middle.
    `house` are the texts of the knowledge base that the model was given, `looked` the files and
    folders that it was shown the beginnings of.
    """

    language: Language
    code: str
    report: CodeReport
    rounds: int = 1
    fixes: tuple[str, ...] = ()
    house: tuple[HouseText, ...] = ()
    looked: tuple[str, ...] = ()
    is_whole: bool = True
    usage: TurnUsage = field(default_factory=lambda: TurnUsage(model=""))

    @property
    def is_sound(self) -> bool:
        """Whether no check found an error."""
        return self.is_whole and bool(self.code.strip()) and not self.report.has_errors


def plan_line(report: CodeReport) -> str:
    """One line on what the code would touch."""
    if not report.touches:
        return "touches nothing that the checks know of"
    shown = "; ".join(touch.rstrip(".") for touch in report.touches[:_MAX_TOUCHES])
    left = len(report.touches) - _MAX_TOUCHES
    return f"touches: {shown}" + (f"; and {left} more" if left > 0 else "")
