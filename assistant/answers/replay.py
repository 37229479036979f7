"""Giving a kept answer again, as the first turn of a new session.

The session gets all that it would have, had the answer been worked out: the ledger, and what the
model is told of the first turn when the conversation goes on.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.agent.prompt import first_message
from assistant.agent.report import as_citation
from assistant.agent.turn import Draft, Resumption, Strategy, Turn
from assistant.answers.kept import KeptAnswer
from assistant.events import EvidenceAdded
from tools.evidence import Ledger


async def replay(kept: KeptAnswer, turn: Turn, strategy: Strategy) -> Draft:
    """Show `kept` in `turn`, whose session is new, and let `strategy` remember it."""
    turn.toolbox.ledger = Ledger.restore(kept.evidence)
    for item in kept.evidence:
        finding = item.finding
        turn.emit(EvidenceAdded(as_citation(item), finding.note, finding.suspicion))
    turn.show(kept.answer)
    told = first_message(turn.question.text, (), kept.evidence)
    draft = await strategy.resume(turn, Resumption(told, kept.answer, is_open=False))
    return replace(draft, evidence=kept.cited_evidence)
