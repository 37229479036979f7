from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from assistant.chat.local import LocalChatModel
from assistant.errors import ModelError
from assistant.evaluation.cases import load_cases
from assistant.evaluation.figures import as_rows, summary
from assistant.evaluation.run import evaluate
from assistant.live import open_runbooks
from assistant.sessions import open_sessions
from assistant.settings import LogsSettings, Settings
from tests.assistant.evaluation.suites import ANSWER, LOG, OTHER, POOL, Suite, scripted


async def test_suite_is_answered_and_counted(suite: Suite, settings: Settings) -> None:
    suite.add("1-match")
    suite.add("2-miss", "quick_regex: [pool, heron]")
    suite.add("3-read", "expected: [prose]")
    suite.add("4-no-evidence", log="")
    (suite.folder / "4-no-evidence" / "bundle" / "pay.log").unlink()
    results = await suite.run(settings, scripted(ANSWER, ANSWER, ANSWER))
    assert [result.is_match for result in results] == [True, False, None, False]
    assert results[1].missing == ("heron",)
    assert results[0].answer.startswith(ANSWER)
    assert results[0].usage.prompt_tokens > 0
    assert 0 < results[0].usage.ttft_s <= results[0].usage.total_s
    assert "holds no evidence" in results[3].error
    figures = summary(results)
    assert figures["cases"] == 4
    assert (figures["judged"], figures["matched"], figures["failed"]) == (3, 1, 1)
    rows = list(as_rows(results))
    assert [row["id"] for row in rows] == ["1-match", "2-miss", "3-read", "4-no-evidence"]
    assert rows[1]["missing"] == ["heron"]


async def test_missing_model_fails_every_case_and_ends(suite: Suite, settings: Settings) -> None:
    suite.add("a")
    suite.add("b")

    async def load(_: Settings) -> LocalChatModel:
        raise ModelError("there is no model")

    async with aclosing(evaluate(load_cases(suite.folder), settings, load)) as results:
        assert [result.error async for result in results] == ["there is no model"] * 2


async def test_each_case_has_its_own_runbooks_and_session_only(
    suite: Suite, settings: Settings
) -> None:
    suite.add("1-heron", runbook=POOL)
    suite.add("2-none")
    suite.add("3-otter", runbook=OTHER)
    suite.add("4-none")
    engine = scripted(*[ANSWER] * 4)
    answers = [result.answer for result in await suite.run(settings, engine)]
    assert [("heron" in answer, "otter" in answer) for answer in answers] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]
    for number in range(4):
        assert engine.prompt_text(number).count("Question: ") == 1
    for case in ("1-heron", "3-otter"):
        assert len(list((suite.folder / case / "runbooks").iterdir())) == 1


async def test_nothing_of_the_user_is_read_or_written(
    suite: Suite, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "live.log").write_text(LOG.replace("pool", "secret"))
    runbook = tmp_path / "own" / "pool.md"
    runbook.parent.mkdir()
    runbook.write_text(POOL)
    with open_runbooks(settings) as runbooks:
        runbooks.ingest([runbook.parent])
    logs = LogsSettings(sources={"live": (str(tmp_path / "live.log"),)})
    suite.add("no-bundle", log=None)
    suite.add("with-bundle")
    results = await suite.run(settings.model_copy(update={"logs": logs}), scripted(ANSWER))
    for result in results:
        assert "secret" not in result.answer
        assert "heron" not in result.answer
    assert "I cannot tell" in results[0].answer
    async with open_sessions(settings.data.dir) as store:
        assert await store.all() == []


async def test_cases_run_side_by_side_on_one_model(suite: Suite, settings: Settings) -> None:
    for number in range(4):
        suite.add(f"{number}", runbook=POOL if number % 2 else "")
    engine = scripted(*[ANSWER] * 4)
    results = await suite.run(settings, engine, jobs=3)
    assert sorted(result.case.id for result in results) == ["0", "1", "2", "3"]
    assert {r.case.id for r in results if "heron" in r.answer} == {"1", "3"}
    assert all(result.is_match for result in results)


async def test_questions_before_are_asked_in_the_same_session(
    suite: Suite, settings: Settings
) -> None:
    suite.add("a", "quick_regex: [pool]\nbefore: What is wrong with pay?\n")
    engine = scripted(ANSWER, ANSWER)
    [result] = await suite.run(settings, engine)
    assert result.is_match
    assert engine.prompt_text(1).count("Question: ") == 2


async def test_what_was_found_is_judged(suite: Suite, settings: Settings) -> None:
    suite.add(
        "a",
        "quick_regex: [pool]\nrestart_would_fix: 'no'\n"
        "cause_evidence: [{source: pay.log, regex: pool exhausted}]\n",
        # Without it the advice would not be shown at all.
        runbook="# Pool exhausted\n\nThe pool of connections is exhausted: restart the pool.\n",
    )
    advice = ANSWER.replace("Raise the pool.", "Restart the pool.")
    [result] = await suite.run(settings, scripted(advice))
    assert result.is_false_restart
    assert result.cause is not None
    assert (result.cause.rank, result.cause.is_cited) == (1, True)
    assert result.invalid_citations == ()
    assert [item.id for item in result.citations] == ["L1", "R1"]
    assert result.usage.model_calls == 1
    figures = summary([result])
    assert (figures["false_restart_rate"], figures["cause_in_top_3"]) == (1.0, 1.0)
    assert figures["citation_validity"] == 1.0


async def test_what_only_a_quotation_says_is_not_said(suite: Suite, settings: Settings) -> None:
    suite.add("a", "quick_regex: [free connections, '20 of 20']\n")
    [result] = await suite.run(settings, scripted(ANSWER))
    assert result.is_match
    assert result.unsaid == ("20 of 20",)
    figures = summary([result])
    assert (figures["accuracy"], figures["said_itself"]) == (1.0, 0.0)
