"""What needs no investigation: an order, a request for code, a figure that code computes.

Both strategies try it first, and end the turn with it.
"""

from __future__ import annotations

from assistant.agent.coded import coded_answer
from assistant.agent.exact import ExactAnswer, exact_answer
from assistant.agent.ordered import ordered_answer
from assistant.agent.report import closing_sections
from assistant.agent.turn import ModelSource, Turn


async def direct_answer(turn: Turn, model: ModelSource) -> ExactAnswer | None:
    """The answer, shown with its evidence; None when the question has to be looked into."""
    answer = (
        await ordered_answer(turn)
        or await coded_answer(turn, model)
        or await exact_answer(turn.question, turn.toolbox)
    )
    if answer is not None:
        show_computed(turn, answer)
    return answer


def show_computed(turn: Turn, answer: ExactAnswer) -> None:
    """Show what code computed, as it is: no model improves on a count."""
    turn.show_section(answer.text)
    turn.show_section(closing_sections(answer.text, answer.evidence, answer.overview))
