"""Questions that code answers by itself: counts, and comparisons of before and after.

Each is one tool call like any other, and the answer needs no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.agent.comparing import Comparing, Verdict, as_text, compare_scope
from assistant.agent.counted import answer_text, is_answered
from assistant.agent.question import Question
from assistant.agent.toolbox import Toolbox
from tools.evidence import Evidence
from tools.logs.lookup.query import LogQuery
from tools.logs.lookup.tool import Lookup, look_up_logs
from tools.result import ToolResult


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    """What code computed for a look-up question: the answer's words and the lines behind it."""

    text: str
    evidence: tuple[Evidence, ...]
    overview: tuple[str, ...]


async def exact_answer(question: Question, toolbox: Toolbox) -> ExactAnswer | None:
    """The answer to a question that code can compute; None when it is not one, or has none."""
    if question.comparing is not None and toolbox.scope.logs:
        compared = await _compare(question, question.comparing, toolbox)
        if compared is not None:
            return compared
    query, scope = question.inquiry, toolbox.scope
    if query is None or not scope.logs:
        return None
    found: list[Lookup] = []

    def count() -> ToolResult:
        lookup = look_up_logs(
            scope, query, question.log_names, question.window, checkpoint=toolbox.checkpoint
        )
        found.append(lookup)
        return lookup.result

    report = await toolbox.perform("count_logs", _as_arguments(query), count)
    answer = found[0].answer if found else None
    if answer is None or not is_answered(answer) or (not answer.total and scope.captures):
        return None
    text = toolbox.redact(answer_text(answer, found[0].samples, report.evidence))
    return ExactAnswer(text, report.evidence, (report.result.summary,))


async def _compare(
    question: Question, comparing: Comparing, toolbox: Toolbox
) -> ExactAnswer | None:
    """Before and after, computed; None when the logs have too little on one side."""
    verdicts: list[Verdict] = []

    def compare() -> ToolResult:
        scope = toolbox.scope
        named = [scope.logs[name] for name in question.log_names]
        sources = named or list(scope.logs.values())
        result, verdict = compare_scope(scope, sources, comparing, toolbox.checkpoint)
        verdicts.extend([verdict] if verdict else [])
        return result

    report = await toolbox.perform("compare_logs", {"words": comparing.words[:80]}, compare)
    if not verdicts:
        return None
    text = toolbox.redact(as_text(verdicts[0], report.evidence))
    return ExactAnswer(text, report.evidence, (report.result.summary,))


def _as_arguments(query: LogQuery) -> dict[str, Any]:
    words = [*query.literals, *query.words]
    level = query.level.name if query.level else ""
    told = {"operation": query.operation, "words": words, "field": query.field, "level": level}
    return {name: value for name, value in told.items() if value}
