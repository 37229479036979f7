from __future__ import annotations

from pathlib import Path

import pytest

from assistant.chat.local import LocalChatModel
from assistant.evaluation.cases import Case
from assistant.evaluation.run import CaseResult
from assistant.evaluation.second_opinion import Opinion, ask_judge, read_opinion
from tests.assistant.chat.scripted import ScriptedEngine

ANSWER = "**Cause** [L1]: the pool is full.\n\n**Evidence**\n\n- [L1] secret quotation"


@pytest.mark.parametrize(
    ("text", "opinion"),
    [
        ('{"correct": true, "reason": "all there"}', Opinion(True, "all there")),
        (
            'Sure!\n```json\n{"correct": false,\n "reason": "no  cause"}\n```',
            Opinion(False, "no cause"),
        ),
        ('{"correct": false}', Opinion(False, "")),
        ('{"correct": "yes"}', Opinion(None, 'no verdict: {"correct": "yes"}')),
        ("I think so", Opinion(None, "no verdict: I think so")),
        ("{broken}", Opinion(None, "no verdict: {broken}")),
        ("", Opinion(None, "no verdict: ")),
    ],
)
def test_verdicts_are_read(text: str, opinion: Opinion) -> None:
    assert read_opinion(text) == opinion


def result(expected: tuple[str, ...], error: str = "") -> CaseResult:
    return CaseResult(Case("c", Path(), "why?", ("x",), expected=expected), ANSWER, error=error)


async def test_the_judge_reads_question_points_and_own_words() -> None:
    engine = ScriptedEngine('{"correct": true, "reason": "said"}')
    opinion = await ask_judge(LocalChatModel(engine=engine), result(("The pool is full.",)))
    assert opinion == Opinion(True, "said")
    asked = engine.prompt_text(0)
    assert "Question: why?" in asked
    assert "- The pool is full." in asked
    assert "the pool is full." in asked
    assert "secret quotation" not in asked


@pytest.mark.parametrize("unjudged", [result(()), result(("The pool is full.",), "failed")])
async def test_nothing_is_asked_where_nothing_is_expected(unjudged: CaseResult) -> None:
    assert await ask_judge(LocalChatModel(engine=ScriptedEngine()), unjudged) is None
