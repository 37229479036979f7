from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import pytest

from assistant.chat.local import LocalChatModel
from assistant.coding.generate import CodeProgress, check_with_tools, generate_code
from assistant.coding.generated import Generated, plan_line
from assistant.coding.house import HouseText
from assistant.coding.look import Looked
from assistant.coding.promql.names import Metric
from assistant.coding.request import CodeRequest
from assistant.engine.errors import ContextOverflow
from assistant.engine.gbnf import check as check_grammar
from assistant.engine.interface import Finished, GenerateRequest, TextDelta
from tests.assistant.chat.scripted import ScriptedEngine
from tools.code.report import CodeReport, Danger, Language, Problem

GREET = CodeRequest("greet the moon", "bash")
ERROR = Problem(4, 1, "error", "E1", "that is no command", "checker")
WARNING = Problem(3, 1, "warning", "W1", "rather not", "checker")
DANGER = Danger(3, "rm -rf /", "deletes all", "Do not.")
HEAD = "#!/usr/bin/env bash\nset -euo pipefail\n\n"


@dataclass
class ScriptedCheck:
    """Judges code by the words in it: `bad` is an error, `risky` a danger."""

    seen: list[tuple[Language, str, str]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def __call__(self, language: Language, code: str, dialect: str) -> CodeReport:
        self.seen.append((language, code, dialect))
        self.threads.add(threading.get_ident())
        problems = (ERROR,) * code.count("bad") + (WARNING,) * code.count("odd")
        return CodeReport(language, problems, (DANGER,) * code.count("risky"))


async def generate(
    request: CodeRequest, *script: str, reason: str = "stop"
) -> tuple[Generated, ScriptedEngine, ScriptedCheck]:
    engine, check = ScriptedEngine(*script, reason=reason), ScriptedCheck()
    generated = await generate_code(request, LocalChatModel(engine=engine), check=check)
    return generated, engine, check


async def test_code_that_is_right_is_written_once() -> None:
    generated, engine, check = await generate(GREET, "echo moon\n")
    assert generated.code == f"{HEAD}echo moon\n"
    assert (generated.rounds, generated.fixes, generated.is_sound) == (1, (), True)
    assert check.seen == [("bash", generated.code, "postgres")]
    [request] = engine.requests
    assert request.stop == ("\n```",)
    assert request.grammar is None
    assert engine.prompt_text().endswith(f"```bash\n{HEAD}")


async def test_errors_go_back_with_line_code_and_words() -> None:
    generated, engine, _ = await generate(GREET, "bad\n", "good\n")
    assert generated.code == f"{HEAD}good\n"
    assert generated.rounds == 2
    assert generated.is_sound
    prompt = engine.prompt_text()
    assert f"```bash\n{HEAD}bad\n```<|im_end|>" in prompt
    assert "line 4, `bad`: that is no command (checker E1)" in prompt
    # What was computed for the first attempt is the beginning of the second.
    assert prompt.startswith(engine.prompt_text(0).removesuffix(f"```bash\n{HEAD}"))


async def test_the_model_is_asked_three_times_at_most_and_the_best_attempt_counts() -> None:
    generated, engine, _ = await generate(GREET, "bad bad\n", "bad\n", "bad bad bad\n")
    assert len(engine.requests) == 3
    assert generated.code == f"{HEAD}bad\n"
    assert generated.rounds == 3
    assert not generated.is_sound


async def test_of_equal_attempts_the_first_counts() -> None:
    generated, _, _ = await generate(GREET, "bad 1\n", "bad 2\n", "bad 3\n")
    assert generated.code == f"{HEAD}bad 1\n"


async def test_a_model_that_repeats_itself_is_not_asked_again() -> None:
    generated, engine, _ = await generate(GREET, "bad\n", "bad\n", "never\n")
    assert len(engine.requests) == 2
    assert generated.rounds == 2


async def test_warnings_do_not_go_back() -> None:
    generated, engine, _ = await generate(GREET, "odd\n", "never\n")
    assert len(engine.requests) == 1
    assert generated.report.problems == (WARNING,)


async def test_a_danger_that_nobody_asked_for_goes_back_once() -> None:
    generated, engine, _ = await generate(GREET, "risky 1\n", "risky 2\n", "never\n")
    assert len(engine.requests) == 2
    assert generated.code == f"{HEAD}risky 1\n"
    assert generated.report.dangers == (DANGER,)
    calmer, _, _ = await generate(GREET, "risky\n", "calm\n")
    assert calmer.code == f"{HEAD}calm\n"


async def test_a_danger_that_was_asked_for_is_shown_and_stays() -> None:
    request = replace(GREET, task="delete everything below /srv/old")
    generated, engine, _ = await generate(request, "risky\n", "never\n")
    assert len(engine.requests) == 1
    assert generated.report.dangers == (DANGER,)


async def test_an_error_weighs_more_than_any_danger() -> None:
    generated, _, _ = await generate(GREET, "bad\n", "risky risky risky\n")
    assert generated.code == f"{HEAD}risky risky risky\n"


async def test_code_that_breaks_off_is_no_sound_code() -> None:
    generated, engine, _ = await generate(GREET, "a\n", "b\n", "c\n", reason="length")
    assert len(engine.requests) == 3
    assert not generated.is_whole
    assert not generated.is_sound
    assert "breaks off" in engine.prompt_text()


async def test_a_model_that_turns_in_circles_is_stopped() -> None:
    engine = ScriptedEngine("echo the very same line\n" * 90, "echo\n")
    model = LocalChatModel(engine=engine)
    generated = await generate_code(GREET, model, check=ScriptedCheck())
    assert engine.num_closed_early == 1
    assert generated.code == f"{HEAD}echo\n"
    assert "breaks off" in engine.prompt_text()
    assert generated.usage.prompt_tokens == sum(
        len(engine.prompt_text(number)) for number in range(2)
    )
    assert 20 < generated.usage.completion_tokens < 60


async def test_a_word_that_an_idiom_left_behind_is_an_error() -> None:
    request = replace(GREET, task="delete files below tmp that are older than 3 days")
    right = "find tmp -type f -mtime +3 -delete\n"
    generated, engine, _ = await generate(request, "find DIR -mtime +3 -delete\n", right)
    assert generated.code == f"{HEAD}{right}"
    assert "line 4, `find DIR -mtime +3 -delete`: DIR stands for" in engine.prompt_text()
    assert "midwatch" not in engine.prompt_text()


async def test_a_demand_that_left_no_trace_goes_back() -> None:
    request = replace(GREET, task="print the lines of moon.txt, sorted by name")
    generated, engine, _ = await generate(request, "cat moon.txt\n", "sort moon.txt\n")
    assert generated.code == f"{HEAD}sort moon.txt\n"
    assert "nothing sorts" in engine.prompt_text()


async def test_a_demand_that_is_never_met_is_a_warning() -> None:
    request = replace(GREET, task="print the lines of moon.txt, sorted by name")
    generated, engine, _ = await generate(request, *(f"cat moon.txt {n}\n" for n in range(3)))
    assert len(engine.requests) == 3
    assert generated.code == f"{HEAD}cat moon.txt 0\n"
    [problem] = generated.report.problems
    assert (problem.severity, problem.code) == ("warning", "demand")
    assert generated.is_sound


async def test_an_error_weighs_more_than_a_demand() -> None:
    request = replace(GREET, task="print the lines of moon.txt, sorted by name")
    generated, _, _ = await generate(request, "bad; sort moon.txt\n", "cat moon.txt\n", "bad\n")
    assert generated.code == f"{HEAD}cat moon.txt\n"


async def test_what_was_looked_at_is_said() -> None:
    looked = (Looked("moon.txt", "file", ("crater",)),)
    generated, engine, _ = await generate(replace(GREET, looked=looked), "echo\n")
    assert generated.looked == ("moon.txt",)
    assert "crater" in engine.prompt_text()


class FullEngine(ScriptedEngine):
    """One whose context is full after so many requests."""

    room = 1

    def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        if len(self.requests) == self.room:
            raise ContextOverflow(9000, 4096)
        return super().generate(request)


async def test_without_room_to_correct_it_the_first_attempt_counts() -> None:
    model = LocalChatModel(engine=FullEngine("bad\n"))
    generated = await generate_code(GREET, model, check=ScriptedCheck())
    assert (generated.code, generated.rounds) == (f"{HEAD}bad\n", 1)
    full = FullEngine()
    full.room = 0
    with pytest.raises(ContextOverflow):
        await generate_code(GREET, LocalChatModel(engine=full), check=ScriptedCheck())


async def test_no_code_at_all_is_the_worst_attempt() -> None:
    request = CodeRequest("ten customers", "sql")
    generated, _, _ = await generate(request, "", "bad bad\n", "")
    assert generated.code == "bad bad\n"
    nothing, _, _ = await generate(request, "", "\n", " ")
    assert not nothing.is_sound


async def test_what_was_put_right_is_said() -> None:
    engine = ScriptedEngine("import os\nprint(1)\n")
    model = LocalChatModel(engine=engine)
    generated = await generate_code(CodeRequest("one", "python"), model, check=ScriptedCheck())
    assert generated.code == "print(1)\n"
    assert generated.fixes == ("ruff's safe fixes",)


async def test_the_grammar_of_a_query_has_the_questions_metrics() -> None:
    request = CodeRequest("errors_total per second", "promql")
    _, engine, _ = await generate(request, "rate(errors_total[5m])")
    grammar = engine.requests[0].grammar
    assert grammar is not None
    check_grammar(grammar)
    assert "errors_total" in grammar
    known = replace(request, task="errors per second", metrics=(Metric("errors_total"),))
    _, engine, _ = await generate(known, "rate(errors_total[5m])")
    assert engine.requests[0].grammar == grammar


async def test_the_dialect_of_sql_reaches_the_check() -> None:
    request = CodeRequest("ten customers", "sql", dialect="mysql")
    _, _, check = await generate(request, "SELECT 1;\n")
    assert check.seen == [("sql", "SELECT 1;\n", "mysql")]


async def test_the_cost_is_that_of_all_attempts() -> None:
    generated, engine, _ = await generate(GREET, "bad\n", "good\n")
    usage = generated.usage
    assert usage.model == "scripted"
    assert usage.model_calls == 2
    assert usage.completion_tokens == len("bad\n") + len("good\n")
    assert usage.prompt_tokens == len(engine.prompt_text(0)) + len(engine.prompt_text(1))
    assert usage.cached_tokens == 6
    assert usage.ttft_s == 0.01
    assert usage.total_s > 0


async def test_the_house_is_named() -> None:
    house = HouseText("convention", "style.md", "Bash", 3, "Log to stderr.")
    generated, engine, _ = await generate(replace(GREET, house=(house,)), "good\n")
    assert generated.house == (house,)
    assert "Log to stderr." in engine.prompt_text()


async def test_the_system_prompt_is_the_same_for_every_task() -> None:
    _, one, _ = await generate(GREET, "good\n")
    _, other, _ = await generate(replace(GREET, task="delete old files"), "good\n")
    shared = one.prompt_text().partition("Task: ")[0]
    assert len(shared) > 300
    assert other.prompt_text().startswith(shared)


async def test_progress_is_told() -> None:
    told: list[CodeProgress] = []
    model = LocalChatModel(engine=ScriptedEngine("bad\n\n", "good\n"))
    await generate_code(GREET, model, check=ScriptedCheck(), on_progress=told.append)
    assert told[0] == CodeProgress("writing", 1)
    assert CodeProgress("writing", 1, 2) in told
    assert CodeProgress("checking", 1) in told
    assert told[-1] == CodeProgress("checking", 2)


async def test_checking_does_not_hold_up_the_loop() -> None:
    _, _, check = await generate(GREET, "good\n")
    assert threading.get_ident() not in check.threads


async def test_cancelling_ends_the_generation() -> None:
    engine = ScriptedEngine("a long text of many words\n" * 20)
    started = asyncio.Event()

    def progress(step: CodeProgress) -> None:
        if step.num_lines:
            started.set()
            task.cancel()

    task = asyncio.ensure_future(
        generate_code(
            GREET, LocalChatModel(engine=engine), check=ScriptedCheck(), on_progress=progress
        )
    )
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started.is_set()


def test_the_plan_is_one_line() -> None:
    assert plan_line(CodeReport("bash")) == "touches nothing that the checks know of"
    some = CodeReport("bash", touches=("deletes files below cache.", "reads a.log"))
    assert plan_line(some) == "touches: deletes files below cache; reads a.log"
    many = CodeReport("bash", touches=tuple(f"file {n}" for n in range(9)))
    assert plan_line(many).endswith("file 5; and 3 more")


def test_the_tools_check_what_is_generated() -> None:
    report = check_with_tools("sql", "SELECT FROM WHERE", "postgres")
    assert report.has_errors
