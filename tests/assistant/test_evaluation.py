from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.chat.local import LocalChatModel
from assistant.errors import MidwatchError, ModelError
from assistant.evaluation import (
    Case,
    CaseResult,
    as_rows,
    evaluate,
    judge,
    load_cases,
    summary,
)
from assistant.live import open_runbooks
from assistant.sessions import open_sessions
from assistant.settings import AgentSettings, DataSettings, LogsSettings, Settings

from .chat.scripted import ScriptedEngine

LOG = "2026-03-01T12:00:41Z ERROR pool exhausted: 20 of 20 connections in use\n"
QUIET = "2026-03-01T12:00:41Z INFO all is well\n"
ANSWER = "**Cause** [L1]: pay has no free connections.\n\n**Next:** Raise the pool."
POOL = "# Pool exhausted\n\nThe pool of connections is exhausted. Call the heron team.\n"
OTHER = "# Pool exhausted\n\nThe pool of connections is exhausted. Call the otter team.\n"


class Suite:
    """A folder of cases that grows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(
        self,
        name: str,
        expected: str = "quick_regex: [pool]",
        *,
        log: str | None = LOG,
        runbook: str = "",
        question: str = "Why is the pool exhausted?",
    ) -> None:
        case = self.folder / name
        case.mkdir()
        (case / "question.txt").write_text(f"{question}\n")
        (case / "expected.yaml").write_text(expected)
        if log is not None:
            (case / "bundle").mkdir()
            (case / "bundle" / "pay.log").write_text(log)
        if runbook:
            (case / "runbooks").mkdir()
            (case / "runbooks" / "pool.md").write_text(runbook)

    async def run(
        self, settings: Settings, engine: ScriptedEngine, only: tuple[str, ...] = ()
    ) -> list[CaseResult]:
        async def load(_: Settings) -> LocalChatModel:
            return LocalChatModel(engine=engine)

        cases = load_cases(self.folder, only)
        async with aclosing(evaluate(cases, settings, load)) as results:
            return [result async for result in results]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path / "suite")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=DataSettings(dir=tmp_path / "data"), agent=AgentSettings(max_drilldowns=0))


def scripted(*script: str) -> ScriptedEngine:
    engine = ScriptedEngine(*script)
    engine.info = replace(engine.info, context_tokens=100_000)
    return engine


def test_cases_are_loaded_by_name(suite: Suite) -> None:
    suite.add("b", "expected: [prose]\nquick_regex:\n- pool|connections\n- 30 ?s\n")
    suite.add("a", "quick_regex:\n", log=None)
    suite.add("c", "")
    (suite.folder / "notes").mkdir()
    (suite.folder / "README.md").touch()
    first, second, third = load_cases(suite.folder)
    assert (first.id, first.patterns, first.bundle) == ("a", (), None)
    assert (second.id, second.patterns) == ("b", ("pool|connections", "30 ?s"))
    assert second.question == "Why is the pool exhausted?"
    assert second.bundle == suite.folder / "b" / "bundle"
    assert third.patterns == ()
    assert [case.id for case in load_cases(suite.folder, ("c", "a"))] == ["a", "c"]


def test_folder_without_cases_and_unknown_names_are_refused(suite: Suite) -> None:
    with pytest.raises(MidwatchError, match="holds no case at all"):
        load_cases(suite.folder)
    suite.add("a")
    with pytest.raises(MidwatchError, match="holds no case named zz") as caught:
        load_cases(suite.folder, ("a", "zz"))
    assert "question.txt" in caught.value.hint


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ("quick_regex: [", "line 1, column 15"),
        ("quick_regex: pool", "valid tuple"),
        ("quick_regex: ['(']", "valid regular expression"),
        ("- pool", "dictionary"),
    ],
)
def test_expectation_that_cannot_be_used_is_refused_before_anything_runs(
    suite: Suite, expected: str, reason: str
) -> None:
    suite.add("a", expected)
    with pytest.raises(MidwatchError, match=reason) as caught:
        load_cases(suite.folder)
    assert str(suite.folder / "a" / "expected.yaml") in caught.value.message
    assert "\n" not in caught.value.message


def test_missing_expectation_is_refused(suite: Suite) -> None:
    suite.add("a")
    (suite.folder / "a" / "expected.yaml").unlink()
    with pytest.raises(MidwatchError, match="No such file"):
        load_cases(suite.folder)


@pytest.mark.parametrize(
    ("answer", "patterns", "missing"),
    [
        ("The Pool is full", ("pool",), ()),
        ("it took 30 s", ("30 ?s", "pool"), ("pool",)),
        ("", ("x", "y"), ("x", "y")),
        ("anything", (), ()),
        ("two\nlines", ("two.lines",), ("two.lines",)),
    ],
)
def test_patterns_are_looked_for_whatever_their_case(
    answer: str, patterns: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert judge(answer, patterns) == missing


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
    assert results[0].prompt_tokens > 0
    assert 0 < results[0].ttft_s <= results[0].total_s
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


def result(total_s: float, error: str = "", *patterns: str) -> CaseResult:
    case = Case("c", Path(), "q", patterns)
    return CaseResult(case, "", (), error, 0.0, total_s, 0, 0)


@pytest.mark.parametrize(
    ("times", "median", "longest"),
    [([], 0.0, 0.0), ([2.0], 2.0, 2.0), ([3.0, 1.0, 2.0], 2.0, 3.0), ([1.0, 9.0], 9.0, 9.0)],
)
def test_times_are_those_of_answers(times: list[float], median: float, longest: float) -> None:
    figures = summary([*(result(time) for time in times), result(0.0, "failed")])
    assert (figures["median_total_s"], figures["max_total_s"]) == (median, longest)
