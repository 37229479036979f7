"""What code can say of a first look by itself: nothing wrong, nothing found, or no telling.

A model is asked only where there is something to explain; here that is decided, and here are the
words for when there is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.agent.coverage import subjects_of, uncovered, unmentioned
from assistant.agent.explain import Form
from assistant.agent.question import asks_health
from assistant.agent.report import lines_section
from assistant.agent.statement import statement
from assistant.agent.triage import CONCLUSIVE, FirstLook
from assistant.agent.turn import Turn
from assistant.incidents import SUSPICIOUS
from tools.evidence import Evidence

# Below it, what is found is no reason to say that something is wrong.
_WRONG = 0.6


def form_of(turn: Turn, look: FirstLook, gap: str, evidence: Sequence[Evidence]) -> Form | None:
    """What the model is to write; None when code knows the answer itself."""
    is_for_lines = turn.question.intent == "show" and turn.toolbox.scope.logs
    if gap or not evidence or is_healthy(turn, look) or is_for_lines:
        return None
    if turn.question.intent == "diagnose" and look.strongest >= SUSPICIOUS:
        return "cause"
    return "answer"


def gap_in(turn: Turn, look: FirstLook) -> str:
    """What the question asks about and the evidence does not cover; empty when it does.

    Reads the logs and captures again where the question names things; not for an event loop.
    """
    scope, question = turn.toolbox.scope, turn.question
    is_past = question.window.end is not None
    if look.log_report is not None and (is_past or look.strongest < SUSPICIOUS):
        missing_time = uncovered(question.window, look.log_report)
        if missing_time:
            return missing_time
    # Who asks whether all is well with a machine may have brought that machine's own logs.
    subjects = () if asks_health(question.text) else subjects_of(question.text)
    if not subjects or look.strongest >= CONCLUSIVE or look.asked_for or scope.origin == "live":
        return ""
    missing = unmentioned(subjects, scope, turn.toolbox.checkpoint)
    if len(missing) < len(subjects):
        return ""
    names = ", ".join(f"`{name}`" for name in missing)
    return f"nothing in the evidence mentions {names}"


def is_healthy(turn: Turn, look: FirstLook) -> bool:
    """Whether the evidence was examined and nothing in it is a lead.

    Captures are another matter: what is wrong in them may not look like it. Only where somebody
    asks whether anything is wrong at all, is nothing strong enough the answer.
    """
    scope = turn.toolbox.scope
    if asks_health(turn.question.text):
        return not scope.is_empty and bool(look.succeeded) and look.strongest < _WRONG
    if look.failures or look.asked_for or not scope.logs or scope.captures:
        return False
    return look.strongest < SUSPICIOUS


def verdict_of_code(turn: Turn, look: FirstLook, gap: str) -> str:
    """The answer where no model is asked."""
    if gap:
        return f"**I cannot tell**: {gap}."
    if look.asked_for:
        return lines_section(f"**Lines**: {look.asked_summary}", look.asked_for)
    if asks_health(turn.question.text) and look.succeeded:
        return _all_clear(look)
    if look.failures:
        return f"**I cannot tell**: {' '.join(look.failures)}"
    if look.asked_summary:
        return f"**No lines**: {look.asked_summary}"
    if not turn.toolbox.scope.is_empty:
        return "**Nothing found**: what was examined shows no problem."
    return (
        "**I cannot tell**: there is no evidence to look at. Name log files with `-f`, a folder "
        "with `--bundle`, or `[logs.sources]` in the settings."
    )


def _all_clear(look: FirstLook) -> str:
    """That nothing is wrong as far as can be seen, with what comes nearest to it."""
    text = "**No**: nothing that was examined shows a problem."
    if look.failures:
        text += f" Not everything could be looked at: {' '.join(look.failures)}"
    nearest = [item for item in look.facts if item.finding.suspicion >= SUSPICIOUS][:2]
    if not nearest:
        return text
    told = " ".join(f"[{item.id}] {statement(item)}" for item in nearest)
    return f"{text} The most notable, and probably normal: {told}"
